# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Defaults, argument specs and the tables of the documentation say the same."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from ansible_collections.pgsvc.access.docs import variables
from ansible_collections.pgsvc.access.plugins.plugin_utils._input import defaults
from ansible_collections.pgsvc.access.tests.conftest import ROOT

ROLES = sorted(path.name for path in (ROOT / "roles").iterdir())
ROW = re.compile(r"^\| `(?P<name>[a-z_]+)` \| (?P<type>[a-z]+) \| (?P<default>[^|]+) \|", re.MULTILINE)
PLANNED = {**defaults.MEMBER, **defaults.CLUSTER, **defaults.LOAD_BALANCER}


def options(role: str) -> dict[str, Any]:
    specs = yaml.safe_load((ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text())
    found: dict[str, Any] = specs["argument_specs"]["main"]["options"]
    return found


def role_defaults(role: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "roles" / role / "defaults" / "main.yml").read_text())
    return found


@pytest.mark.parametrize("role", ROLES)
def test_defaults_are_specified(role: str) -> None:
    specified = {name: option.get("default") for name, option in options(role).items()}
    assert {name: specified[name] for name in role_defaults(role)} == role_defaults(role)


@pytest.mark.parametrize("role", ROLES)
def test_specified_defaults_are_in_force(role: str) -> None:
    """A default that the specs name is the role's, or the plan's where the role leaves the variable to the plan."""
    in_force = {**PLANNED, **role_defaults(role)}
    specified = {name: option["default"] for name, option in options(role).items() if "default" in option}
    assert specified == {name: in_force[name] for name in specified}


@pytest.mark.parametrize("role", ROLES)
def test_readme_table(role: str) -> None:
    """The table of variables in a role's README, where there is one, has each variable with its type and default."""
    readme = (ROOT / "roles" / role / "README.md").read_text()
    rows = {row["name"]: (row["type"], row["default"].strip()) for row in ROW.finditer(readme)}
    if "## Variables\n\n|" not in readme:
        assert "docs/variables.md" in readme, "a README has the table, or says where it is"
        return
    assert rows == {name: (option["type"], variables._default(name, option)) for name, option in options(role).items()}


def test_reference_page_is_current() -> None:
    assert variables.PAGE.read_text() == variables.page(), "run make docs"

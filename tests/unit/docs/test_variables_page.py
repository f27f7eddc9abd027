# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reference of variables says what the roles' argument specs say."""

from __future__ import annotations

import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.pgsvc.access.plugins.plugin_utils._input import defaults
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.definition import FIELDS

ROOT = Path(__file__).resolve().parents[3]


def options(role: str) -> dict[str, Any]:
    specs = yaml.safe_load((ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    found: dict[str, Any] = specs["argument_specs"]["main"]["options"]
    return found


def test_the_page_is_what_the_specs_generate() -> None:
    generated = runpy.run_path(str(ROOT / "docs" / "variables.py"))["page"]()
    assert (ROOT / "docs" / "variables.md").read_text(encoding="utf-8") == generated, "run: make docs"


def variables_of_roles() -> Iterator[str]:
    """The variables that a role specifies for any of its entry points, and those that it has a default for."""
    for role in (ROOT / "roles").iterdir():
        specs = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
        for entry_point in specs["argument_specs"].values():
            yield from entry_point["options"]
        yield from yaml.safe_load((role / "defaults" / "main.yml").read_text(encoding="utf-8"))


def variables_of_playbooks() -> Iterator[str]:
    """The variables in the templates and conditions of the playbooks, which begin with the prefix of a role."""
    for playbook in (ROOT / "playbooks").glob("*.yml"):
        lines = playbook.read_text(encoding="utf-8").splitlines()
        for expression in (line for line in lines if "{{" in line or line.lstrip().startswith("when:")):
            yield from re.findall(r"(?<![\w.])(?:pg|pgbouncer|patroni|haproxy)_\w+(?! *=)", expression)


def test_the_page_lists_every_variable() -> None:
    page = (ROOT / "docs" / "variables.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
    read = {*defaults.VARIABLES, *variables_of_roles(), *variables_of_playbooks()}
    assert {"pg_cluster", "pg_service_serial", "pg_service_conf_hosts", "pg_service_clusters"} <= read
    assert read - listed == set()


@pytest.mark.parametrize("variable", ["pg_services", "pg_default_services"])
def test_the_fields_of_a_service_are_those_that_planning_knows(variable: str) -> None:
    fields = options("pg_service")[variable]["options"]
    assert set(fields) == set(FIELDS)
    assert {name for name, field in fields.items() if field.get("required")} == set(defaults.SERVICE_REQUIRED)


@pytest.mark.parametrize("variable", ["pg_services", "pg_default_services"])
def test_the_defaults_of_a_service_are_those_that_planning_has(variable: str) -> None:
    fields = options("pg_service")[variable]["options"]
    assert {name: fields[name].get("default") for name in defaults.SERVICE} == defaults.SERVICE


@pytest.mark.parametrize(
    ("role", "defaults"),
    [
        ("pg_service", {**defaults.MEMBER, **defaults.CLUSTER, **defaults.LOAD_BALANCER}),
        ("haproxy", defaults.LOAD_BALANCER),
    ],
)
def test_the_defaults_of_variables_are_those_that_planning_has(role: str, defaults: dict[str, Any]) -> None:
    found = options(role)
    shared = {name: default for name, default in defaults.items() if name in found and name != "pg_address"}
    assert shared
    assert {name: found[name].get("default") for name in shared} == shared

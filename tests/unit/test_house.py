# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of CONTRIBUTING.md for the packages and their imports."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from ansible_collections.pgsvc.access.tests.conftest import ROOT

PLUGINS = ROOT / "plugins"
# What each package may import of the others.
ALLOWED = {
    "module_utils._host": set(),
    "module_utils._haproxy": {"module_utils._host"},
    "module_utils._publish": {"module_utils._haproxy", "module_utils._host"},
    "module_utils._status": {"module_utils._publish", "module_utils._haproxy", "module_utils._host"},
    "module_utils._switchover": {
        "module_utils._status", "module_utils._publish", "module_utils._haproxy", "module_utils._host",
    },
    "module_utils._blocks": {"module_utils._host"},
    "module_utils._unit": {"module_utils._haproxy", "module_utils._host"},
    "plugin_utils._input": {"module_utils._haproxy"},
    "plugin_utils._model": {"plugin_utils._input", "module_utils._haproxy"},
    "plugin_utils._plan": {"plugin_utils._model", "plugin_utils._input", "module_utils._publish"},
    "plugin_utils._access": {"plugin_utils._plan", "plugin_utils._model", "plugin_utils._input"},
    "plugin_utils._report": {
        "plugin_utils._access",
        "plugin_utils._plan",
        "plugin_utils._model",
        "plugin_utils._input",
        "module_utils._publish",
    },
}  # fmt: skip
PACKAGES = {f"{path.parent.name}.{path.name}" for path in PLUGINS.glob("*_utils/_*") if any(path.glob("*.py"))}


def imported(path: Path) -> set[str]:
    """The packages of the collection that a file imports, as ``module_utils._host``."""
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names.append(node.module)
        elif isinstance(node, ast.Import):
            names.extend(alias.name for alias in node.names)
    parts = [name.split(".") for name in names if name.startswith("ansible_collections.pgsvc.access.plugins.")]
    return {".".join(each[4:6]) for each in parts}


def test_every_package_is_in_the_table() -> None:
    assert set(ALLOWED) == PACKAGES


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_imports_go_one_way(package: str) -> None:
    found = {each for path in (PLUGINS / package.replace(".", "/")).glob("*.py") for each in imported(path)}
    assert found - {package} <= ALLOWED[package]


def test_nothing_stands_beside_the_packages() -> None:
    assert [path.name for path in PLUGINS.glob("*_utils/*.py")] == []


def test_what_runs_on_hosts_makes_light_data_classes() -> None:
    """The standard decorator costs every run on every host 25 ms, see `_host/light_dataclass.py`."""
    own = PLUGINS / "module_utils/_host/light_dataclass.py"
    paths = [*PLUGINS.glob("module_utils/*/*.py"), *PLUGINS.glob("modules/*.py")]
    standard = re.compile(r"^from dataclasses import .*\bdataclass\b|\bdataclasses\.dataclass\b", re.MULTILINE)
    assert [path.name for path in paths if path != own and standard.search(path.read_text())] == []

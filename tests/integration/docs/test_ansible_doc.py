# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ansible-doc shows: every plugin, module and role, whole, with examples that Ansible accepts."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.pgsvc.access.tests.conftest import ROOT

pytestmark = [pytest.mark.every_core, pytest.mark.xdist_group("ansible-doc")]

FOLDERS = {"module": "modules", "filter": "filter", "callback": "callback"}
PLUGINS = [
    (kind, f"pgsvc.access.{path.stem}")
    for kind, folder in FOLDERS.items()
    for path in sorted((ROOT / "plugins" / folder).glob("[!_]*.py"))
]
ROLES = [("role", f"pgsvc.access.{path.name}") for path in sorted((ROOT / "roles").iterdir())]
# ansible-core 2.20 and newer warn, with every list of roles, that this collection of their own has no version.
OWN_COLLECTION = "ansible/_protomatter"


def warnings(output: str) -> list[str]:
    """The lines that start a warning."""
    return [line for line in output.splitlines() if "WARNING" in line]


@pytest.fixture(scope="module")
def documented() -> dict[str, dict[str, Any]]:
    """What ansible-doc has to say, by kind and name."""
    found: dict[str, dict[str, Any]] = {}
    for kind in (*FOLDERS, "role"):
        names = [name for each, name in (*PLUGINS, *ROLES) if each == kind]
        command = ["ansible-doc", "--json", "-t", kind, *names]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        assert [line for line in warnings(done.stderr) if OWN_COLLECTION not in line] == []
        found[kind] = json.loads(done.stdout)
    return found


def options_without_description(options: dict[str, Any], within: str = "") -> list[str]:
    """The options, nested ones too, that say nothing."""
    found = []
    for name, option in options.items():
        if not option.get("description"):
            found.append(within + name)
        nested = option.get("suboptions") or option.get("options") or {}
        found += options_without_description(nested, f"{within}{name}.")
    return found


@pytest.mark.parametrize(("kind", "name"), PLUGINS)
def test_plugin(documented: dict[str, dict[str, Any]], kind: str, name: str) -> None:
    shown = documented[kind][name]
    assert shown["doc"]["short_description"]
    assert shown["doc"]["version_added"] == "1.0.0"
    assert options_without_description(shown["doc"].get("options") or {}) == []
    if kind != "callback":
        assert shown["return"]
        assert all("name" in task for task in yaml.safe_load(shown["examples"]))


def test_examples(documented: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    """Ansible accepts all of them: each is a play."""
    examples = [documented[kind][name]["examples"] for kind, name in PLUGINS if kind != "callback"]
    plays = [{"hosts": "localhost", "gather_facts": False, "tasks": yaml.safe_load(each)} for each in examples]
    (tmp_path / "examples.yml").write_text(yaml.safe_dump(plays))
    subprocess.run(["ansible-playbook", "--syntax-check", str(tmp_path / "examples.yml")], check=True)


@pytest.mark.parametrize("name", [name for kind, name in PLUGINS if kind == "module"])
def test_attributes_of_a_module(documented: dict[str, dict[str, Any]], name: str) -> None:
    """Each says for check mode, diff mode and a second run what it does, and names the group for module_defaults."""
    attributes = documented["module"][name]["doc"]["attributes"]
    assert {"action_group", "check_mode", "diff_mode", "idempotent"} <= attributes.keys()
    assert [key for key, attribute in attributes.items() if not attribute.get("description")] == []
    assert [key for key, attribute in attributes.items() if not attribute.get("support")] == []
    assert attributes["action_group"]["membership"] == ["pgsvc.access.all"]
    assert "group/pgsvc.access.all" in attributes["action_group"]["description"]


@pytest.mark.parametrize(("kind", "name"), ROLES)
def test_role(documented: dict[str, dict[str, Any]], kind: str, name: str) -> None:
    entry_points = documented[kind][name]["entry_points"]
    assert "main" in entry_points
    for entry_point in entry_points.values():
        assert entry_point["short_description"]
        assert options_without_description(entry_point["options"]) == []

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

PLUGINS = [
    (kind, f"pgsvc.access.{path.stem}")
    for kind, folder in (("module", "modules"), ("filter", "filter"), ("callback", "callback"))
    for path in sorted((ROOT / "plugins" / folder).glob("[!_]*.py"))
]
MODULES = [name for kind, name in PLUGINS if kind == "module"]
ROLES = [f"pgsvc.access.{path.name}" for path in sorted((ROOT / "roles").iterdir())]


def shown(kind: str, name: str) -> dict[str, Any]:
    """What ansible-doc has to say about one plugin."""
    done = subprocess.run(["ansible-doc", "--json", "-t", kind, name], check=True, capture_output=True, text=True)
    assert "WARNING" not in done.stderr
    documented: dict[str, Any] = json.loads(done.stdout)[name]
    return documented


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
def test_plugin(kind: str, name: str, tmp_path: Path) -> None:
    documented = shown(kind, name)
    doc = documented["doc"]
    assert doc["short_description"]
    assert doc["version_added"] == "1.0.0"
    assert options_without_description(doc.get("options") or {}) == []
    if kind == "callback":
        return
    assert documented["return"]
    play = [{"hosts": "localhost", "gather_facts": False, "tasks": yaml.safe_load(documented["examples"])}]
    assert all("name" in task for task in play[0]["tasks"])
    (tmp_path / "examples.yml").write_text(yaml.safe_dump(play))
    subprocess.run(["ansible-playbook", "--syntax-check", str(tmp_path / "examples.yml")], check=True)


@pytest.mark.parametrize("name", MODULES)
def test_attributes_of_a_module(name: str) -> None:
    """Each says for check mode, diff mode and a second run what it does, and names the group for module_defaults."""
    attributes = shown("module", name)["doc"]["attributes"]
    assert {"action_group", "check_mode", "diff_mode", "idempotent"} <= attributes.keys()
    assert [key for key, attribute in attributes.items() if not attribute.get("description")] == []
    assert [key for key, attribute in attributes.items() if not attribute.get("support")] == []
    assert attributes["action_group"]["membership"] == ["pgsvc.access.all"]
    assert "group/pgsvc.access.all" in attributes["action_group"]["description"]


@pytest.mark.parametrize("name", ROLES)
def test_role(name: str) -> None:
    documented = shown("role", name)
    assert "main" in documented["entry_points"]
    for entry_point in documented["entry_points"].values():
        assert entry_point["short_description"]
        assert options_without_description(entry_point["options"]) == []

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The group of all modules, for which a play can set defaults (``module_defaults``)."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.pgsvc.access.tests.conftest import ROOT


def run(playbook: Path, defaults: dict[str, Any], *tasks: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    """Run tasks on this host with defaults for the group."""
    play = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "module_defaults": {"group/pgsvc.access.all": defaults},
        "tasks": list(tasks),
    }
    playbook.write_text(yaml.safe_dump([play]))
    return subprocess.run(["ansible-playbook", str(playbook)], capture_output=True, text=True, check=False)


def test_every_module_is_in_the_group() -> None:
    runtime = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())
    modules = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("[!_]*.py"))
    assert runtime["action_groups"]["all"] == modules


@pytest.mark.every_core
def test_a_default_reaches_a_module(tmp_path: Path) -> None:
    records = [{"name": "pg-test", "address": "10.10.10.3"}]
    task = {"pgsvc.access.pg_dns_records": {"clusters": [{"name": "pg-test", "records": records}]}}

    (tmp_path / "hosts.d").mkdir()

    done = run(tmp_path / "play.yml", {"path": str(tmp_path / "hosts.d" / "pgsvc")}, task)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "10.10.10.3" in (tmp_path / "hosts.d" / "pgsvc").read_text()


@pytest.mark.every_core
def test_a_default_reaches_a_module_that_runs_on_the_controller(tmp_path: Path) -> None:
    checked = {"pgsvc.access.role_settings": {}, "register": "checked"}
    told = {"ansible.builtin.debug": {"msg": "purge is {{ checked.settings.pg_service_conf_purge }}"}}
    variables = {"vars": {"pg_service_conf_path": "/tmp/services", "pg_service_conf_purge": "yes"}}

    done = run(tmp_path / "play.yml", {"role": "pg_service"}, {**checked, **variables}, told)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "purge is True" in done.stdout

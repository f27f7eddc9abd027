# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two tasks of Pigsty's role ``pgsql`` replaced as docs/pigsty.md says, in a play laid out as Pigsty's."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from ansible_collections.pgsvc.access.tests.integration.playbook.fleet import Fleet

#: What Pigsty's role has as defaults and the plan reads of the inventory.
DEFAULTS: dict[str, Any] = {
    "pg_port": 5432,
    "pgbouncer_port": 6432,
    "patroni_port": 8008,
    "patroni_ssl_enabled": False,
    "pg_services": [],
    "pg_default_service_dest": "pgbouncer",
    "pg_service_provider": "",
    "pg_weight": 100,
    "pg_offline_query": False,
    "pg_rto": "norm",
    "haproxy_enabled": True,
    "haproxy_exporter_port": 9101,
}
PLAY: dict[str, Any] = {
    "hosts": "all",
    "gather_facts": False,
    "pre_tasks": [{"name": "skip", "meta": "end_host", "when": "pg_cluster is not defined", "tags": "always"}],
    "roles": [{"role": "pgsql", "tags": "pgsql", "when": "pg_cluster is defined"}],
}
DEFAULT_FILES = ["pg-test-default", "pg-test-offline", "pg-test-primary", "pg-test-replica"]


@pytest.fixture
def playbook(fleet: Fleet) -> str:
    page = (fleet.checkout / "docs/pigsty.md").read_text()
    (diff,) = re.findall(r"^```diff\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    added = [line[1:] for line in diff.splitlines() if line.startswith("+")]
    role = fleet.folder / "roles/pgsql"
    (role / "tasks").mkdir(parents=True)
    (role / "defaults").mkdir()
    (role / "defaults/main.yml").write_text(yaml.safe_dump(DEFAULTS))
    other = "- ansible.builtin.fail: { msg: another step of Pigsty }\n  tags: [ pg_install ]\n"
    (role / "tasks/main.yml").write_text(other + "\n".join(added) + "\n")
    path = fleet.folder / "pigsty.yml"
    path.write_text(yaml.safe_dump([PLAY]))
    return str(path)


def test_the_step_publishes(fleet: Fleet, members: list[str], playbook: str) -> None:
    foretold = fleet.playbook("-l", "pg-test", "-t", "pg_service", "--check", "--diff", playbook=playbook)
    assert foretold.code == 0, foretold.text
    assert [fleet.files(host) for host in members] == [[]] * 3

    assert fleet.playbook("-l", "pg-test", "-t", "pg_service", playbook=playbook).code == 0
    assert [fleet.files(host) for host in members] == [DEFAULT_FILES] * 3
    assert not any(fleet.playbook("-l", "pg-test", "-t", "pg_service", playbook=playbook).changed.values())


@pytest.mark.parametrize("tag", ["pg_service_config", "pg_access"])
def test_the_step_has_further_tags(fleet: Fleet, members: list[str], playbook: str, tag: str) -> None:
    assert fleet.playbook("-l", "pg-test", "-t", tag, playbook=playbook).code == 0
    assert [fleet.files(host) for host in members] == [DEFAULT_FILES] * 3


@pytest.mark.every_core
def test_timings_are_those_of_the_inventory(fleet: Fleet, members: list[str], playbook: str) -> None:
    """Without pg_rto the default options hold, whatever the default of Pigsty's role is."""
    file = fleet.conf_dir(members[0]) / "pg-test-primary.cfg"
    assert fleet.playbook("-l", "pg-test", "-t", "pg_service", playbook=playbook).code == 0
    assert "default-server inter 3s fastinter 1s downinter 5s" in file.read_text()

    fleet.groups["pg-test"]["vars"]["pg_rto"] = "norm"
    fleet.save()
    assert fleet.playbook("-l", "pg-test", "-t", "pg_service", playbook=playbook).code == 0
    assert "default-server inter 2s fastinter 1s downinter 2s" in file.read_text()

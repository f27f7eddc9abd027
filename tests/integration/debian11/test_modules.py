# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every module that runs on hosts, sent by Ansible to the oldest supported Python: that of Debian 11, 3.9."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgsvc.access.tests.integration.publish.node import Node, statuses
from ansible_collections.pgsvc.access.tests.support import debian

pytestmark = pytest.mark.every_core


def play(folder: Path, *tasks: dict[str, Any]) -> list[dict[str, Any]]:
    """Run tasks, each a module and its arguments, in one play under Debian 11's Python; the result of each task."""
    written = [
        {**{f"pgsvc.access.{name}": arguments for name, arguments in task.items()}, "register": f"result_{number}"}
        for number, task in enumerate(tasks)
    ]
    facts = {"ansible.builtin.setup": {"gather_subset": ["!all", "!min", "python"]}}
    results = ", ".join(["ansible_facts.python.version", *(f"result_{number}" for number in range(len(tasks)))])
    save = {"ansible.builtin.copy": {"dest": str(folder / "results"), "content": "{{ [" + results + "] | to_json }}"}}
    what = {
        "hosts": "localhost",
        "gather_facts": False,
        "ignore_errors": True,
        "vars": {"ansible_connection": "local", "ansible_python_interpreter": str(python_of_debian_11())},
        "tasks": [facts, *written, save],
    }
    (folder / "play.yml").write_text(json.dumps([what]))
    command = ["ansible-playbook", "--diff", "-i", "localhost,", str(folder / "play.yml")]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)
    said = done.stdout + done.stderr
    assert "Traceback" not in said, said
    version, *found = json.loads((folder / "results").read_text())
    assert (version["major"], version["minor"]) == (3, 9)
    return found


def python_of_debian_11() -> Path:
    """The program."""
    return debian.program("bullseye", "usr/bin/python3.9")


def test_publishing(node: Node, tmp_path: Path) -> None:
    """A load balancer gets a service, changes it at run time, takes a member out and back, and is looked at."""
    places = {
        key: value for key, value in node.arguments([]).items() if key in {"conf_dir", "state_dir", "master_socket"}
    } | {"stats_socket": str(node.haproxy.stats_socket)}
    member = {"cluster": "pg-test", "member": "pg-test-1", **places, "force": True}
    files = [node.service("pg-test-primary", 5440, ["pg-test-1"])]
    heavier = [node.service("pg-test-primary", 5440, ["pg-test-1 weight 200"])]

    created, unchanged, weighted, drained, back, looked = play(
        tmp_path,
        {"haproxy_publish": node.arguments(files)},
        {"haproxy_publish": node.arguments(files)},
        {"haproxy_publish": node.arguments(heavier)},
        {"haproxy_member_state": {**member, "state": "drain"}},
        {"haproxy_member_state": {**member, "state": "ready"}},
        {"pg_service_info": places},
    )

    assert [statuses(each) for each in (created, unchanged, weighted)] == [
        {"pg-test-primary": "created"},
        {"pg-test-primary": "unchanged"},
        {"pg-test-primary": "changed"},
    ]
    assert [each["applied"]["method"] for each in (created, unchanged, weighted)] == ["reload", "none", "runtime"]
    assert [each["changed"] for each in (drained, back)] == [True, True]
    assert [each["name"] for each in looked["services"]] == ["pg-test-primary"]
    assert looked["services"][0]["file"] == "applied"


def test_files_of_others(tmp_path: Path) -> None:
    """The names, the service file of libpq, and the configuration of a service, which systemd does not know here."""
    records = [{"name": "pg-test-1", "address": "10.10.10.11"}]
    sections = [{"name": "pg-test-primary", "parameters": {"host": "10.10.10.11", "port": 5433}}]
    unit = {
        "unit": "pgsvc-none",
        "files": [{"path": str(tmp_path / "unit.conf"), "content": "a = 1\n"}],
        "apply": False,
    }

    named, served, configured = play(
        tmp_path,
        {"pg_dns_records": {"path": str(tmp_path / "names"), "clusters": [{"name": "pg-test", "records": records}]}},
        {"pg_service_conf": {"path": str(tmp_path / "libpq"), "clusters": [{"name": "pg-test", "sections": sections}]}},
        {"unit_config": unit},
    )

    assert [each["changed"] for each in (named, served, configured)] == [True, True, True]
    assert "10.10.10.11" in (tmp_path / "names").read_text()
    assert "host=10.10.10.11" in (tmp_path / "libpq").read_text()
    assert (tmp_path / "unit.conf").read_text() == "a = 1\n"


def test_its_own_haproxy_is_refused(node: Node, tmp_path: Path) -> None:
    """Debian 11 has HAProxy 2.2: by name and version, before anything is written."""
    old = debian.program("bullseye", "usr/sbin/haproxy")
    before = node.snapshot()

    (refused,) = play(tmp_path, {"haproxy_publish": {**node.arguments([node.service("a", 5440)]), "binary": str(old)}})

    assert refused["msg"].startswith(f"{old} is HAProxy 2.2.9-")
    assert refused["msg"].endswith("Install such a version, or set binary to one. Nothing was changed")
    assert node.snapshot() == before

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
    return list(found)


def python_of_debian_11() -> Path:
    """The program."""
    return debian.program("bullseye", "usr/bin/python3.9")


@pytest.mark.every_core
def test_every_module(node: Node, tmp_path: Path) -> None:
    """Publish, look, take a member out, and write the files of other programs."""
    places = {key: node.arguments([])[key] for key in ("conf_dir", "state_dir", "master_socket", "stats_socket")}
    drain = {"cluster": "pg-test", "member": "pg-test-1", "state": "drain", "force": True}
    records = [{"name": "pg-test-1", "address": "10.10.10.11"}]
    sections = [{"name": "pg-test-primary", "parameters": {"host": "10.10.10.11", "port": 5433}}]
    # systemd does not know this unit: its files are written all the same.
    unit = {
        "unit": "pgsvc-none",
        "files": [{"path": str(tmp_path / "unit.conf"), "content": "a = 1\n"}],
        "apply": False,
    }

    published, looked, *others = play(
        tmp_path,
        {"haproxy_publish": node.arguments([node.service("pg-test-primary", 5440, ["pg-test-1"])])},
        {"pg_service_info": places},
        {"haproxy_member_state": {**places, **drain}},
        {"pg_dns_records": {"path": str(tmp_path / "names"), "clusters": [{"name": "pg-test", "records": records}]}},
        {"pg_service_conf": {"path": str(tmp_path / "libpq"), "clusters": [{"name": "pg-test", "sections": sections}]}},
        {"unit_config": unit},
    )

    assert statuses(published) == {"pg-test-primary": "created"}
    assert published["applied"]["method"] == "reload"
    assert [(each["name"], each["file"]) for each in looked["services"]] == [("pg-test-primary", "applied")]
    assert [each["changed"] for each in others] == [True, True, True, True]
    assert "10.10.10.11" in (tmp_path / "names").read_text()
    assert "host=10.10.10.11" in (tmp_path / "libpq").read_text()
    assert (tmp_path / "unit.conf").read_text() == "a = 1\n"


def test_a_second_run_a_change_at_run_time_and_a_haproxy_that_is_too_old(node: Node, tmp_path: Path) -> None:
    """Debian 11's own HAProxy is 2.2: refused by its name and version, before anything is written."""
    files = [node.service("a", 5440)]
    node.publish(files)
    old = debian.program("bullseye", "usr/sbin/haproxy")

    unchanged, weighted, refused = play(
        tmp_path,
        {"haproxy_publish": node.arguments(files)},
        {"haproxy_publish": node.arguments([node.service("a", 5440, ["s1 weight 200"])])},
        {"haproxy_publish": {**node.arguments([node.service("a", 5440), node.service("b", 5441)]), "binary": str(old)}},
    )

    assert [statuses(each) for each in (unchanged, weighted)] == [{"a": "unchanged"}, {"a": "updated"}]
    assert [each["applied"]["method"] for each in (unchanged, weighted)] == ["none", "runtime"]
    assert refused["msg"].startswith(f"{old} is HAProxy 2.2.9-")
    assert refused["msg"].endswith("Install such a version, or set binary to one. Nothing was changed")
    assert node.proxies() == {"a"}
    assert "weight 200" in (node.conf_dir / "a.cfg").read_text()
    assert not (node.conf_dir / "b.cfg").exists()

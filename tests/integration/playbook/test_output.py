# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run prints: the changes, how far it has come, and a summary; nothing of what is as it should be."""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess

import pytest
import yaml

from ansible_collections.pgsvc.access.tests.integration.playbook.fleet import Fleet

SUMMARY = re.compile(r"^pgsql-svc: \d+ load balancers?: .*$", re.MULTILINE)


@pytest.mark.parametrize("clusters", [20, pytest.param(60, marks=pytest.mark.full)])
def test_many_clusters(fleet: Fleet, monkeypatch: pytest.MonkeyPatch, clusters: int) -> None:
    """Each of one member."""
    fleet.groups.clear()
    for number in range(1, clusters + 1):
        fleet.cluster(f"pg-{number:02}", [f"127.123.60.{number}"])
    monkeypatch.setenv("ANSIBLE_STDOUT_CALLBACK", "pgsvc.access.progress")

    first = fleet.playbook()
    lines = first.text.strip().splitlines()
    changes = [line for line in lines if line.startswith("written, not applied: [127.123.60.")]
    assert len(changes) == clusters
    assert len(lines) <= clusters + 10
    assert [line for line in lines if " done, " in line] == [
        f"{done} of {clusters} done, {done} changed, 0 failed"
        for done in range(clusters // 4, clusters + 1, clusters // 4)
    ]
    assert lines[-1] == f"pgsql-svc: {clusters} load balancers: {clusters} written, not applied"

    shutil.rmtree(fleet.conf_dir("127.123.60.7"))
    again = fleet.playbook().text.strip().splitlines()
    assert len(again) <= 10
    reason = (
        f"there is no directory {fleet.conf_dir('127.123.60.7')}: install HAProxy (role pgsvc.access.haproxy), or set "
        "haproxy_conf_dir"
    )
    assert f"failed: [127.123.60.7] {reason}" in again
    assert again[-2:] == [
        f"pgsql-svc: failed (127.123.60.7): {reason}",
        f"pgsql-svc: {clusters} load balancers: 1 failed (127.123.60.7), {clusters - 1} unchanged",
    ]


@pytest.mark.every_core
def test_the_rest_is_shown_with_v(fleet: Fleet) -> None:
    assert "TASK" not in fleet.pgsql_svc("pg-test").text
    said = fleet.pgsql_svc("pg-test", "--", "-v").text
    assert "TASK [pgsvc.access.pg_service : Publish services]" in said
    assert "PLAY RECAP" in said


@pytest.mark.every_core
def test_other_failures_are_shown_as_ansible_shows_them(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANSIBLE_STDOUT_CALLBACK", "pgsvc.access.progress")
    playbook = fleet.folder / "own.yml"
    tasks = [{"name": "Something else", "ansible.builtin.fail": {"msg": "no such luck"}}]
    playbook.write_text(yaml.safe_dump([{"hosts": "pg-test", "gather_facts": False, "tasks": tasks}]))
    said = fleet.playbook(playbook=str(playbook)).text
    assert "TASK [Something else]" in said
    assert "no such luck" in said


def test_a_difference_is_shown(fleet: Fleet, members: list[str]) -> None:
    said = fleet.pgsql_svc("--diff", "pg-test", members[0]).text
    assert f"+++ after: {fleet.conf_dir(members[0])}/pg-test-primary.cfg" in said
    assert "TASK" not in said


@pytest.mark.every_core
def test_progress_stays_in_its_place_on_a_terminal(fleet: Fleet) -> None:
    leader, terminal = pty.openpty()
    command = [str(fleet.checkout / "bin/pgsql-svc"), "-i", str(fleet.inventory), "pg-test"]
    done = subprocess.Popen(command, cwd=fleet.folder, stdout=terminal, stderr=subprocess.STDOUT)
    os.close(terminal)
    said = b""
    try:
        while piece := os.read(leader, 65536):
            said += piece
    except OSError:  # the terminal has no other side any more
        pass
    os.close(leader)
    assert done.wait() == 0
    text = said.decode()
    for count in (1, 2, 3):
        assert f"\r\033[K{count} of 3 done, {count} changed, 0 failed" in text
    kept = [line.rpartition("\r\033[K")[2] for line in text.replace("\r\n", "\n").split("\n")]
    assert not [line for line in kept if " done, " in line]


#: Ways to run with the summary, and whether the user has enabled it besides.
WAYS = ["pgsvc.access.pgsql", "import", "role"]


@pytest.mark.parametrize(
    ("way", "enabled"),
    [
        pytest.param(way, enabled, marks=[pytest.mark.every_core] if way != WAYS[0] and not enabled else [])
        for way in WAYS
        for enabled in (False, True)
    ],
)
def test_the_summary_is_there_exactly_once(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, way: str, enabled: bool
) -> None:
    if enabled:
        monkeypatch.setenv("ANSIBLE_CALLBACKS_ENABLED", "pgsvc.access.summary")
    own = fleet.folder / "own.yml"
    role = {"hosts": "pg-test", "gather_facts": False, "roles": ["pgsvc.access.pg_service"]}
    own.write_text(yaml.safe_dump([{"import_playbook": "pgsvc.access.pgsql"} if way == "import" else role]))
    said = fleet.playbook("-l", "pg-test", playbook=way if "." in way else str(own))
    assert said.code == 0
    expected = 0 if way == "role" and not enabled else 1
    assert SUMMARY.findall(said.text) == ["pgsql-svc: 3 load balancers: 3 written, not applied"] * expected


def test_a_user_who_has_enabled_the_summary_uses_the_command(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANSIBLE_CALLBACKS_ENABLED", "pgsvc.access.summary")
    assert len(SUMMARY.findall(fleet.pgsql_svc("pg-test").text)) == 1


@pytest.mark.every_core
def test_who_cannot_be_reached_is_named(fleet: Fleet, members: list[str], proxies: list[str]) -> None:
    """A member by itself, and a load balancer outside the play that a member was to tell."""
    for group, host in (("pg-test", members[1]), ("proxy", proxies[0])):
        own = fleet.groups[group]["hosts"][host]
        own.update(ansible_connection="ssh", ansible_port=1, ansible_host=host)
    fleet.save()

    said = fleet.playbook("-l", "pg-test:pg-meta")
    assert said.code == 2
    assert "{{" not in said.text
    for host in (members[1], proxies[0]):
        assert f"{host} cannot be reached: " in said.text
    assert said.last == (
        f"pgsql-svc: 5 load balancers: 2 unreachable ({', '.join(sorted((members[1], proxies[0])))}), "
        "3 written, not applied"
    )
    assert not any("unreachable=1" in line for line in said.text.splitlines())

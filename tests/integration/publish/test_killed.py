# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Killed after any step (SIGKILL): HAProxy starts from what is left, and the next run completes the work."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.config import bind_addresses
from ansible_collections.pgsvc.access.tests.integration.publish.killed import run_killed
from ansible_collections.pgsvc.access.tests.integration.publish.node import Node


def old_files(node: Node) -> list[dict[str, Any]]:
    return [node.service("a", 5440), node.service("b", 5442), node.service("c", 5444), node.service("gone", 5449)]


def new_files(node: Node) -> list[dict[str, Any]]:
    """Two services exchange their ports, one gets another server, one goes, one takes its port."""
    return [
        node.service("a", 5442),
        node.service("b", 5440),
        node.service("c", 5444, servers=["s1", "s2"]),
        node.service("new", 5449),
    ]


def servers_only(node: Node) -> list[dict[str, Any]]:
    """What the Runtime API can do."""
    return [
        node.service("a", 5440, servers=["s2", "s3"]),
        node.service("b", 5442, servers=["s1 weight 50"]),
        node.service("c", 5444, servers=["s1 weight 100 backup"]),
        node.service("gone", 5449),
    ]


CHANGES = {"reload": new_files, "servers": servers_only}
STEPS = {
    "reload": [
        "rest the servers of c",
        "rest the servers of new",
        "write a",
        "write b",
        "write c",
        "write new",
        "keep a",
        "keep b",
        "keep c",
        "keep gone",
        "write the journal",
        "remove gone",
        "remove a",
        "remove b",
        "rename a",
        "rename b",
        "rename c",
        "rename new",
        "remove the journal",
        "carry the server states",
        "reload",
        "rest the server states",
        "drop the old files",
        "drop the states of removed services",
        "write the record",
    ],
    "servers": [
        "rest the servers of a",
        "rest the servers of b",
        "write a",
        "write b",
        "write c",
        "keep a",
        "keep b",
        "keep c",
        "write the journal",
        "rename a",
        "rename b",
        "rename c",
        "remove the journal",
        "record the servers that change",
        "add server a/s2",
        "set server a/s2 state ready",
        "enable health a/s2",
        "add server a/s3",
        "set server a/s3 state ready",
        "enable health a/s3",
        "set server a/s2 weight 100",
        "set server a/s3 weight 100",
        "set server b/s1 weight 50",
        "set server a/s1 weight 0",
        "disable health a/s1",
        "set server a/s1 state maint",
        "shutdown sessions server a/s1",
        "del server a/s1",
        "set server c/s1 weight 0",
        "disable health c/s1",
        "set server c/s1 state maint",
        "shutdown sessions server c/s1",
        "del server c/s1",
        "add server c/s1",
        "set server c/s1 state ready",
        "enable health c/s1",
        "set server c/s1 weight 100",
        "change the servers",
        "drop the old files",
        "drop the states of removed services",
        "write the record",
    ],
}


def check_folder(node: Node) -> None:
    """HAProxy would start, and no two files listen on one port."""
    checked = node.haproxy.check()
    assert checked.returncode == 0, checked.stderr
    found = [str(each) for path in node.conf_dir.glob("*.cfg") for each in bind_addresses(path.read_text())]
    assert len(found) == len(set(found)), found


@pytest.mark.parametrize("change", CHANGES)
def test_these_are_the_steps(node: Node, change: str) -> None:
    """Of a run that is not killed, on every release: what follows leaves out none."""
    node.directly(old_files(node))
    assert run_killed(node, CHANGES[change](node), 0) == STEPS[change]


PLAIN = str.maketrans(" /", "--")


@pytest.mark.spread
@pytest.mark.parametrize(
    ("change", "last"),
    [
        pytest.param(change, last, id=f"{change}-{last:02}-{step.translate(PLAIN)}")
        for change, steps in STEPS.items()
        for last, step in enumerate(steps, 1)
    ],
)
def test_killed(node: Node, change: str, last: int) -> None:
    """HAProxy runs on, or, every second time, a new process is started from what is left."""
    old, new = old_files(node), CHANGES[change](node)
    node.directly(old)
    assert run_killed(node, new, last) == STEPS[change][:last]
    check_folder(node)
    if last % 2 == 0:
        node.haproxy.restart()

    node.directly(new)

    assert node.files() == {f"{file['name']}.cfg": file["content"] for file in new}
    assert node.proxies() == {file["name"] for file in new}
    assert {path.suffix for path in node.state_dir.iterdir()} == {".state", ".json"}
    assert node.directly(new).changed is False


def test_the_next_run_may_be_another_owners(node: Node) -> None:
    """It completes what was begun, in check mode it foresees that, and then does its own work."""
    node.publish(old_files(node))
    new = new_files(node)
    steps = run_killed(node, new, 0)
    node.publish(old_files(node))
    run_killed(node, new, steps.index("remove b") + 1)
    other = node.service("other", 5450, owner="node")

    foreseen = node.publish([other], owners=["node"], check=True)
    result = node.publish([other], owners=["node"])

    assert foreseen == result
    assert node.files() == {f"{file['name']}.cfg": file["content"] for file in [*new, other]}
    assert node.proxies() == {"a", "b", "c", "new", "other"}

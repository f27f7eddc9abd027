# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Killed after any step of a change of shared checks: HAProxy starts from what is left, and the next run completes it.

A service may only track servers that are there, in whichever file.
"""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.pgsvc.access.tests.integration.publish.conftest import (
    haproxy,
    haproxy_binary,
    new_address,
    node,
    patroni,
)
from ansible_collections.pgsvc.access.tests.integration.publish.killed import run_killed
from ansible_collections.pgsvc.access.tests.integration.publish.node import OWNER, Node

__all__ = ["haproxy", "haproxy_binary", "new_address", "node", "patroni"]

Files = list[dict[str, Any]]


def check_backend(node: Node, *members: str) -> dict[str, Any]:
    service = node.service("check", 5499, servers=list(members))
    lines = service["content"].replace("listen check", "backend check").splitlines(keepends=True)
    content = "".join(line for line in lines if not line.strip().startswith(("bind ", "timeout client")))
    return {"name": "check", "owner": OWNER, "content": content}


def tracking(node: Node, name: str, port: int, *members: str) -> dict[str, Any]:
    service = node.service(name, port, servers=list(members))
    lines = []
    for line in service["content"].splitlines(keepends=True):
        words = line.split()
        if words[:1] == ["server"]:
            line = f"    server {words[1]} {words[2]} track check/{words[1]} weight 100\n"  # noqa: PLW2901
        lines.append(line)
    return {"name": name, "owner": OWNER, "content": "".join(lines)}


def declared(node: Node) -> Files:
    return [node.service("a", 5440, servers=["m1", "m2"]), node.service("z", 5441, servers=["m1", "m2"])]


def live(node: Node) -> Files:
    return [
        tracking(node, "a", 5440, "m1", "m2"),
        check_backend(node, "m1", "m2"),
        tracking(node, "z", 5441, "m1", "m2"),
    ]


def other_members(node: Node) -> Files:
    return [
        tracking(node, "a", 5440, "m2", "m3"),
        check_backend(node, "m2", "m3"),
        tracking(node, "z", 5441, "m2", "m3"),
    ]


CHANGES = {"to live": (declared, live), "to declared": (live, declared), "other members": (live, other_members)}
# Those of the files; behind them a change of shared checks does the same as any other.
STEPS = {
    "to live": ["rename check", "rename a", "rename z"],
    "to declared": ["remove a", "remove z", "remove check", "rename a", "rename z"],
    "other members": ["remove a", "remove z", "rename check", "rename a", "rename z"],
}
COUNTS = {"to live": 21, "to declared": 20, "other members": 20}
"""How many steps there are in all."""


@pytest.mark.parametrize("change", CHANGES)
def test_these_are_the_steps(node: Node, change: str) -> None:
    old, new = CHANGES[change]
    node.directly(old(node))
    done = run_killed(node, new(node), 0)
    assert len(done) == COUNTS[change], "\n".join(["", *done])
    own = [step for step in done if step.startswith(("rename ", "remove ")) and step != "remove the journal"]
    wanted = STEPS[change]
    assert [step for step in own if step in wanted] == wanted, own


@pytest.mark.spread
@pytest.mark.parametrize(
    ("change", "last"), [(change, last) for change, count in COUNTS.items() for last in range(1, count + 1)]
)
def test_killed(node: Node, change: str, last: int) -> None:
    old, new = CHANGES[change]
    node.directly(old(node))
    assert len(run_killed(node, new(node), last)) == last
    checked = node.haproxy.check()
    assert checked.returncode == 0, checked.stderr
    if last % 2 == 0:
        node.haproxy.restart()

    node.directly(new(node))

    assert node.files() == {f"{file['name']}.cfg": file["content"] for file in new(node)}
    assert node.proxies() == {file["name"] for file in new(node)}
    assert node.directly(new(node)).changed is False

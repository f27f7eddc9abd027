# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes of servers only: made through the Runtime API, without a reload."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.pgsvc.access.tests.integration.publish.node import Node, statuses

EDITS: dict[str, list[str]] = {
    "one more": ["s1", "s2", "s3"],
    "one less": ["s1"],
    "another weight": ["s1 weight 10", "s2"],
    "a backup": ["s1", "s2 weight 100 backup"],
    "other options": ["s1", "s2 weight 100 maxconn 17"],
    "all at once": ["s3", "s2 weight 7 backup"],
}


def servers(node: Node) -> dict[str, tuple[int, str]]:
    """Name to weight and backup flag, as they run."""
    stat = [row for row in node.haproxy.api.stat() if row["pxname"] == "a" and row["type"] == "2"]
    return {row["svname"]: (int(row["weight"]), row["bck"]) for row in stat}


def expected(lines: list[str]) -> dict[str, tuple[int, str]]:
    found = {}
    for line in lines:
        name, *words = line.split()
        weight = int(words[words.index("weight") + 1]) if words else 100
        found[name] = (weight, "1" if "backup" in words else "0")
    return found


@pytest.mark.spread
@pytest.mark.parametrize("edit", EDITS)
def test_servers_change_without_a_reload(node: Node, edit: str) -> None:
    lines = EDITS[edit]
    node.publish([node.service("a", 5440, servers=["s1", "s2"])])
    files = [node.service("a", 5440, servers=lines)]
    reloads, worker = node.reloads(), node.haproxy.worker

    foreseen, result = node.publish(files, check=True), node.publish(files)

    assert foreseen == result
    assert statuses(result) == {"a": "updated"}
    assert result["applied"] == {"method": "runtime", "reason": "only servers changed (a)", "draining": []}
    assert servers(node) == expected(lines)
    assert (node.reloads(), node.haproxy.worker) == (reloads, worker)
    assert node.publish(files)["changed"] is False


def test_a_server_that_somebody_changed_is_set_right(node: Node) -> None:
    files = [node.service("a", 5440, servers=["s1", "s2"])]
    node.publish(files)
    node.haproxy.api.command("set server a/s1 weight 1")
    before, reloads = node.files(), node.reloads()

    result = node.publish(files)

    assert statuses(result) == {"a": "unchanged"}
    assert result["applied"]["method"] == "runtime"
    assert servers(node) == expected(["s1", "s2"])
    assert (node.files(), node.reloads()) == (before, reloads)


def test_what_the_runtime_api_cannot_do_needs_a_reload(node: Node) -> None:
    """A static algorithm has no servers that come and go."""

    def files(*names: str) -> list[dict[str, Any]]:
        file = node.service("a", 5440, servers=names)
        return [{**file, "content": file["content"].replace("balance roundrobin", "balance static-rr")}]

    node.publish(files("s1"))
    result = node.publish(files("s1", "s2"))
    assert result["applied"] == {
        "method": "reload",
        "reason": "only a reload can apply this (a is balanced by static-rr, which has no servers that change at run "
        "time)",
        "draining": [],
    }
    assert set(servers(node)) == {"s1", "s2"}

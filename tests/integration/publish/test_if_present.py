# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that were load balancers once, or never: what is left goes, and nothing is asked of a host that has nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.pgsvc.access.tests.integration.publish.node import Node, statuses
from ansible_collections.pgsvc.access.tests.support.haproxy import HAProxy

LEFT = ["delegated/pg-a", "delegated/pg-b"]
NOTHING: dict[str, Any] = {
    "changed": False,
    "services": [],
    "applied": {"method": "none", "reason": "this host has no files of the owners", "draining": []},
    "old_workers": {"count": 0, "sessions": 0},
    "diff": [],
}


def carry(node: Node) -> list[dict[str, Any]]:
    """Services of pg-a from when it named this host's group, and one of another owner that stays."""
    mine = node.service("pg-z-primary", 5440, owner="delegated/pg-z")
    files = [node.service("pg-a-primary", 5433, owner="delegated/pg-a"), mine]
    node.publish(files, owners=[*LEFT, "delegated/pg-z"])
    return [mine]


def leave(node: Node, **more: Any) -> dict[str, Any]:
    return node.publish([], owners=LEFT, if_present=True, **more)


@pytest.mark.spread
@pytest.mark.parametrize("check", [False, True])
def test_a_host_without_haproxy(haproxy: HAProxy, new_address: Callable[[], str], check: bool) -> None:
    node = Node(haproxy, new_address())
    node.state_dir.rmdir()
    shutil.rmtree(node.conf_dir)
    assert leave(node, check=check, binary="/nonexistent") == NOTHING
    assert not node.conf_dir.exists()
    assert not node.state_dir.exists()


def test_a_host_with_somebody_elses_haproxy(node: Node) -> None:
    """Its files, its processes and sockets are not asked for anything."""
    (node.conf_dir / "web.cfg").write_text(f"listen web\n    bind {node.address}:8080\n    mode tcp\n")
    node.haproxy.reload()
    before, worker = node.snapshot(), node.haproxy.worker
    assert leave(node, master_socket="/nonexistent/m", stats_socket="/nonexistent/s") == NOTHING
    assert (node.snapshot(), node.haproxy.worker) == (before, worker)


def test_what_is_left_goes_and_the_next_run_has_nothing_to_do(node: Node) -> None:
    mine = carry(node)

    foreseen, result = leave(node, check=True), leave(node)

    assert foreseen == result
    assert statuses(result) == {"pg-a-primary": "removed"}
    assert result["applied"]["method"] == "reload"
    assert node.proxies() == {"pg-z-primary"}
    assert node.files() == {"pg-z-primary.cfg": mine[0]["content"]}
    assert leave(node) == NOTHING


@pytest.mark.spread
@pytest.mark.parametrize("more", [{}, {"binary": "/nonexistent"}])
def test_what_is_left_goes_where_haproxy_does_not_run(node: Node, more: dict[str, str]) -> None:
    carry(node)
    node.haproxy.stop()

    result = leave(node, config_args=node.haproxy.config_args, **more)

    assert statuses(result) == {"pg-a-primary": "removed"}
    assert set(node.files()) == {"pg-z-primary.cfg"}
    assert "warnings" not in result


def test_what_was_removed_and_not_applied_is_applied_later(node: Node) -> None:
    carry(node)
    leave(node, apply=False)
    assert node.proxies() == {"pg-a-primary", "pg-z-primary"}

    result = leave(node, write=False)

    assert result["applied"]["reason"] == "only a reload can apply this (pg-a-primary: removed)"
    assert node.proxies() == {"pg-z-primary"}
    assert leave(node, write=False) == NOTHING

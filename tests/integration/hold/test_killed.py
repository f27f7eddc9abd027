# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Killed after any step of switching hold on or off (SIGKILL): HAProxy starts from what is left, with its script."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.pgsvc.access.plugins.module_utils._publish import hold
from ansible_collections.pgsvc.access.tests.integration.publish.killed import run_killed
from ansible_collections.pgsvc.access.tests.integration.publish.node import OWNER, Node
from ansible_collections.pgsvc.access.tests.integration.publish.test_put_back import IMPOSSIBLE


def holding(node: Node, name: str, port: int, *options: str) -> dict[str, Any]:
    lines = [
        "tcp-request inspect-delay 5s",
        hold.rule(name, 3),
    ]
    file = node.service(name, port, options=[*lines, *options])
    return {**file, "content": f"global\n    lua-load {node.state_dir / hold.NAME}\n{file['content']}"}


def plain_files(node: Node) -> list[dict[str, Any]]:
    return [node.service("a", 5440), node.service("b", 5442)]


def holding_files(node: Node) -> list[dict[str, Any]]:
    """Two files that load the same script."""
    return [holding(node, "a", 5440), holding(node, "b", 5442)]


def accepted(node: Node) -> bool:
    """Whether HAProxy would start from what is on disk."""
    return node.haproxy.check().returncode == 0


@pytest.mark.parametrize("haproxy_binary", ["3.0"], indirect=True)  # the order of the steps is that of the module
@pytest.mark.parametrize(("before", "after"), [(plain_files, holding_files), (holding_files, plain_files)])
def test_killed_after_every_step(node: Node, before: Any, after: Any) -> None:
    old, new = before(node), after(node)
    node.directly(old)
    steps = run_killed(node, new, 0)
    assert len(steps) > 8, steps
    for last, step in enumerate(steps, 1):
        node.directly(old)
        run_killed(node, new, last)
        assert accepted(node), step
        node.directly(new)
        assert accepted(node), step
        assert node.files() == {f"{file['name']}.cfg": file["content"] for file in new}, step
        assert node.directly(new).changed is False, step


def test_a_failed_reload_leaves_no_script(node: Node) -> None:
    files = plain_files(node)
    node.publish(files)
    before = node.snapshot(states_by_content=True)
    result = node.publish([holding(node, "a", 5440, IMPOSSIBLE), files[1]])
    assert result["rolled_back"] is True, result
    assert node.snapshot(states_by_content=True) == before


def test_the_script_stays_while_a_file_of_another_owner_names_it(node: Node) -> None:
    node.publish([holding(node, "a", 5440)])
    other = holding(node, "b", 5442)
    other.update(owner="member/other", content=other["content"].replace(f"owner {OWNER}:", "owner member/other:"))
    node.publish([other], owners=["member/other"])
    node.publish([])
    assert (node.state_dir / hold.NAME).exists()
    node.publish([], owners=["member/other"])
    assert not (node.state_dir / hold.NAME).exists()

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Killed after any step (SIGKILL): HAProxy starts from what is left, and the next run completes the work."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.config import bind_addresses
from ansible_collections.pgsvc.access.tests.integration.publish.node import COLLECTIONS, Node

KILLED = "ansible_collections.pgsvc.access.tests.integration.publish.killed"


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


def run_killed(node: Node, files: list[dict[str, Any]], last: int, *also: str) -> list[str]:
    """Run until the step with the number `last`; the steps that were done. `also`: further arguments of `KILLED`."""
    done = subprocess.run(
        [sys.executable, "-m", KILLED, str(last), *also],
        input=json.dumps(node.arguments(files)),
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(COLLECTIONS)},
    )
    assert done.returncode in {0, -9}, done.stderr
    return done.stdout.splitlines()


def check_folder(node: Node) -> None:
    """HAProxy would start, and no two files listen on one port."""
    checked = node.haproxy.check()
    assert checked.returncode == 0, checked.stderr
    found = [str(each) for path in node.conf_dir.glob("*.cfg") for each in bind_addresses(path.read_text())]
    assert len(found) == len(set(found)), found


@pytest.mark.parametrize("change", CHANGES)
def test_killed_after_every_step(node: Node, change: str) -> None:
    old, new = old_files(node), CHANGES[change](node)
    node.directly(old)
    steps = run_killed(node, new, 0)
    assert len(steps) > 10, steps

    for last, step in enumerate(steps, 1):
        node.directly(old)
        assert run_killed(node, new, last) == steps[:last]
        check_folder(node)
        if last % 3 == 0:  # a new process is started from what is left
            node.haproxy.restart()

        node.directly(new)

        assert node.files() == {f"{file['name']}.cfg": file["content"] for file in new}, step
        assert node.proxies() == {file["name"] for file in new}, step
        assert {path.suffix for path in node.state_dir.iterdir()} == {".state", ".json"}, step
        assert node.directly(new).changed is False, step


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

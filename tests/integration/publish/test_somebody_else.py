# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody else reloads HAProxy while a change is published, or it dies: what is said is true, and a change stays."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Any

import pytest

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy import sockets
from ansible_collections.pgsvc.access.plugins.module_utils._host import steps
from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import PublishError
from ansible_collections.pgsvc.access.plugins.module_utils._publish.directory import Wanted
from ansible_collections.pgsvc.access.plugins.module_utils._publish.publication import publish
from ansible_collections.pgsvc.access.plugins.module_utils._publish.request import Request
from ansible_collections.pgsvc.access.tests.integration.publish.node import Node
from ansible_collections.pgsvc.access.tests.support.binaries import version_of


def files(node: Node, maxconn: int) -> list[dict[str, Any]]:
    made = [node.service("a", 5440, servers=["s1", "s2"]), node.service("b", 5442)]
    return [{**file, "content": file["content"].replace("maxconn 5000", f"maxconn {maxconn}")} for file in made]


def running_maxconn(node: Node) -> set[str]:
    return {row["slim"] for row in node.haproxy.api.stat() if row["svname"] == "FRONTEND" and row["pxname"] in "ab"}


def request(node: Node, maxconn: int) -> Request:
    said = node.arguments(files(node, maxconn))
    said.update(files=[Wanted(**each) for each in said["files"]], conf_dir=node.conf_dir, state_dir=node.state_dir)
    return Request(**said)


# Behind each step of a run: what lies between two steps is what somebody else can meet.
STEPS = ["write a", "remove the journal", "carry the server states", "reload", "rest the server states"]


@pytest.mark.parametrize("step", STEPS)
def test_a_reload_by_somebody_else_undoes_no_change(node: Node, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    node.directly(files(node, 4999))

    def somebody_else(done: str) -> None:
        if done == step:
            os.kill(node.haproxy.master_pid, signal.SIGUSR2)
            time.sleep(0.005)

    monkeypatch.setattr(steps, "done", somebody_else)
    result = publish(request(node, 5001))

    assert result.changed
    assert running_maxconn(node) == {"5001"}
    assert {path.name for path in node.conf_dir.iterdir()} == {"a.cfg", "b.cfg"}


def test_reloads_all_the_time(node: Node) -> None:
    """Every 150 ms. With 3.2 by its master's socket, which has them wait for one another.

    A signal to 3.2.26 during another reload may leave it with workers that never answer on their sockets again
    ("Failed to get the sockets from the old process"), however many reloads follow.
    """
    queued = version_of(node.haproxy.binary).startswith("3.2.")
    node.publish(files(node, 4999))
    ended = threading.Event()

    def reload_again_and_again() -> None:
        while not ended.wait(0.15):
            if queued:
                node.haproxy.master.reload()
            else:
                os.kill(node.haproxy.master_pid, signal.SIGUSR2)

    thread = threading.Thread(target=reload_again_and_again)
    thread.start()
    try:
        results = [node.publish(files(node, maxconn)) for maxconn in (5001, 5002, 5003)]
    finally:
        ended.set()
        thread.join()
    assert [result.get("msg") for result in results] == [None, None, None]
    node.haproxy.wait_ready()
    assert running_maxconn(node) == {"5003"}


def test_a_haproxy_that_dies_meanwhile_is_not_said_to_run(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    node.directly(files(node, 4999))

    def dies(done: str) -> None:
        if done == "carry the server states":
            node.haproxy.stop(kill=True)

    monkeypatch.setattr(steps, "done", dies)
    monkeypatch.setattr(sockets, "RESTARTED", 0.5)
    with pytest.raises(PublishError) as caught:
        publish(request(node, 5001))

    assert str(caught.value).endswith(
        f". The files in {node.conf_dir} have been put back; HAProxy is not running any more"
    )
    assert caught.value.rolled_back is False
    assert "maxconn 4999" in (node.conf_dir / "a.cfg").read_text()

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A HAProxy that was started from the files runs what they say: that costs no reload."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from ansible_collections.pgsvc.access.tests.integration.publish.node import Node
from ansible_collections.pgsvc.access.tests.support.haproxy import HAProxy


def test_files_that_were_written_and_then_started_from(haproxy: HAProxy, new_address: Callable[[], str]) -> None:
    node = Node(haproxy, new_address())
    files = [node.service("a", 5440, servers=["s1", "s2"]), node.service("b", 5442)]
    assert node.publish(files, apply=False)["applied"]["method"] == "none"
    time.sleep(0.05)  # the start of a process is known to a hundredth of a second
    haproxy.start()
    assert node.publish(files)["changed"] is False
    assert node.reloads() == 0


@pytest.mark.parametrize("kill", [False, True], ids=["restarted", "crashed"])
def test_a_restart(node: Node, kill: bool) -> None:
    files = [node.service("a", 5440)]
    node.publish(files)
    node.haproxy.restart(kill=kill)
    assert node.publish(files)["changed"] is False
    assert node.reloads() == 0


def test_files_that_were_written_behind_the_start_are_applied(node: Node) -> None:
    old, new = [node.service("a", 5440)], [node.service("a", 5440, options=["option tcpka"])]
    node.publish(old)
    node.haproxy.restart()
    node.publish(new, apply=False)
    result = node.publish(new)
    assert (result["changed"], result["applied"]["method"]) == (True, "reload")
    assert node.publish(new)["changed"] is False


def test_a_file_that_somebody_changed_before_the_start_is_written_and_loaded(node: Node) -> None:
    """It would be hidden should the time of the file be compared with that of a process."""
    files = [node.service("a", 5440)]
    node.publish(files)
    path = node.conf_dir / "a.cfg"
    path.write_text(path.read_text().replace("maxconn 5000", "maxconn 4000"))
    node.haproxy.restart()
    result = node.publish(files)
    assert (result["changed"], result["applied"]["method"]) == (True, "reload")
    assert [row["slim"] for row in node.haproxy.api.stat() if row["svname"] == "FRONTEND" and row["pxname"] == "a"] == [
        "5000"
    ]

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""More files than HAProxy can be started with: a reload would end it, and `haproxy -c` does not notice."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.sockets import MasterCLI
from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import CLIError
from ansible_collections.pgsvc.access.tests.integration.publish.node import Node
from ansible_collections.pgsvc.access.tests.support.binaries import version_of
from ansible_collections.pgsvc.access.tests.support.haproxy import HAProxy, wait_until

LIMIT = 128 * 1024


@pytest.fixture
def node(haproxy: HAProxy, new_address: Callable[[], str]) -> Node:
    """A load balancer whose folder of services has so long a path that some sixty files reach the limit."""
    deep = haproxy.folder.joinpath(*["d" * 240] * 8)
    deep.mkdir(parents=True)
    haproxy.conf_dir = deep
    haproxy.start()
    return Node(haproxy, new_address())


def files(node: Node, count: int) -> list[dict[str, Any]]:
    return [node.service(f"s{number:03}", 6000 + number) for number in range(count)]


def most(node: Node) -> int:
    """How many files of that kind HAProxy can be started with."""
    base = len("HAPROXY_CFGFILES=") + len(str(node.haproxy.base)) + 1
    return (LIMIT - base) // len(f"{node.conf_dir}/s000.cfg;")


def is_limited(node: Node) -> bool:
    return not version_of(node.haproxy.binary).startswith("3.2.")


def test_one_more_than_haproxy_can_be_started_with_is_refused(node: Node) -> None:
    count = most(node)
    assert not node.publish(files(node, count)).get("failed")
    if not is_limited(node):
        assert node.publish(files(node, count + 1))["applied"]["method"] == "reload"
        assert f"s{count:03}" in node.proxies()
        return
    before, worker = node.snapshot(), node.haproxy.worker

    for check in (True, False):
        result = node.publish(files(node, count + 1), check=check)
        assert result["msg"].startswith("HAProxy could not be started with these files: the names of all files ")
        assert result["msg"].endswith(
            f"and Linux allows 131,072 (HAPROXY_CFGFILES). Give {node.conf_dir} a shorter path, or move clusters to "
            "other load balancers. Nothing was changed"
        )
    assert (node.snapshot(), node.haproxy.worker) == (before, worker)
    assert node.publish(files(node, count))["changed"] is False


def test_control_a_plain_reload_with_one_more_ends_haproxy(node: Node) -> None:
    """Before 3.2."""
    count = most(node)
    node.publish(files(node, count))
    more = files(node, count + 1)[-1]
    node.haproxy.write(more["name"], more["content"])
    checked = subprocess.run(
        [node.haproxy.binary, "-c", *node.haproxy.config_args], check=False, capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stderr
    with contextlib.suppress(CLIError):
        MasterCLI(str(node.haproxy.master_socket), timeout=3.0).reload()
    if is_limited(node):
        wait_until(lambda: not _answers(node))
    else:
        wait_until(lambda: more["name"] in node.proxies())


def _answers(node: Node) -> bool:
    try:
        return bool(node.haproxy.api.info())
    except CLIError:
        return False

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a HAProxy runs is compared with the files after a reload: listeners, servers and options, not only names."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.proxies import proxies
from ansible_collections.pgsvc.access.plugins.module_utils._publish.service_file import parse
from ansible_collections.pgsvc.access.plugins.module_utils._publish.verify import verify
from ansible_collections.pgsvc.access.tests.integration.publish.node import Node

ERRORS: dict[str, tuple[str, str, list[str]]] = {
    "the same": ("", "", []),
    "another listener": (":5440", ":5441", ["does not listen on {ip}:5441, as a requires"]),
    "one more server": ("server s2", "server s3", ["lacks the server a/s3"]),
}
DIFFERENCES: dict[str, tuple[str, str, list[str]]] = {
    "maxconn": ("maxconn 5000", "maxconn 77", ["maxconn is 5000, the file says 77"]),
    "balance": ("balance roundrobin", "balance leastconn", ["balance is roundrobin, the file says leastconn"]),
    "weight": ("weight 100 maxconn 9", "weight 50 maxconn 9", ["server s2 has weight 100, the file says 50"]),
    "maxconn of a server": ("maxconn 9", "maxconn 8", ["server s2 has maxconn 9, the file says 8"]),
    "rise and fall": (
        "rise 2 fall 2",
        "rise 3 fall 4",
        [
            f"server s{n} has {what}, the file says {said}"
            for n in (1, 2)
            for what, said in (("rise 2", 3), ("fall 2", 4))
        ],
    ),
}


@pytest.mark.spread
@pytest.mark.parametrize("case", [*ERRORS, *DIFFERENCES])
def test_verify(node: Node, case: str) -> None:
    file = node.service("a", 5440, servers=["s1", "s2 weight 100 maxconn 9"])
    node.publish([file])
    old, new, found = (ERRORS | DIFFERENCES)[case]
    assert old in file["content"]
    service = parse("a", file["content"].replace(old, new) if old else file["content"])
    running = proxies(node.haproxy.api.servers_state(), node.haproxy.api.stat())
    verified = verify({"a": service}, (), running, node.haproxy.worker)
    if case in ERRORS:
        assert verified.errors == [text.format(ip=node.address) for text in found]
    else:
        assert verified.errors == []
        assert verified.differences == {"a": found}


def test_names(node: Node) -> None:
    node.publish([node.service("a", 5440)])
    running = proxies(node.haproxy.api.servers_state(), node.haproxy.api.stat())
    missing = parse("b", node.service("b", 5441)["content"])
    assert verify({"b": missing}, {"a"}, running, node.haproxy.worker).errors == ["does not run b", "still runs a"]


STATE_DIRS: dict[str, Callable[[str], str]] = {
    "another folder": lambda folder: folder.replace("/state", "/elsewhere"),
    "a path that is not the shortest": lambda folder: folder.replace("/state", "//state"),
}


@pytest.mark.spread
@pytest.mark.parametrize("case", STATE_DIRS)
def test_a_file_that_takes_its_states_from_elsewhere_is_refused(node: Node, case: str) -> None:
    """Its servers would start UP, unchecked."""
    file = node.service("a", 5440)
    where = STATE_DIRS[case](str(node.state_dir))
    file["content"] = file["content"].replace(str(node.state_dir), where)
    before = node.snapshot()
    result = node.publish([file])
    assert result["msg"] == (
        f"a.cfg takes the states of its servers from {where}/a.state, but they are kept in {node.state_dir}/a.state: "
        "give files and state_dir of one haproxy_state_dir"
    )
    assert node.snapshot() == before

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When the primary has moved, and which commands make HAProxy use the new one."""

from __future__ import annotations

import pytest

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.proxies import Proxy
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.server_state import FORCED_DRAIN, RUNNING, STOPPED
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.sockets import ServerRow
from ansible_collections.pgsvc.access.plugins.module_utils._publish.service_file import parse
from ansible_collections.pgsvc.access.plugins.module_utils._switchover.leader import Said, new_leader, said_by
from ansible_collections.pgsvc.access.plugins.module_utils._switchover.servers import commands, places, serving

PRIMARY, MASTER = Said(200, "running", "primary"), Said(200, "running", "master")
REPLICA, STOPPING = Said(503, "running", "replica"), Said(200, "stopping", "primary")
LOCKED = Said(200, "running", "replica")  # it has the lock, and PostgreSQL is still in recovery
SILENT = Said()

LEADERS: list[tuple[list[Said], str | None]] = [
    ([PRIMARY, REPLICA, REPLICA], None),
    ([STOPPING, REPLICA, REPLICA], None),
    ([REPLICA, PRIMARY, REPLICA], "m2"),
    ([SILENT, REPLICA, MASTER], "m3"),
    ([REPLICA, LOCKED, REPLICA], None),
    ([STOPPING, PRIMARY, REPLICA], None),
    ([REPLICA, PRIMARY, PRIMARY], None),
    ([SILENT, SILENT, SILENT], None),
]


@pytest.mark.parametrize(("said", "leader"), LEADERS)
def test_new_leader(said: list[Said], leader: str | None) -> None:
    assert new_leader(dict(zip(("m1", "m2", "m3"), said, strict=True)), "m1") == leader


BODIES: list[tuple[bytes, Said]] = [
    (b'{"state": "running", "role": "primary", "timeline": 3}', PRIMARY),
    (b"", Said(200)),
    (b"[]", Said(200)),
    (b'{"state": null}', Said(200)),
]


@pytest.mark.parametrize(("body", "said"), BODIES)
def test_said_by(body: bytes, said: Said) -> None:
    assert said_by(200, body) == said


DECLARED = parse("c-primary", "listen c-primary\n    server c-1 10.0.0.1:1 check\n    server c-2 10.0.0.2:1 check\n")
LIVE = parse(
    "c-primary",
    "listen c-primary\n    server c-1 10.0.0.1:1 track c-check/c-1\n"
    "    server c-2-leading 10.0.0.2:1 track c-check/c-2\n",
)


def row(proxy: str, server: str, op_state: int, admin_state: int = 0) -> ServerRow:
    texts = (proxy, server, "10.0.0.1", "")
    return ServerRow(*texts, *(0,) * 14)._replace(op_state=op_state, admin_state=admin_state, uweight=100)


def proxy(name: str, *rows: ServerRow) -> Proxy:
    return Proxy(name, {each.srv_name: each for each in rows})


def test_commands_for_servers_with_checks_of_their_own() -> None:
    running = {"c-primary": proxy("c-primary", row("c-primary", "c-1", RUNNING), row("c-primary", "c-2", STOPPED))}
    servers = places([DECLARED], running)
    assert commands(servers, running, "c-2") == [
        "set server c-primary/c-1 health down",
        "set server c-primary/c-2 health up",
    ]
    assert commands(servers, running, "c-1") == []
    assert serving(servers, running) == {"c-primary": ["c-1"]}


def test_commands_for_servers_that_track_others() -> None:
    services = proxy("c-primary", row("c-primary", "c-1", RUNNING), row("c-primary", "c-2-leading", STOPPED))
    checks = proxy("c-check", row("c-check", "c-1", RUNNING), row("c-check", "c-2", STOPPED))
    running = {"c-primary": services, "c-check": checks}
    assert commands(places([LIVE], running), running, "c-2") == [
        "set server c-check/c-1 health down",
        "set server c-check/c-2 health up",
    ]


def test_a_server_in_drain_is_left_alone() -> None:
    drained = row("c-primary", "c-2", STOPPED, FORCED_DRAIN)
    running = {"c-primary": proxy("c-primary", row("c-primary", "c-1", STOPPED), drained)}
    assert commands(places([DECLARED], running), running, "c-2") == []


def test_servers_that_do_not_run_are_left_out() -> None:
    assert places([DECLARED], {}) == []
    assert places([DECLARED], {"c-primary": proxy("c-primary")}) == []

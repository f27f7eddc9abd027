# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of state files: which verdict, and from where each column comes."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.server_state import (
    FORCED_DRAIN,
    RUNNING,
    STOPPED,
    State,
    carried,
    resting,
)
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.sockets import ServerRow, parse_servers_state
from ansible_collections.pgsvc.access.plugins.module_utils._publish.service_file import ServiceFile, parse

PROXY = "pg-primary"
UP = ServerRow(
    be_id=2,
    be_name=PROXY,
    srv_id=1,
    srv_name="pg1",
    addr="10.10.10.11",
    port=6432,
    op_state=2,
    admin_state=0,
    uweight=100,
    iweight=100,
    last_change=17,
    check_status=15,
    check_result=3,
    check_health=5,
    check_state=6,
    fqdn="",
    use_ssl=0,
    check_port=8008,
)
LINE = "server pg1 10.10.10.11:6432 check port 8008 weight 100"


def row(**changes: Any) -> ServerRow:
    return UP._replace(**changes)


def service(*lines: str, default_server: str = "") -> ServiceFile:
    head = [f"listen {PROXY}", *([f"default-server {default_server}"] if default_server else [])]
    return parse(PROXY, "\n".join([*head, *lines]))


class Rest(NamedTuple):
    line: str
    default_server: str
    columns: dict[str, Any]


RESTING = {
    "down": Rest(LINE, "", {"op_state": 0, "admin_state": 0, "uweight": 100, "port": 6432, "check_port": 8008}),
    "no check": Rest("server s 10.0.0.1:80", "", {"op_state": 2, "uweight": 1, "check_port": 0}),
    "check by default": Rest("server s 10.0.0.1:80", "check port 8", {"op_state": 0, "check_port": 8}),
    "check taken back": Rest("server s 10.0.0.1:80 no-check", "check", {"op_state": 2}),
    "weight by default": Rest("server s 10.0.0.1:80 check", "weight 7", {"uweight": 7, "iweight": 7}),
    "weight of the line wins": Rest("server s 10.0.0.1:80 check weight 9", "weight 7", {"uweight": 9, "iweight": 9}),
    "disabled": Rest("server s 10.0.0.1:80 check disabled", "", {"op_state": 0, "admin_state": 5}),
    "tls": Rest("server s 10.0.0.1:80 check ssl verify none", "", {"use_ssl": 1}),
    "tls by default": Rest("server s 10.0.0.1:80 check", "ssl verify none", {"use_ssl": 1}),
    "no tls": Rest("server s 10.0.0.1:80 check no-ssl", "ssl verify none", {"use_ssl": 0}),
    "ipv6": Rest("server s [fd00::1]:80 check", "", {"port": 80, "addr": ""}),
}  # fmt: skip


@pytest.mark.parametrize("case", RESTING.values(), ids=RESTING)
def test_resting(case: Rest) -> None:
    wanted = service(case.line, default_server=case.default_server)
    (found,) = parse_servers_state(resting(wanted))
    expected = {"be_name": PROXY, "srv_name": wanted.servers[0].name, "check_status": 1, **case.columns}
    assert {name: getattr(found, name) for name in expected} == expected


NO_VERDICT = {"op_state": 0, "check_status": 1, "check_result": 0, "check_health": 0}
PASSED = {"op_state": 2, "check_status": 15, "check_result": 3, "check_state": 6}


class Carry(NamedTuple):
    state: State
    line: str
    columns: dict[str, Any]


CARRIED = {
    "up": Carry(State(UP), LINE, {"op_state": 2, "check_result": 3, "check_health": 5, "last_change": 17}),
    "down": Carry(State(row(op_state=0, check_status=17)), LINE, {"op_state": 0, "check_status": 17}),
    "in its slow start": Carry(State(row(op_state=1)), LINE, {"op_state": 2}),
    "going away": Carry(State(row(op_state=3)), LINE, {"op_state": 3}),
    "a check is under way": Carry(State(row(check_state=7)), LINE, {"op_state": 2, "check_state": 7}),
    "not known": Carry(State(), LINE, NO_VERDICT),
    "asked, and passed": Carry(State(up=True), LINE, {**PASSED, "check_health": 4, "addr": ""}),
    "asked, and passed, with its own counts": Carry(State(up=True), LINE + " rise 3 fall 5", {"check_health": 7}),
    "asked, and failed": Carry(State(up=False), LINE, NO_VERDICT),
    "asked in drain": Carry(State(up=True, admin=8), LINE, {**PASSED, "admin_state": 8}),
    "not known in maintenance": Carry(State(admin=1), LINE, {**NO_VERDICT, "admin_state": 1}),
    "weight of the file": Carry(State(row(uweight=3)), LINE, {"op_state": 2, "uweight": 100, "iweight": 100}),
    "check port of the file": Carry(State(row(check_port=9999)), LINE, {"op_state": 2, "check_port": 8008}),
    "maintenance": Carry(State(row(admin_state=1)), LINE, {"op_state": 2, "admin_state": 1}),
    "drain": Carry(State(row(admin_state=8)), LINE, {"op_state": 2, "admin_state": 8}),
    "by name": Carry(State(row(fqdn="db1")), "server pg1 db1 check", {"fqdn": "db1", "addr": "10.10.10.11"}),
    "asked by name": Carry(
        State(up=True, address="10.10.10.99"), "server pg1 db1 check", {**PASSED, "fqdn": "db1", "addr": "10.10.10.99"}
    ),
    "not known, by name": Carry(State(), "server pg1 db1 check", {**NO_VERDICT, "fqdn": "", "addr": ""}),
    "no checks any more": Carry(State(row(op_state=0)), "server pg1 10.10.10.11:6432", {"op_state": 2}),
}  # fmt: skip


@pytest.mark.parametrize("case", CARRIED.values(), ids=CARRIED)
def test_carried(case: Carry) -> None:
    (found,) = parse_servers_state(carried(service(case.line), {"pg1": case.state}))
    expected = {"be_name": PROXY, "srv_name": "pg1", **case.columns}
    assert {name: getattr(found, name) for name in expected} == expected


def test_a_server_that_tracks_another_has_a_state_only_where_an_administrator_has_changed_it() -> None:
    tracking = service("server s 10.0.0.1:80 track pg-primary/pg1")
    assert parse_servers_state(resting(tracking)) == parse_servers_state(carried(tracking, {})) == []
    [row] = parse_servers_state(carried(tracking, {"s": State(up=True, admin=FORCED_DRAIN)}))
    assert (row.op_state, row.admin_state, row.check_state) == (RUNNING, FORCED_DRAIN, 0)
    [row] = parse_servers_state(carried(tracking, {"s": State(up=False, admin=FORCED_DRAIN)}))
    assert row.op_state == STOPPED


def test_no_servers() -> None:
    assert resting(service()) == carried(service(), {"pg1": State(UP)})
    assert resting(service()).startswith("1\n# be_id be_name srv_id srv_name srv_addr srv_op_state ")

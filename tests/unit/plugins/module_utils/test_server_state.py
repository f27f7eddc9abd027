# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of state files: which verdict, and from where each column comes."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import pytest

from ansible_collections.pgsvc.access.plugins.module_utils._cli import ServerRow, parse_servers_state
from ansible_collections.pgsvc.access.plugins.module_utils._server_line import parse_server_line
from ansible_collections.pgsvc.access.plugins.module_utils._server_state import carried, half_done, resting

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
    agent_state=0,
    bk_forced_id=0,
    srv_forced_id=0,
    fqdn="",
    srvrecord="",
    use_ssl=0,
    check_port=8008,
    check_addr="",
    agent_addr="",
    agent_port=8008,
)
LINE = "server pg1 10.10.10.11:6432 check port 8008 weight 100"


def row(**changes: Any) -> ServerRow:
    return dataclasses.replace(UP, **changes)


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
    line = parse_server_line(case.line)
    (found,) = parse_servers_state(resting(PROXY, [line], case.default_server.split()))
    expected = {"be_name": PROXY, "srv_name": line.name, "check_status": 1, **case.columns}
    assert {name: getattr(found, name) for name in expected} == expected


DOWN = {"op_state": 0, "check_status": 1, "check_result": 0}


class Carry(NamedTuple):
    row: ServerRow
    line: str
    columns: dict[str, Any]


CARRIED = {
    "up": Carry(UP, LINE, {"op_state": 2, "check_result": 3, "check_health": 5, "last_change": 17}),
    "down": Carry(row(op_state=0, check_result=2, check_status=17), LINE, {"op_state": 0, "check_status": 17}),
    "in its slow start": Carry(row(op_state=1), LINE, {"op_state": 2}),
    "going away": Carry(row(op_state=3), LINE, {"op_state": 3}),
    "not checked yet": Carry(row(check_status=1, check_result=0), LINE, DOWN),
    "a check is under way": Carry(row(check_result=0, check_state=7), LINE, {"op_state": 2, "check_state": 7}),
    "unknown": Carry(row(srv_name="pg2"), LINE, DOWN),
    "of another proxy": Carry(row(be_name="pg-replica"), LINE, DOWN),
    "other address": Carry(row(addr="10.10.10.99"), LINE, DOWN),
    "other port": Carry(row(port=5432), LINE, DOWN),
    "not checked before": Carry(row(check_state=0), LINE, DOWN),
    "weight of the file": Carry(row(uweight=3, iweight=4), LINE, {"op_state": 2, "uweight": 100, "iweight": 100}),
    "check port of the file": Carry(row(check_port=9999), LINE, {"op_state": 2, "check_port": 8008}),
    "maintenance": Carry(row(admin_state=1), LINE, {"op_state": 2, "admin_state": 1}),
    "drain": Carry(row(admin_state=8), LINE, {"op_state": 2, "admin_state": 8}),
    "half added": Carry(row(uweight=0, iweight=0, admin_state=1, check_state=2), LINE, {**DOWN, "admin_state": 0}),
    "half removed": Carry(row(uweight=0, admin_state=8), LINE, {**DOWN, "admin_state": 0}),
    "by name": Carry(row(fqdn="db1"), "server pg1 db1 check", {"op_state": 2, "fqdn": "db1", "addr": "10.10.10.11"}),
    "checks are gone": Carry(row(op_state=0), "server pg1 10.10.10.11:6432", {"op_state": 2}),
    "ipv6 spelt otherwise": Carry(row(addr="fd00::1"), "server pg1 [FD00:0::1]:6432 check", {"check_result": 3}),
}  # fmt: skip


@pytest.mark.parametrize("case", CARRIED.values(), ids=CARRIED)
def test_carried(case: Carry) -> None:
    (found,) = parse_servers_state(carried(PROXY, [parse_server_line(case.line)], [case.row]))
    expected = {"be_name": PROXY, "srv_name": "pg1", **case.columns}
    assert {name: getattr(found, name) for name in expected} == expected


def test_a_server_that_tracks_another_has_no_state_of_its_own() -> None:
    line = parse_server_line("server s 10.0.0.1:80 track pg-primary/pg1")
    assert parse_servers_state(resting(PROXY, [line])) == parse_servers_state(carried(PROXY, [line], [])) == []


def test_no_servers() -> None:
    assert resting(PROXY, []) == carried(PROXY, [], [UP]) == resting("other", [])
    assert resting(PROXY, []).startswith("1\n# be_id be_name srv_id srv_name srv_addr srv_op_state ")


@pytest.mark.parametrize(
    ("changes", "weight", "verdict"),
    [
        ({}, 100, False),
        ({"uweight": 0, "admin_state": 1, "check_state": 2}, 100, True),
        ({"uweight": 0, "admin_state": 1, "check_state": 2}, 0, False),
        ({"uweight": 0, "admin_state": 1}, 100, False),
        ({"uweight": 0, "admin_state": 8}, 100, True),
        ({"uweight": 0, "admin_state": 9, "check_state": 2}, 100, True),
        ({"admin_state": 1, "check_state": 2}, 100, False),
        ({"admin_state": 8}, 100, False),
    ],
)
def test_half_done(changes: dict[str, Any], weight: int, verdict: bool) -> None:
    assert half_done(row(**changes), weight) is verdict

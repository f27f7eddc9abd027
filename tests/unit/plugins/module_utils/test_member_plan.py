# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands that take a member out and bring it back, and what is told of its servers."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.proxies import Proxy
from ansible_collections.pgsvc.access.plugins.module_utils._publish.administration import (
    DRAIN,
    MAINT,
    READY,
    MemberStates,
    forced,
    state_of,
)
from ansible_collections.pgsvc.access.plugins.module_utils._publish.member_plan import (
    commands,
    described,
    find_servers,
    is_settled,
    members_of,
    states_of,
    without_server,
)
from ansible_collections.pgsvc.access.plugins.module_utils._publish.service_file import ServiceFile, parse
from ansible_collections.pgsvc.access.tests.unit.plugins.module_utils.test_server_state import row

DECLARED = """\
listen pg-replica
    bind *:5434
    default-server inter 1s downinter 2s
    server pg-1 10.0.0.1:6432 check port 8008 backup
    server pg-2 10.0.0.2:6432 check port 8008
"""
CHECKS = """\
backend pg-check-replica
    timeout check 3s
    default-server inter 1s downinter 2s
    server pg-1 10.0.0.1:8008 check port 8008
    server pg-2 10.0.0.2:8008 check port 8008
"""
LIVE = """\
listen pg-replica
    bind *:5434
    server pg-1 10.0.0.1:6432 track pg-check-replica/pg-1
    server pg-2 10.0.0.2:6432 track pg-check-replica/pg-2
    server pg-2-leading 10.0.0.2:6432 track pg-check-leader/pg-2 backup
"""
OWN_CHECK = 6  # srv_check_state of a server with a check that is enabled
SERVER = "pg-replica/pg-2"


def services(*texts: str) -> list[ServiceFile]:
    return [parse(text.split()[1], text) for text in texts]


def running(files: list[ServiceFile], **servers: dict[str, Any]) -> dict[str, Proxy]:
    """All servers of the files, UP; `servers` has other columns by the name of a server with `_` for `-` and `/`."""
    found = {}
    for file in files:
        rows, stat = {}, {}
        for line in file.servers:
            columns = servers.get(f"{file.name}/{line.name}".replace("-", "_").replace("/", "_"), {})
            state = OWN_CHECK if "check" in line.options else 0
            rows[line.name] = row(**{"srv_name": line.name, "be_name": file.name, "check_state": state, **columns})
            stat[line.name] = {"bck": str(int(line.backup)), "status": "UP", "scur": "2"}
        found[file.name] = Proxy(file.name, rows, stat)
    return found


DECLARED_COMMANDS: dict[str, tuple[dict[str, Any], str, list[str]]] = {
    "drain": ({}, DRAIN, [f"set server {SERVER} state drain"]),
    "drain again": ({"admin_state": 8}, DRAIN, []),
    "maint": ({}, MAINT, [f"set server {SERVER} state maint"]),
    "maint after drain": ({"admin_state": 8}, MAINT, [f"set server {SERVER} state maint"]),
    "maint again": ({"admin_state": 1}, MAINT, []),
    "ready": ({}, READY, []),
    "ready after drain": ({"admin_state": 8}, READY, [f"set server {SERVER} state ready"]),
    "ready after maint": (
        {"admin_state": 1},
        READY,
        [
            f"set server {SERVER} state drain",
            f"set server {SERVER} health down",
            f"set server {SERVER} state ready",
        ],
    ),
    "drain after maint": (
        {"admin_state": 1},
        DRAIN,
        [f"set server {SERVER} state drain", f"set server {SERVER} health down"],
    ),
    "ready after maint, never checked": (
        {"admin_state": 1, "check_state": 2},
        READY,
        [
            f"set server {SERVER} state drain",
            f"enable health {SERVER}",
            f"set server {SERVER} health down",
            f"set server {SERVER} state ready",
        ],
    ),
    "ready after maint, without checks": (
        {"admin_state": 1, "check_state": 0},
        READY,
        [f"set server {SERVER} state drain", f"set server {SERVER} state ready"],
    ),
}


@pytest.mark.parametrize("case", DECLARED_COMMANDS.values(), ids=DECLARED_COMMANDS)
def test_commands(case: tuple[dict[str, Any], str, list[str]]) -> None:
    columns, state, expected = case
    files = services(DECLARED)
    now = running(files, pg_replica_pg_2=columns)
    assert commands(find_servers("pg-2", files, now), now, state) == expected


def test_servers_that_share_checks_follow_the_one_that_makes_them() -> None:
    files = services(CHECKS, LIVE)
    now = running(files, pg_replica_pg_2={"admin_state": 0x10})
    servers = find_servers("pg-2", files, now)

    assert commands(servers, now, DRAIN) == ["set server pg-check-replica/pg-2 state drain"]
    assert states_of(servers, now) == {"pg-check-replica/pg-2": READY}
    assert [each.id for each in servers.serving] == ["pg-replica/pg-2", "pg-replica/pg-2-leading"]


def test_a_state_of_its_own_is_taken_from_a_server_that_follows() -> None:
    files = services(CHECKS, LIVE)
    now = running(files, pg_replica_pg_2={"admin_state": 8}, pg_check_replica_pg_2={"admin_state": 8})
    assert commands(find_servers("pg-2", files, now), now, READY) == [
        "set server pg-check-replica/pg-2 state ready",
        "set server pg-replica/pg-2 state ready",
    ]


def test_servers_that_do_not_run_are_left_out() -> None:
    files = services(DECLARED, DECLARED.replace("pg-replica", "pg-new"))
    servers = find_servers("pg-2", files, running(files[:1]))
    assert servers.absent == ("pg-new/pg-2",)
    assert [each.id for each in servers.holders] == [SERVER]
    assert members_of(files) == ["pg-1", "pg-2"]


WITHOUT: dict[str, tuple[str, dict[str, dict[str, Any]], list[str]]] = {
    "another server": ("pg-2", {}, []),
    "a backup": ("pg-1", {}, []),
    "another one that is down": ("pg-2", {"pg_replica_pg_1": {"op_state": 0}}, ["pg-replica"]),
    "another one in drain": ("pg-2", {"pg_replica_pg_1": {"admin_state": 8}}, ["pg-replica"]),
    "another one without weight": ("pg-2", {"pg_replica_pg_1": {"uweight": 0}}, ["pg-replica"]),
    "none now either": ("pg-2", {"pg_replica_pg_1": {"op_state": 0}, "pg_replica_pg_2": {"op_state": 0}}, []),
}


@pytest.mark.parametrize("case", WITHOUT.values(), ids=WITHOUT)
def test_services_that_would_have_no_server(case: tuple[str, dict[str, dict[str, Any]], list[str]]) -> None:
    member, servers, expected = case
    files = services(DECLARED)
    now = running(files, **servers)
    assert without_server(find_servers(member, files, now), now) == expected


SETTLED: dict[str, tuple[dict[str, Any], str, int, bool]] = {
    "drained, with sessions": ({"admin_state": 8}, DRAIN, 1, False),
    "drained": ({"admin_state": 8}, DRAIN, 0, True),
    "up": ({}, READY, 5, True),
    "not checked since it came back": ({"op_state": 0, "check_result": 3}, READY, 0, False),
    "a check under way": ({"op_state": 0, "check_result": 0, "last_change": 9}, READY, 0, False),
    "an older verdict, perhaps": ({"op_state": 0, "check_result": 2, "last_change": 2}, READY, 0, False),
    "has failed": ({"op_state": 0, "check_result": 2, "last_change": 3}, READY, 0, True),
}


@pytest.mark.parametrize("case", SETTLED.values(), ids=SETTLED)
def test_what_is_waited_for(case: tuple[dict[str, Any], str, int, bool]) -> None:
    columns, state, sessions, expected = case
    files = services(DECLARED)
    now = running(files, pg_replica_pg_2=columns)
    assert is_settled(find_servers("pg-2", files, now), now, state, sessions) is expected


def test_what_is_told_of_a_service() -> None:
    files = services(CHECKS, LIVE)
    now = running(files, pg_replica_pg_2={"admin_state": 0x10}, pg_replica_pg_2_leading={"op_state": 0})
    assert described(find_servers("pg-2", files, now), now, {"pg-replica/pg-2": 2}) == [
        {
            "service": "pg-replica",
            "servers": [
                {"server": "pg-2", "state": "drain", "status": "UP", "usable": False, "sessions": 2},
                {"server": "pg-2-leading", "state": "ready", "status": "UP", "usable": False, "sessions": 0},
            ],
            "sessions": 2,
            "usable": 1,
        }
    ]


@pytest.mark.parametrize(
    ("mask", "state", "own"),
    [
        (0, READY, 0),
        (0x01, MAINT, 1),
        (0x02, MAINT, 1),
        (0x04, MAINT, 0),
        (0x08, DRAIN, 8),
        (0x10, DRAIN, 8),
        (0x09, MAINT, 1),
        (0x20, MAINT, 0),
        (0x28, MAINT, 8),
    ],
)
def test_masks_of_administrators(mask: int, state: str, own: int) -> None:
    assert (state_of(mask), forced(mask)) == (state, own)


def test_a_member_is_out_when_all_of_its_servers_are() -> None:
    files = services(CHECKS, LIVE, DECLARED.replace("pg-replica", "pg-other"))
    owners = {file.name: "member/pg" for file in files}
    out = {
        "pg_check_replica_pg_2": {"admin_state": 8},
        "pg_replica_pg_2": {"admin_state": 0x10},
        "pg_replica_pg_2_leading": {"admin_state": 0x10},
        "pg_other_pg_2": {"admin_state": 8},
        "pg_other_pg_1": {"admin_state": 8},
    }
    states = MemberStates(owners, running(files, **out), {})
    assert states.of("member/pg", "pg-2-lagging") == 8
    assert states.of("member/pg", "pg-1") == 0
    assert states.of("member/other", "pg-2") == 0

    killed = MemberStates(owners, running(files, **out), {"pg-other/pg-2": 0})
    assert killed.of("member/pg", "pg-2") == 0

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a change may take away from a load balancer, and what it may not."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, Optional

import pytest

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.sockets import parse_servers_state
from ansible_collections.pgsvc.access.plugins.module_utils._publish.directory import FileChange
from ansible_collections.pgsvc.access.plugins.module_utils._publish.shrink import (
    Refusal,
    loses_members,
    message,
    refused,
)

HEADER = (
    "be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight "
    "srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state "
    "bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr "
    "srv_agent_addr srv_agent_port"
)

OTHER_COLUMNS = "0 100 100 7 6 3 4 6 0 0 0 - 6432 - 0 8008 - - 0"

Servers = dict[str, str]
"""The servers of each service, by name: ``{"pg-primary": "pg-1 pg-2"}``."""

ALL = "pg-1 pg-2 pg-3"
CHECKS = {"pg-primary": "/primary", "pg-replica": "/read-only", "pg-offline": "/replica"}


def content(name: str, servers: str, owner: Optional[str] = "member/pg", check: str = "") -> bytes:
    """A service file; without an owner as Pigsty writes it."""
    lines = [f"# managed by pgsvc.access, owner {owner}: changes made here are overwritten"] if owner else []
    lines += [f"listen {name}", "    bind *:5433", "    option httpchk"]
    lines += [f"    http-check send meth OPTIONS uri {check or CHECKS.get(name, '/sync')}"]
    lines += [f"    server {server} 10.10.10.11:6432 check port 8008 weight 100" for server in servers.split()]
    return "\n".join([*lines, ""]).encode()


def changes(before: Servers, after: Servers, owner: str = "member/pg") -> list[FileChange]:
    return [
        FileChange(
            name,
            owner,
            "updated",
            content(name, before[name], owner) if name in before else None,
            content(name, after[name], owner) if name in after else None,
        )
        for name in sorted({*before, *after})
    ]


def rows(**up: str) -> Any:
    """The servers of services as HAProxy runs them: ``rows(pg_primary="pg-1")`` is up there, all others are down."""
    lines = [
        f"2 {proxy.replace('_', '-')} {number} {server} 10.10.10.11 {op_state} {OTHER_COLUMNS}"
        for proxy, servers in up.items()
        for number, server in enumerate(ALL.split(), 1)
        for op_state in ("2" if server in servers.split() else "0",)
    ]
    return parse_servers_state("\n".join(["1", f"# {HEADER}", *lines, ""]))


class Case(NamedTuple):
    before: Servers
    after: Servers
    expected: list[Refusal]
    up: Mapping[str, str] = MappingProxyType({})
    may_be_empty: tuple[str, ...] = ()


TWO: Servers = {"pg-primary": "pg-1 pg-2", "pg-replica": "pg-1 pg-2", "pg-offline": "pg-2"}
THREE: Servers = {"pg-primary": ALL, "pg-replica": ALL, "pg-offline": "pg-3 pg-2"}
FIRST_LEADS = {"pg_primary": "pg-1", "pg_replica": ALL}


def lost(servers: str, reason: str, service: str = "") -> Refusal:
    return Refusal("pg", service, tuple(servers.split()), reason)


LEADS = "the member that leads at this moment"

CASES: dict[str, Case] = {
    "nothing changes": Case(THREE, THREE, [], FIRST_LEADS),
    "the first services": Case({}, THREE, []),
    "one more member": Case(TWO, THREE, [], FIRST_LEADS),
    "one replica of three": Case(THREE, dict.fromkeys(THREE, "pg-1 pg-2"), [], FIRST_LEADS),
    "one replica of two": Case(
        TWO, {"pg-primary": "pg-1", "pg-replica": "pg-1", "pg-offline": ""}, [], FIRST_LEADS, ("pg-offline",)
    ),
    "one replica of two, HAProxy does not run": Case({"pg-primary": "pg-1 pg-2"}, {"pg-primary": "pg-1"}, []),
    "two of three": Case(
        THREE, dict.fromkeys(THREE, "pg-1"), [lost("pg-2 pg-3", "2 of 3 members")], FIRST_LEADS
    ),
    "half of four": Case({"pg-primary": "a b c d"}, {"pg-primary": "a b"}, []),
    "more than half of five": Case(
        {"pg-primary": "a b c d e"}, {"pg-primary": "a b"}, [lost("c d e", "3 of 5 members")]
    ),
    "the only member": Case({"pg-primary": "pg-1"}, {"pg-primary": "pg-9"}, [lost("pg-1", "1 of 1 members")]),
    "the leader of three": Case(THREE, dict.fromkeys(THREE, "pg-2 pg-3"), [lost("pg-1", LEADS)], FIRST_LEADS),
    "the leader of two, which is not the first": Case(
        TWO,
        {"pg-primary": "pg-1", "pg-replica": "pg-1", "pg-offline": ""},
        [lost("pg-2", LEADS)],
        {"pg_primary": "pg-2"},
        ("pg-offline",),
    ),
    "two that are taken for the leader during a failover": Case(
        {"pg-primary": "pg-1 pg-2 pg-3 pg-4"},
        {"pg-primary": "pg-3 pg-4"},
        [lost("pg-1 pg-2", LEADS)],
        {"pg_primary": "pg-1 pg-2"},
    ),
    "the leader and more than half": Case(
        THREE, dict.fromkeys(THREE, "pg-3"), [lost("pg-1 pg-2", "2 of 3 members"), lost("pg-1", LEADS)], FIRST_LEADS
    ),
    "a member that is up in a service of readers only": Case(
        {"pg-replica": ALL}, {"pg-replica": "pg-1 pg-2"}, [], {"pg_replica": ALL}
    ),
    "the leader leaves one service and stays in others": Case(
        THREE, {**THREE, "pg-replica": "pg-2 pg-3"}, [], FIRST_LEADS
    ),
    "a service is removed": Case(THREE, {"pg-primary": ALL, "pg-replica": ALL}, [], FIRST_LEADS),
    "a service has another name": Case(
        {"pg-primary": ALL, "pg-standby": "pg-2"}, {"pg-primary": ALL, "pg-sync": "pg-2"}, []
    ),
    "every server of a declared service": Case(
        {"pg-primary": ALL, "pg-delayed": "pg-3"},
        {"pg-primary": "pg-1 pg-2", "pg-delayed": ""},
        [lost("pg-3", "all of its servers", "pg-delayed")],
        {"pg_primary": "pg-1"},
    ),
    "a declared service that had none": Case(
        {"pg-primary": ALL, "pg-delayed": ""}, {"pg-primary": ALL, "pg-delayed": ""}, []
    ),
    "other servers for a declared service": Case(
        {"pg-primary": ALL, "pg-delayed": "pg-3"}, {"pg-primary": ALL, "pg-delayed": "pg-2"}, []
    ),
    "no definition is left": Case(THREE, {}, [lost(ALL, "all of its services")], FIRST_LEADS),
    "no definition is left, and none had servers": Case(
        {"pg-primary": ""}, {}, [lost("", "all of its services")]
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("owner", ["member/pg", "delegated/pg"])
def test_what_is_refused(case: str, owner: str) -> None:
    before, after, expected, up, may_be_empty = CASES[case]
    assert refused(changes(before, after, owner), {"pg"}, rows(**up), may_be_empty) == expected


@pytest.mark.parametrize("case", CASES)
def test_the_states_of_servers_count_where_a_member_is_lost(case: str) -> None:
    """What is refused without them is refused with them, and the other way round where none is lost."""
    before, after, expected, _up, may_be_empty = CASES[case]
    change = changes(before, after)
    without_states = refused(change, {"pg"}, rows(), may_be_empty)
    assert loses_members(change, {"pg"}) or without_states == expected


@pytest.mark.parametrize("carries", [set(), {"pg-dr"}])
def test_a_cluster_that_is_given_up_or_moved_may_leave(carries: set[str]) -> None:
    assert refused(changes(THREE, {}), carries, rows(**FIRST_LEADS)) == []


def test_a_cluster_that_moves_from_members_to_the_same_hosts_as_a_group_keeps_its_servers() -> None:
    moved = [
        FileChange(
            "pg-primary",
            "delegated/pg",
            "updated",
            content("pg-primary", ALL),
            content("pg-primary", ALL, "delegated/pg"),
        )
    ]
    assert refused(moved, {"pg"}, rows()) == []


def test_each_cluster_is_looked_at_alone() -> None:
    """A name is no prefix here, and what one cluster gains does not make up for what another one loses."""
    both = [
        *changes({"pg-primary": ALL}, {"pg-primary": "pg-1"}),
        *changes({"pg-dr-primary": "pg-dr-1"}, {"pg-dr-primary": "pg-dr-1 pg-dr-2 pg-dr-3"}, "member/pg-dr"),
    ]
    assert refused(both, {"pg", "pg-dr"}, rows()) == [lost("pg-2 pg-3", "2 of 3 members")]


@pytest.mark.parametrize("owner", ["node", "mine/pg"])
def test_files_of_other_owners_do_not_count(owner: str) -> None:
    assert refused(changes({"pg-primary": ALL}, {}, owner), {"pg", "node"}, rows()) == []


def test_a_file_that_is_adopted_counts_for_the_service_that_replaces_it() -> None:
    change = FileChange(
        "pg-primary", "member/pg", "updated", content("pg-primary", ALL, None), content("pg-primary", "pg-1")
    )
    assert refused([change], {"pg"}, rows()) == [lost("pg-2 pg-3", "2 of 3 members")]


CHECK_LINES = {
    "http-check send meth OPTIONS uri /": True,
    "http-check send meth OPTIONS uri /leader": True,
    "http-check send meth GET uri /read-write?x=1": True,
    "http-check send meth OPTIONS uri /standby-leader": True,
    "option httpchk OPTIONS /master": True,
    "option httpchk GET /primary HTTP/1.0": True,
    "option httpchk /primary": True,
    "option httpchk": False,
    "http-check send meth OPTIONS uri /read-only": False,
    "http-check send meth OPTIONS uri /replica?lag=16MB": False,
    "http-check send meth OPTIONS uri": False,
    "http-check expect status 200": False,
}


@pytest.mark.parametrize("line", CHECK_LINES)
def test_which_services_only_a_leader_serves(line: str) -> None:
    before = content("pg-primary", "pg-1 pg-2 pg-3").replace(
        b"http-check send meth OPTIONS uri /primary", line.encode()
    )
    change = FileChange("pg-primary", "member/pg", "updated", before, content("pg-primary", "pg-2 pg-3"))
    found = refused([change], {"pg"}, rows(pg_primary="pg-1"))
    assert found == ([lost("pg-1", LEADS)] if CHECK_LINES[line] else [])


def test_a_line_that_is_broken_by_hand_is_no_server() -> None:
    change = FileChange(
        "pg-primary",
        "member/pg",
        "updated",
        content("pg-primary", "pg-1") + b"    server\n",
        content("pg-primary", "pg-1"),
    )
    assert refused([change], {"pg"}, rows()) == []


def test_the_message_names_everything_and_says_what_to_set() -> None:
    refusals = [
        lost("pg-2 pg-3", "2 of 3 members"),
        lost("pg-1", LEADS),
        lost("pg-3", "all of its servers", "pg-delayed"),
        Refusal("pg-dr", "", (), "all of its services"),
    ]
    assert message(refusals) == (
        "The inventory seems to be incomplete: cluster pg would lose pg-2, pg-3 (2 of 3 members); "
        "cluster pg would lose pg-1 (the member that leads at this moment); "
        "service pg-delayed would lose pg-3 (all of its servers); cluster pg-dr would lose all of its services. "
        "Nothing was changed. Run again with the complete inventory, or set pg_service_allow_shrink: true "
        "(-e pg_service_allow_shrink=true) if this is meant"
    )

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan for the Runtime API holds, and when only a reload will do."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.dynamic_server import NotDynamicError, dynamic_words
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.grammar import seconds
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.proxies import Proxy, proxies
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.server_line import parse_server_line
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.sockets import ServerRow
from ansible_collections.pgsvc.access.plugins.module_utils._publish.administration import MemberStates
from ansible_collections.pgsvc.access.plugins.module_utils._publish.compare import Difference, differences
from ansible_collections.pgsvc.access.plugins.module_utils._publish.runtime_plan import (
    Addition,
    NeedsReload,
    Removal,
    ServerChanges,
    plan_changes,
)
from ansible_collections.pgsvc.access.plugins.module_utils._publish.service_file import ServiceFile, parse

PROXY = "pg-primary"
DEFAULT = "inter 3s fastinter 1s downinter 5s rise 3 fall 3 on-marked-down shutdown-sessions weight 100"
HEAD = ["listen pg-primary", "balance roundrobin", "timeout check 3s", f"default-server {DEFAULT}"]
PG1, PG2 = "server pg1 10.0.0.1:6432 check port 8008", "server pg2 10.0.0.2:6432 check port 8008"
OWN_WORDS = (*DEFAULT.split(), "check", "port", "8008")


def row(number: int, **changes: Any) -> ServerRow:
    values: dict[str, Any] = dict.fromkeys(ServerRow._fields, 0)
    values |= {"fqdn": "", "be_name": PROXY, "srv_name": f"pg{number}", "addr": f"10.0.0.{number}", "port": 6432}
    values |= {"op_state": 2}
    values |= {"uweight": 100, "iweight": 100, "check_status": 15, "check_state": 6, "check_port": 8008}
    return ServerRow(**{**values, **changes})


def stat(*rows: ServerRow, backup: str = "", sessions: int = 0) -> list[dict[str, str]]:
    servers = [
        {"pxname": PROXY, "svname": r.srv_name, "bck": str(int(r.srv_name == backup)), "scur": str(sessions)}
        for r in rows
    ]
    return [*servers, {"pxname": PROXY, "svname": "BACKEND", "bck": "0", "scur": "0"}]


def service(*lines: str, head: Sequence[str] = tuple(HEAD)) -> ServiceFile:
    return parse(PROXY, "\n".join([*head, *lines]))


def proxy(*rows: ServerRow, backup: str = "", sessions: int = 0) -> Proxy:
    """The proxy as it runs, beside another one."""
    other = row(7, be_name="other")
    return proxies([*rows, other], stat(*rows, backup=backup, sessions=sessions))[PROXY]


def texts(found: list[Difference]) -> list[str]:
    return [each.text for each in found]


def addition(name: str, address: str = "", words: tuple[str, ...] = OWN_WORDS, **changes: Any) -> Addition:
    values = {"checked": True, "weight": 100, "admin": 0, "timeout": 9.0, **changes}
    return Addition(f"{PROXY}/{name}", (address, *words) if address else (), **values)


CUT2 = Removal(f"{PROXY}/pg2", cut=True, checked=True)


class Case(NamedTuple):
    running: list[ServerRow]
    wanted: list[str]
    changes: ServerChanges
    text: list[str]
    """What `differences` says before."""
    backup: str = ""
    unfinished: Mapping[str, int] = MappingProxyType({})


def changes(**values: Any) -> ServerChanges:
    return ServerChanges(PROXY, **values)


LINE1, LINE2 = parse_server_line(PG1), parse_server_line(PG2)
IN_PLACE2 = ("set server pg-primary/pg2 addr 10.0.0.2 port 6432",)
CASES = {
    "nothing": Case([row(1), row(2)], [PG2, PG1], changes(), []),
    "a new server": Case(
        [row(1)], [PG1, PG2], changes(additions=(addition("pg2", "10.0.0.2:6432"),)), ["server pg2 is not there"]
    ),
    "a new server by IPv6": Case(
        [], ["server pg2 [fd00::2]:5432 check port 8008"],
        changes(additions=(addition("pg2", "[fd00::2]:5432"),)), ["server pg2 is not there"],
    ),
    "a new server with its own words": Case(
        [], [PG2 + " weight 7 inter 9s backup"],
        changes(additions=(
            addition(
                "pg2", "10.0.0.2:6432", weight=7, timeout=13.0,
                words=(
                    *("inter", "9s", "fastinter", "1s", "downinter", "5s", "rise", "3", "fall", "3"),
                    *("on-marked-down", "shutdown-sessions", "weight", "7", "check", "port", "8008", "backup"),
                ),
            ),
        )),
        ["server pg2 is not there"],
    ),
    "a server that goes": Case([row(1), row(2)], [PG1], changes(removals=(CUT2,)), ["server pg2 is still there"]),
    "another weight": Case(
        [row(1)], [PG1 + " weight 50"], changes(settings=("set server pg-primary/pg1 weight 50",)),
        ["server pg1 has weight 100, the file says 50"],
    ),
    "another weight, and another check port": Case(
        [row(1)], ["server pg1 10.0.0.1:6432 check port 8009 weight 0"],
        changes(
            settings=("set server pg-primary/pg1 weight 0", "set server pg-primary/pg1 check-port 8009"),
            unasked=(parse_server_line("server pg1 10.0.0.1:6432 check port 8009 weight 0"),),
        ),
        ["server pg1 has weight 100, the file says 0", "server pg1 has check port 8008, the file says 8009"],
    ),
    "another port, with a check port of its own": Case(
        [row(2, port=5432)], [PG2], changes(settings=IN_PLACE2), ["server pg2 has port 5432, the file says 6432"],
    ),
    "another port, which is checked": Case(
        [row(2, port=5432, check_port=0)], ["server pg2 10.0.0.2:6432 check"],
        changes(settings=IN_PLACE2, unasked=(parse_server_line("server pg2 10.0.0.2:6432 check"),)),
        ["server pg2 has port 5432, the file says 6432"],
    ),
    "another address and port": Case(
        [row(2, addr="10.9.9.9", port=5432)], [PG2], changes(settings=IN_PLACE2, unasked=(LINE2,)),
        ["server pg2 has address 10.9.9.9, the file says 10.0.0.2", "server pg2 has port 5432, the file says 6432"],
    ),
    "another address and weight in drain": Case(
        [row(2, addr="10.9.9.9", admin_state=8, uweight=0)], [PG2], changes(settings=IN_PLACE2, unasked=(LINE2,)),
        ["server pg2 has address 10.9.9.9, the file says 10.0.0.2"],
    ),
    "no backup any more, of a server that is down": Case(
        [row(2, op_state=0)], [PG2], changes(replacements=((CUT2, addition("pg2", "10.0.0.2:6432")),)),
        ["server pg2 has backup yes, the file says no"], backup="pg2",
    ),
    "no backup any more, of a server that is not needed": Case(
        [row(1), row(2)], [PG1, PG2], changes(replacements=((CUT2, addition("pg2", "10.0.0.2:6432")),)),
        ["server pg2 has backup yes, the file says no"], backup="pg2",
    ),
    "a replaced server in drain": Case(
        [row(2, admin_state=8)], [PG2], changes(replacements=((CUT2, addition("pg2", "10.0.0.2:6432", admin=8)),)),
        ["server pg2 has backup yes, the file says no"], backup="pg2",
    ),
    "maintenance is the administrator's": Case([row(1, admin_state=1)], [PG1], changes(), []),
    "drain with weight 0 is the administrator's": Case([row(1, admin_state=8, uweight=0)], [PG1], changes(), []),
    "maintenance with weight 0 and no checks is the administrator's": Case(
        [row(1, admin_state=1, uweight=0, check_state=2)], [PG1], changes(), []
    ),
    "a weight that an agent sets": Case([row(1, uweight=30)], [PG1 + " agent-check agent-port 9"], changes(), []),
    "a weight from 0 before the first verdict": Case(
        [row(1, uweight=0, check_status=1)], [PG1], changes(additions=(addition("pg1"),)),
        ["server pg1 has weight 0, the file says 100"],
    ),
    "a weight from 0 with a verdict": Case(
        [row(1, uweight=0)], [PG1], changes(settings=("set server pg-primary/pg1 weight 100",)),
        ["server pg1 has weight 0, the file says 100"],
    ),
    "a killed addition": Case(
        [row(1, uweight=0, iweight=0, admin_state=1, check_status=1, check_state=2)], [PG1],
        changes(additions=(addition("pg1"),)), [], unfinished={"pg-primary/pg1": 0},
    ),
    "a killed removal": Case(
        [row(2, uweight=0, admin_state=1, check_state=2, op_state=0)], [PG2],
        changes(replacements=((CUT2, addition("pg2", "10.0.0.2:6432")),)), [], unfinished={"pg-primary/pg2": 0},
    ),
    "a killed replacement of a server in drain": Case(
        [row(2, uweight=0, admin_state=1, check_state=2, op_state=0)], [PG2],
        changes(replacements=((CUT2, addition("pg2", "10.0.0.2:6432", admin=8)),)), [],
        unfinished={"pg-primary/pg2": 8},
    ),
    "a server that left and is wanted again": Case(
        [row(2, uweight=0, admin_state=8)], [PG2], changes(additions=(addition("pg2"),)), [],
        unfinished={"pg-primary/pg2": 0},
    ),
    "an unfinished server that is whole": Case([row(2)], [PG2], changes(), [], unfinished={"pg-primary/pg2": 0}),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_plan(case: Case) -> None:
    running = proxy(*case.running, backup=case.backup)
    wanted = service(*case.wanted)
    assert plan_changes(wanted, running, unfinished=case.unfinished) == case.changes
    assert texts(differences(wanted, running)) == case.text


NEW = "server pg2 is new, and "
BY_NAME = f"{NEW}HAProxy takes an address by name or without a port from a file only"
RELOADS = {
    "static": ("balance source", PG2, "pg-primary is balanced by source, which has no servers that change at run time"),
    "by name": ("", "server pg2 db2:6432 check", BY_NAME),
    "no port": ("", "server pg2 10.0.0.2 check", BY_NAME),
    "relative port": ("", "server pg2 10.0.0.2:+1 check", BY_NAME),
    "file only": ("", PG2 + " cookie x", f"{NEW}HAProxy accepts 'cookie' only in a configuration file"),
    "quoted": ("", PG2 + " sni 'a b'", f"{NEW}'sni a b' cannot be sent to HAProxy's socket"),
}


@pytest.mark.parametrize(("directive", "line", "reason"), RELOADS.values(), ids=RELOADS)
def test_needs_reload(directive: str, line: str, reason: str) -> None:
    assert plan_changes(service(line, head=[*HEAD, directive]), proxy()) == NeedsReload(reason)


def test_a_proxy_that_does_not_run() -> None:
    assert plan_changes(service(), None) == NeedsReload("HAProxy does not run pg-primary yet")


HELD = "server pg2 has backup yes, the file says no, and it "
KEPT: dict[str, tuple[dict[str, Any], list[ServerRow], str]] = {
    "with sessions": ({"sessions": 4}, [row(1), row(2)], f"{HELD}holds 4 sessions"),
    "with one session, though it is down": ({"sessions": 1}, [row(1), row(2, op_state=0)], f"{HELD}holds 1 session"),
    "the only one that is usable": ({}, [row(1, op_state=0), row(2)], f"{HELD}is in use"),
    "the only one without drain": ({}, [row(1, admin_state=8), row(2)], f"{HELD}is in use"),
    "the only one with a weight": ({}, [row(1, uweight=0), row(2)], f"{HELD}is in use"),
}


@pytest.mark.parametrize(("more", "rows", "reason"), KEPT.values(), ids=KEPT)
def test_a_server_in_use_is_not_deleted(more: dict[str, Any], rows: list[ServerRow], reason: str) -> None:
    assert plan_changes(service(PG1, PG2), proxy(*rows, backup="pg2", **more)) == NeedsReload(reason)


def test_options_that_the_running_state_does_not_show_are_given_by_name() -> None:
    down = proxy(row(2, op_state=0))
    expected = changes(replacements=((CUT2, addition("pg2", "10.0.0.2:6432")),))
    assert plan_changes(service(PG2), down, replaced={"pg2"}) == expected
    in_use = NeedsReload("server pg2 has other options, and it is in use")
    assert plan_changes(service(PG2), proxy(row(2)), replaced={"pg2"}) == in_use


def test_a_new_server_of_a_member_in_drain_begins_in_drain() -> None:
    elsewhere = proxies([row(2, be_name="pg-replica", admin_state=8)], [])
    members = MemberStates({"pg-replica": "member/pg"}, elsewhere, {})
    wanted = dataclasses.replace(service(PG1, PG2), owner="member/pg")
    planned = plan_changes(wanted, proxy(row(1)), members=members)
    assert isinstance(planned, ServerChanges)
    assert [(each.server, each.admin) for each in planned.additions] == [("pg-primary/pg2", 8)]


def test_a_server_that_drains_is_no_difference() -> None:
    assert differences(service(), proxy(row(2)), draining=["pg-primary/pg2"]) == []


def test_consistent_hashing_is_dynamic() -> None:
    wanted = service(head=[*HEAD, "balance source", "hash-type consistent"])
    assert plan_changes(wanted, proxy(row(1))) == changes(removals=(Removal("pg-primary/pg1", cut=True, checked=True),))


def test_what_is_half_done_in_between() -> None:
    planned = changes(
        additions=(addition("pg1", "10.0.0.1:1"),),
        removals=(CUT2,),
        replacements=((Removal("pg-primary/pg3", cut=True, checked=True), addition("pg3", "10.0.0.3:1", admin=8)),),
    )
    assert planned.touched() == [("pg-primary/pg1", 0), ("pg-primary/pg2", 0), ("pg-primary/pg3", 8)]


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ("inter 3s check inter 5s", "inter 5s check"),
        ("ssl verify none no-ssl", "verify none"),
        ("no-ssl ssl", "ssl"),
        ("check-ssl no-check-ssl", ""),
        ("disabled enabled", ""),
    ],
)
def test_dynamic_words(words: str, kept: str) -> None:
    assert dynamic_words(words.split()) == tuple(kept.split())


@pytest.mark.parametrize("words", ["stick", "tcp-ut 5s", "agent-check", "track a/b", "inter", "init-addr none"])
def test_words_for_files_only(words: str) -> None:
    with pytest.raises(NotDynamicError) as caught:
        dynamic_words(words.split())
    assert str(caught.value) == f"HAProxy accepts {words.split(maxsplit=1)[0]!r} only in a configuration file"


@pytest.mark.parametrize(("time", "value"), [("3s", 3.0), ("200", 0.2), ("200ms", 0.2), ("2m", 120.0), ("x", 0.0)])
def test_seconds(time: str, value: float) -> None:
    assert seconds(time) == pytest.approx(value)

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan for the Runtime API holds, and when only a reload will do."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import pytest

from ansible_collections.pgsvc.access.plugins.module_utils._cli import ServerRow
from ansible_collections.pgsvc.access.plugins.module_utils._dynamic_server import NotDynamicError, dynamic_words
from ansible_collections.pgsvc.access.plugins.module_utils._runtime import (
    Addition,
    Changes,
    NeedsReload,
    Removal,
    differences,
    plan_changes,
    seconds,
)
from ansible_collections.pgsvc.access.plugins.module_utils._server_line import ServerLine, parse_server_line

PROXY = "pg-primary"
DEFAULT = "inter 3s fastinter 1s downinter 5s rise 3 fall 3 on-marked-down shutdown-sessions weight 100"
HEAD = ["listen pg-primary", "balance roundrobin", "timeout check 3s", f"default-server {DEFAULT}"]
PG1, PG2 = "server pg1 10.0.0.1:6432 check port 8008", "server pg2 10.0.0.2:6432 check port 8008"
OWN_WORDS = (*DEFAULT.split(), "check", "port", "8008")


def row(number: int, **changes: Any) -> ServerRow:
    values: dict[str, Any] = {field.name: "" if field.type == "str" else 0 for field in dataclasses.fields(ServerRow)}
    values |= {"be_name": PROXY, "srv_name": f"pg{number}", "addr": f"10.0.0.{number}", "port": 6432, "op_state": 2}
    values |= {"uweight": 100, "iweight": 100, "check_status": 15, "check_state": 6, "check_port": 8008}
    return ServerRow(**{**values, **changes})


def stat(*rows: ServerRow, backup: str = "", sessions: int = 0) -> list[dict[str, str]]:
    servers = [
        {"pxname": PROXY, "svname": r.srv_name, "bck": str(int(r.srv_name == backup)), "scur": str(sessions)}
        for r in rows
    ]
    return [*servers, {"pxname": PROXY, "svname": "BACKEND", "bck": "0", "scur": "0"}]


def lines(*texts: str) -> list[ServerLine]:
    return [parse_server_line(text) for text in texts]


def addition(name: str, address: str = "", words: tuple[str, ...] = OWN_WORDS, **changes: Any) -> Addition:
    values = {"checked": True, "weight": 100, "admin": 0, "timeout": 9.0, **changes}
    return Addition(f"{PROXY}/{name}", (address, *words) if address else (), **values)


CUT2 = Removal(f"{PROXY}/pg2", cut=True, checked=True)


class Case(NamedTuple):
    running: list[ServerRow]
    wanted: list[str]
    changes: Changes
    text: list[str]
    """What `differences` says before."""
    backup: str = ""


CASES = {
    "nothing": Case([row(1), row(2)], [PG2, PG1], Changes(), []),
    "a new server": Case(
        [row(1)], [PG1, PG2], Changes(additions=(addition("pg2", "10.0.0.2:6432"),)), ["server pg2 is not there"]
    ),
    "a new server by IPv6": Case(
        [], ["server pg2 [fd00::2]:5432 check port 8008"],
        Changes(additions=(addition("pg2", "[fd00::2]:5432"),)), ["server pg2 is not there"],
    ),
    "a new server with its own words": Case(
        [], [PG2 + " weight 7 inter 9s backup"],
        Changes(additions=(
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
    "a server that is gone": Case([row(1), row(2)], [PG1], Changes(removals=(CUT2,)), ["server pg2 is still there"]),
    "another weight": Case(
        [row(1)], [PG1 + " weight 50"], Changes(settings=("set server pg-primary/pg1 weight 50",)),
        ["server pg1 has weight 100, the file says 50"],
    ),
    "another weight, and another check port": Case(
        [row(1)], ["server pg1 10.0.0.1:6432 check port 8009 weight 0"],
        Changes(settings=("set server pg-primary/pg1 weight 0", "set server pg-primary/pg1 check-port 8009")),
        ["server pg1 has weight 100, the file says 0", "server pg1 has check port 8008, the file says 8009"],
    ),
    "another address and port": Case(
        [row(2, addr="10.9.9.9", port=5432)], [PG2],
        Changes(replacements=((CUT2, addition("pg2", "10.0.0.2:6432")),)),
        ["server pg2 has address 10.9.9.9, the file says 10.0.0.2", "server pg2 has port 5432, the file says 6432"],
    ),
    "no backup any more": Case(
        [row(2)], [PG2], Changes(replacements=((CUT2, addition("pg2", "10.0.0.2:6432")),)),
        ["server pg2 has backup yes, the file says no"], backup="pg2",
    ),
    "a replaced server in drain": Case(
        [row(2, port=1, admin_state=8)], [PG2],
        Changes(replacements=((CUT2, addition("pg2", "10.0.0.2:6432", admin=8)),)),
        ["server pg2 has port 1, the file says 6432"],
    ),
    "maintenance is nobody's difference": Case([row(1, admin_state=1)], [PG1], Changes(), []),
    "a weight from 0 before the first verdict": Case(
        [row(1, uweight=0, check_status=1)], [PG1], Changes(additions=(addition("pg1"),)),
        ["server pg1 has weight 0, the file says 100"],
    ),
    "a weight from 0 with a verdict": Case(
        [row(1, uweight=0)], [PG1], Changes(settings=("set server pg-primary/pg1 weight 100",)),
        ["server pg1 has weight 0, the file says 100"],
    ),
    "a killed addition": Case(
        [row(1, uweight=0, iweight=0, admin_state=1, check_status=1, check_state=2)], [PG1],
        Changes(additions=(addition("pg1"),)), ["server pg1 is only half set up"],
    ),
    "a killed removal": Case(
        [row(2, uweight=0, admin_state=1, check_state=2)], [PG2],
        Changes(replacements=((CUT2, addition("pg2", "10.0.0.2:6432")),)), ["server pg2 is only half set up"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_plan(case: Case) -> None:
    rows = stat(*case.running, backup=case.backup)
    other = row(7, be_name="other")
    assert plan_changes(PROXY, HEAD, [*case.running, other], rows, lines(*case.wanted)) == case.changes
    assert differences(PROXY, HEAD, [*case.running, other], rows, lines(*case.wanted)) == case.text


NEW = "server pg2 is new, and "
BY_NAME = f"{NEW}HAProxy takes an address by name or without a port from a file only"
RELOADS = {
    "static": ("balance source", PG2, "pg-primary is balanced by source, which has no servers that change at run time"),
    "by name": ("", "server pg2 db2:6432 check", BY_NAME),
    "no port": ("", "server pg2 10.0.0.2 check", BY_NAME),
    "relative port": ("", "server pg2 10.0.0.2:+1 check", BY_NAME),
    "file only": ("", PG2 + " cookie x", f"{NEW}HAProxy takes 'cookie' from a configuration file only"),
    "quoted": ("", PG2 + " sni 'a b'", f"{NEW}'sni a b' cannot be said on HAProxy's socket"),
}


@pytest.mark.parametrize(("directive", "line", "reason"), RELOADS.values(), ids=RELOADS)
def test_needs_reload(directive: str, line: str, reason: str) -> None:
    assert plan_changes(PROXY, [*HEAD, directive], [], stat(), lines(line)) == NeedsReload(reason)


def test_a_proxy_that_does_not_run() -> None:
    assert plan_changes("pg-new", HEAD, [], stat(), []) == NeedsReload("HAProxy does not run pg-new yet")


def test_sessions_that_are_to_be_left_alone_outlive_no_replacement() -> None:
    running = [row(2, port=1)]
    reason = "server pg2 has port 1, the file says 6432, and the 4 sessions that it holds are to be left alone"
    planned = plan_changes(PROXY, HEAD, running, stat(*running, sessions=4), lines(PG2), cut_removed=False)
    assert planned == NeedsReload(reason)


def test_what_the_running_state_does_not_show_is_told_by_name() -> None:
    planned = plan_changes(PROXY, HEAD, [row(2)], stat(row(2)), lines(PG2), replaced={"pg2"})
    assert planned == Changes(replacements=((CUT2, addition("pg2", "10.0.0.2:6432")),))


def test_a_server_that_drains_is_no_difference() -> None:
    assert differences(PROXY, HEAD, [row(2)], stat(row(2)), [], draining=["pg-primary/pg2"]) == []


def test_consistent_hashing_is_dynamic() -> None:
    head = [*HEAD, "balance source", "hash-type consistent"]
    assert plan_changes(PROXY, head, [row(1)], stat(row(1)), []) == Changes(
        removals=(Removal("pg-primary/pg1", cut=True, checked=True),)
    )


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
    assert str(caught.value) == f"HAProxy takes {words.split(maxsplit=1)[0]!r} from a configuration file only"


@pytest.mark.parametrize(("time", "value"), [("3s", 3.0), ("200", 0.2), ("200ms", 0.2), ("2m", 120.0), ("x", 0.0)])
def test_seconds(time: str, value: float) -> None:
    assert seconds(time) == pytest.approx(value)

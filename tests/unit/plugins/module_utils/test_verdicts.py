# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""With which state a server begins in a new worker: carried where the check asks the same, asked where it does not."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.check_question import question
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.proxies import Proxy
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.server_state import State
from ansible_collections.pgsvc.access.plugins.module_utils._publish import record
from ansible_collections.pgsvc.access.plugins.module_utils._publish.rehearsal import (
    Asked,
    Verdict,
    configuration,
    patience,
)
from ansible_collections.pgsvc.access.plugins.module_utils._publish.service_file import ServiceFile, parse
from ansible_collections.pgsvc.access.plugins.module_utils._publish.verdicts import Knowledge
from ansible_collections.pgsvc.access.tests.unit.plugins.module_utils.test_server_state import row

HEAD = """\
listen pg-primary
    bind *:5433
    mode tcp
    maxconn 5000
    option httpchk
    http-check send meth OPTIONS uri /primary
    http-check expect status 200
    timeout check 3s
    default-server inter 3s rise 3 fall 3 weight 100
"""
SERVER = "    server pg1 10.10.10.11:6432 check port 8008\n"
TEXT = HEAD + SERVER


def one_question(text: str) -> str:
    service = parse("pg-primary", text)
    return question(service, service.servers[0])


SAME_QUESTION: dict[str, tuple[str, str, bool]] = {
    "weight": ("port 8008", "port 8008 weight 3", True),
    "backup": ("port 8008", "port 8008 backup", True),
    "timings": ("inter 3s rise 3 fall 3", "inter 1s rise 1 fall 1", True),
    "maxconn": ("port 8008", "port 8008 maxconn 3 slowstart 3s", True),
    "port of the server, beside a check port": (":6432", ":5432", True),
    "listener": ("*:5433", "*:5555", True),
    "time-out of checks": ("timeout check 3s", "timeout check 1s", True),
    "check port": ("port 8008", "port 8009", False),
    "address": ("10.10.10.11", "10.10.10.12", False),
    "path": ("/primary", "/replica", False),
    "expected status": ("status 200", "status 2xx", False),
    "kind of check": ("option httpchk", "option pgsql-check", False),
    "TLS": ("port 8008", "port 8008 check-ssl verify none", False),
    "port of the server, which is checked": ("check port 8008", "check", False),
}


@pytest.mark.parametrize("case", SAME_QUESTION)
def test_question(case: str) -> None:
    old, new, same = SAME_QUESTION[case]
    assert old in TEXT
    assert (one_question(TEXT) == one_question(TEXT.replace(old, new))) is same


def test_a_server_without_a_check_of_its_own_has_no_question() -> None:
    assert one_question(HEAD + "server a 10.0.0.1:1") == ""
    assert one_question(HEAD + "server a 10.0.0.1:1 track b/c") == ""


class Case(NamedTuple):
    wanted: str
    rows: list[dict[str, Any]]
    states: dict[str, State]
    asked: list[str]
    loaded: str = TEXT
    unfinished: Mapping[str, int] = MappingProxyType({})


PG2 = "    server pg2 10.10.10.12:6432 check port 8008\n"
UP2 = {"srv_name": "pg2", "addr": "10.10.10.12"}
BY_NAME = HEAD + "    server pg1 db1:6432 check port 8008\n"
KNOWN = {
    "the same": Case(TEXT, [{}], {"pg1": State(row())}, []),
    "another weight": Case(TEXT.replace("100", "7"), [{}], {"pg1": State(row())}, []),
    "another path": Case(TEXT.replace("/primary", "/replica"), [{}], {"pg1": State()}, ["pg1"]),
    "another path, in drain": Case(
        TEXT.replace("/primary", "/replica"), [{"admin_state": 8}], {"pg1": State(admin=8)}, ["pg1"]
    ),
    "another address": Case(TEXT.replace("0.11", "0.99"), [{}], {"pg1": State()}, ["pg1"]),
    "an address that somebody changed": Case(TEXT, [{"addr": "10.9.9.9"}], {"pg1": State()}, ["pg1"]),
    "a check port that somebody changed": Case(TEXT, [{"check_port": 1}], {"pg1": State()}, ["pg1"]),
    "not checked yet": Case(TEXT, [{"check_status": 1}], {"pg1": State()}, ["pg1"]),
    "loaded unknown": Case(TEXT, [{}], {"pg1": State()}, ["pg1"], loaded=""),
    "a killed change": Case(
        TEXT, [{"admin_state": 1}], {"pg1": State(admin=8)}, ["pg1"], unfinished={"pg-primary/pg1": 8}
    ),
    "no longer checked": Case(HEAD + "    server pg1 10.10.10.11:6432\n", [{}], {"pg1": State(row())}, []),
    "a new member beside one that is usable": Case(TEXT + PG2, [{}], {"pg1": State(row()), "pg2": State()}, []),
    "a new member beside one that is down": Case(
        TEXT + PG2, [{"op_state": 0}], {"pg1": State(row(op_state=0)), "pg2": State()}, ["pg2"]
    ),
    "a new server of a member in drain": Case(
        TEXT + PG2.replace("pg2", "pg1-leading"), [{"admin_state": 8}],
        {"pg1": State(row(admin_state=8)), "pg1-leading": State(admin=8)}, ["pg1-leading"],
    ),
    "a server of its own after one that followed": Case(
        TEXT, [{"admin_state": 16, "check_state": 0}], {"pg1": State(admin=8)}, ["pg1"]
    ),
    "a new service": Case(TEXT + PG2, [], {"pg1": State(), "pg2": State()}, ["pg1", "pg2"]),
    "by name": Case(BY_NAME, [{"fqdn": "db1"}], {"pg1": State(row(fqdn="db1"))}, [], loaded=BY_NAME),
    "a name that has moved": Case(
        BY_NAME, [{"fqdn": "db1", "addr": "10.9.9.9"}], {"pg1": State()}, ["pg1"], loaded=BY_NAME
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", KNOWN.values(), ids=KNOWN)
def test_knowledge(case: Case) -> None:
    service = parse("pg-primary", case.wanted)
    loaded = {"pg-primary": record.head(parse("pg-primary", case.loaded))} if case.loaded else {}
    rows = {each.srv_name: each for each in (row(**changes) for changes in case.rows)}
    running = {"pg-primary": Proxy("pg-primary", rows)} if rows else {}
    found = Knowledge([service], loaded, running, case.unfinished, lambda _name: {"10.10.10.11"})
    assert found.states == {"pg-primary": case.states}
    assert [each.line.name for each in found.asked] == case.asked


def test_answers_complete_the_states() -> None:
    service = parse("pg-primary", TEXT)
    found = Knowledge([service], {}, {}, {}, lambda _name: ())
    verdicts = {("pg-primary", "pg1"): Verdict(up=True, address="10.0.0.1"), ("other", "x"): Verdict(True, "")}
    assert found.with_verdicts(verdicts) == {"pg-primary": {"pg1": State(up=True, address="10.0.0.1")}}
    assert found.states == {"pg-primary": {"pg1": State()}}


def asked(text: str) -> Asked:
    service: ServiceFile = parse("pg-primary", text)
    return Asked(service, service.servers[0])


@pytest.mark.parametrize(
    ("head", "own", "inter"),
    [(HEAD, "", "3s"), (HEAD, " inter 5s fall 3", "5s"), (HEAD.replace("inter 3s", ""), "", "2s")],
)
def test_the_second_haproxy_listens_nowhere_and_asks_the_same(head: str, own: str, inter: str) -> None:
    line = "    server pg1 [fd00::1]:6432 check port 8008 weight 7 backup maxconn 3 track-me sni 'a b'\n"
    assert (
        configuration({"q1": asked(head + line.replace(" track-me", own))}, "/run/s")
        == f"""\
global
    stats socket /run/s mode 600 level admin
    maxconn 100
    nbthread 1
.if feature(OPENSSL)
    httpclient.ssl.verify none
.endif

backend q1
    mode tcp
    timeout check 3s
    timeout connect 3s
    option httpchk
    http-check send meth OPTIONS uri /primary
    http-check expect status 200
    server s [fd00::1]:6432 check port 8008 sni "a b" inter {inter} fastinter 100ms downinter 100ms rise 1 fall 2
"""
    )


@pytest.mark.parametrize(
    ("head", "limit"),
    [
        (HEAD, 3 + 3),
        (HEAD.replace("inter 3s", "inter 500ms"), 0.5 + 3),
        (HEAD.replace("timeout check 3s", "timeout check 10s\n    timeout connect 1s"), 1 + 10),
        (HEAD.replace("timeout check 3s", "timeout check 2m"), 60),
    ],
)
def test_checks_are_waited_for_as_long_as_they_may_take(head: str, limit: float) -> None:
    """To connect and to answer; and half a second, in which they begin. A minute is the most."""
    assert patience({"q1": asked(head + SERVER)}) == pytest.approx(min(limit + 0.501, 60))

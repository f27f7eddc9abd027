# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the primary may move, as a table: one change to a cluster that is well, and what stands in the way."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.pgsvc.access.plugins.plugin_utils._report.status_view import Answer, views
from ansible_collections.pgsvc.access.plugins.plugin_utils._report.switchover import Move, prepare
from ansible_collections.pgsvc.access.plugins.plugin_utils._report.switchover_text import Result, Seen, planned
from ansible_collections.pgsvc.access.tests.conftest import ROOT
from ansible_collections.pgsvc.access.tests.unit.plugins.plugin_utils.test_findings import (
    LB1,
    LB2,
    LB3,
    P1,
    P2,
    P3,
    Case,
)

SERVICES = ["pg-test-primary", "pg-test-default"]


def move(case: Case, member: str = P2) -> Move:
    (view,) = views(case.clusters, case.planned, case.answers())
    return prepare(view, member)


def of_patroni(member: str, **values: Any) -> Callable[[Case], None]:
    return lambda case: case.members[member].update(values)


def without_leader(case: Case) -> None:
    case.members[P1].update(role="replica", state="streaming", lag=0)


def silent(case: Case) -> None:
    case.patroni["error"] = "10.10.10.11:8008: refused"


def unknown(case: Case) -> None:
    del case.members[P2]


def paused(case: Case) -> None:
    case.patroni["pause"] = True


def unreachable(case: Case) -> None:
    case.errors[LB2] = Answer(None, "no route to host", is_reachable=False)


def drained(case: Case) -> None:
    for host in (LB1, LB2, LB3):
        case.server(host, "primary", P2)["admin"] = "drain"


def light(case: Case) -> None:
    case.server(LB1, "default", P2)["weight"] = 0


def well(_case: Case) -> None:
    pass


def drifted(case: Case) -> None:
    case.failover(P3)


def moved_often(case: Case) -> None:
    """Each switchover takes the service down on the old primary."""
    for host in (LB1, LB2, LB3):
        case.server(host, "primary", P2).update(times_down=3, since=60)
    for facts in case.facts.values():
        facts["process"]["uptime"] = 600


CASES: list[tuple[Callable[[Case], None], str, list[tuple[str, bool]]]] = [
    (well, P2, []),
    (well, P1, [("candidate_leads", True)]),
    (drifted, P1, []),
    (moved_often, P2, []),
    (paused, P2, [("patroni_paused", False)]),
    (unreachable, P2, [("load_balancer_unreachable", False)]),
    (silent, P2, [("patroni_unreachable", True), ("candidate_unknown", True)]),
    (without_leader, P2, [("writes_to_wrong_member", False)]),
    (unknown, P2, [("member_missing", False), ("candidate_unknown", True)]),
    (of_patroni(P2, state="in archive recovery"), P2, [("candidate_not_streaming", False)]),
    (of_patroni(P2, state="running"), P2, []),
    (of_patroni(P2, timeline=2), P2, [("candidate_on_other_timeline", False)]),
    (of_patroni(P2, lag=2**25), P2, [("replica_lagging", False), ("candidate_lags", False)]),
    (of_patroni(P2, lag="unknown"), P2, [("replica_lagging", False), ("candidate_lags", False)]),
    (of_patroni(P2, tags={"nofailover": True}), P2, [("candidate_nofailover", True)]),
    (of_patroni(P3, role="sync_standby"), P2, [("candidate_not_synchronous", True)]),
    (of_patroni(P2, role="quorum_standby"), P2, []),
    (of_patroni(P1, role="standby_leader"), P2, [("standby_cluster", True)]),
    (drained, P2, [("member_in_drain", False), ("candidate_without_server", False)]),
    (light, P2, [("candidate_without_server", False)]),
]


@pytest.mark.parametrize(("change", "member", "expected"), CASES)
def test_obstacles(change: Callable[[Case], None], member: str, expected: list[tuple[str, bool]]) -> None:
    case = Case(pg_service_hold=10)
    change(case)
    found = move(case, member)
    codes = [(each.code, each.is_final) for each in found.obstacles]
    if change is without_leader:
        assert ("no_leader", True) in codes
        return
    assert codes == expected
    assert found.is_allowed(force=False) is (expected == [])
    assert found.is_allowed(force=True) is not any(is_final for _code, is_final in expected)
    assert all(each.fix for each in found.obstacles)


HOLDS: list[tuple[int, str | None]] = [(0, "service_without_hold"), (5, "hold_too_short"), (10, None)]


@pytest.mark.parametrize(("hold", "code"), HOLDS)
def test_services_have_to_hold(hold: int, code: str | None) -> None:
    found = move(Case(pg_service_hold=hold))
    assert [each.code for each in found.obstacles] == ([code] * 2 if code else [])
    assert found.is_allowed(force=True)
    assert dict(found.holds) == dict.fromkeys(SERVICES, hold)


BEST: list[tuple[Callable[[Case], None], str]] = [
    (well, P2),
    (of_patroni(P2, lag=100), P3),
    (of_patroni(P3, role="sync_standby", lag=100), P3),
    (of_patroni(P2, tags={"nofailover": True}), P3),
    (of_patroni(P2, state="stopped"), P3),
]


@pytest.mark.parametrize(("change", "best"), BEST)
def test_the_best_candidate_is_chosen(change: Callable[[Case], None], best: str) -> None:
    case = Case(pg_service_hold=10)
    change(case)
    chosen = move(case, "").candidate
    assert chosen is not None
    assert chosen.member.name == best


def test_no_candidate_at_all() -> None:
    case = Case(pg_service_hold=10)
    case.members[P2]["timeline"], case.members[P3]["state"] = 2, "starting"
    found = move(case, "")
    (obstacle,) = [each for each in found.obstacles if each.code == "no_candidate"]
    assert obstacle.is_final
    assert obstacle.text == (
        "no member can take over: pg-test-2: pg-test-2 is on timeline 2, the leader on 3; "
        "pg-test-3: pg-test-3 does not stream: Patroni says starting"
    )
    assert found.to_dict() == {}


def test_what_the_playbook_needs() -> None:
    found = move(Case(pg_service_hold=10, patroni_ssl_enabled=True)).to_dict()
    assert found == {
        "cluster": "pg-test",
        "leader": P1,
        "candidate": P2,
        "patroni_leader": P1,
        "patroni_candidate": P2,
        "leader_host": LB1,
        "url": "https://10.10.10.11:8008",
        "ca_file": "/pg/cert/ca.crt",
        "via": LB1,
        "services": dict.fromkeys((LB1, LB2, LB3), SERVICES),
        "holds": dict.fromkeys(SERVICES, 10),
    }


def test_the_plan_in_words() -> None:
    assert planned(move(Case(pg_service_hold=10))) == [
        "pg-test: the primary moves from pg-test-1 to pg-test-2 (timeline 3, lag 0 B)",
        "  load balancers: 10.10.10.11, 10.10.10.12, 10.10.10.13",
        "  services whose new connections wait: pg-test-primary (up to 10 s), pg-test-default (up to 10 s)",
    ]
    assert planned(move(Case(pg_service_hold=10), P1))[-2:] == [
        "  !! candidate_leads: pg-test-1 leads already",
        "     -> choose another member: pg-test-2, pg-test-3",
    ]


def test_every_code_is_documented() -> None:
    source = (ROOT / "plugins/plugin_utils/_report/switchover.py").read_text()
    page = (ROOT / "docs/switchover.md").read_text()
    codes = set(re.findall(r'"((?:candidate|service|hold|standby|no)_\w+)"(?:,| if)', source)) | {"hold_too_short"}
    known = {"service_on_backups", "no_leader"}  # of a status
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == codes - known


SERVES = {name: [P2] for name in SERVICES}
CLOSED = {"at": 100.0, "sessions": 7, "without_gate": [], "serves": {name: [P1] for name in SERVICES}}
FOLLOWED = {"at": 102.5, "stopped_at": 101.25, "leader": P2, "waiting": 3, "serves": SERVES}
NOT_FOLLOWED = {**FOLLOWED, "leader": "", "stopped_at": 0, "serves": CLOSED["serves"]}
OPENED = {"serves": SERVES}
MOVE = {"cluster": "pg-test", "leader": P1, "candidate": P2}
WRONG = {"serves": {**SERVES, "pg-test-default": [P1, P2]}}
MOVED = (
    "pg-test-2 is the primary, pg-test-1 was: 1250 ms without a primary, new connections waited 2500 ms at most, "
    "7 sessions cut"
)

REPORTS: list[tuple[Seen, bool, str, int, list[str]]] = [
    (Seen(CLOSED, FOLLOWED, OPENED), True, "", 0, [MOVED]),
    (
        Seen(CLOSED, NOT_FOLLOWED, {"serves": CLOSED["serves"]}), True, "Switchover failed", 1,
        ["pg-test-1 was not replaced; Patroni: Switchover failed; new connections do not wait any more"],
    ),
    (
        Seen(None, None, {"serves": CLOSED["serves"]}, "the lock"), False, "", 1,
        ["failed (10.10.10.11): the lock", "pg-test-1 is still the primary: Patroni was not asked"],
    ),
    (
        Seen(CLOSED, FOLLOWED, WRONG), True, "", 2,
        ["pg-test-default on 10.10.10.11 is served by pg-test-1, pg-test-2, and not by pg-test-2", MOVED],
    ),
    (
        Seen(CLOSED, None, None, "cannot be reached"), True, "", 3,
        [
            "failed (10.10.10.11): cannot be reached",
            "10.10.10.11: its gates open by themselves within a minute; see pgsql-svc pg-test --status",
            "pg-test-1 was not replaced; new connections do not wait any more",
        ],
    ),
    (
        Seen({**CLOSED, "without_gate": ["pg-test-default"]}, FOLLOWED, OPENED), True, "", 0,
        ["new connections of pg-test-default on 10.10.10.11 did not wait: it has no hold", MOVED],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("seen", "asked", "answer", "code", "lines"), REPORTS)
def test_reports(seen: Seen, asked: bool, answer: str, code: int, lines: list[str]) -> None:
    result = Result(MOVE, asked, answer, {LB1: seen})
    assert [line for line in result.lines() if line.startswith("pgsql-svc: ")] == [f"pgsql-svc: {e}" for e in lines]
    assert result.code() == code


def test_the_table_of_a_report() -> None:
    seen = Seen(CLOSED, FOLLOWED, OPENED)
    assert Result(MOVE, True, "", {LB1: seen}).lines()[:2] == [
        "LOAD BALANCER  WAITED   GAP      HELD  CUT  SERVES",
        "10.10.10.11    2500 ms  1250 ms  3     7    pg-test-2",
    ]

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gates of services: new connections wait while they are closed, and go to the new primary when it takes writes."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgsvc.access.plugins.module_utils._publish import hold
from ansible_collections.pgsvc.access.tests.integration.hold.waiting import alerts, crowd, held
from ansible_collections.pgsvc.access.tests.integration.staying.changes import bind_more
from ansible_collections.pgsvc.access.tests.integration.staying.site import CLUSTER, Balancer, serving
from ansible_collections.pgsvc.access.tests.integration.switchover.gates import (
    NEW,
    OLD,
    SERVICES,
    begin,
    gate,
    switching,
)
from ansible_collections.pgsvc.access.tests.support.haproxy import wait_until
from ansible_collections.pgsvc.access.tests.support.service import DEFAULT_SERVER
from ansible_collections.pgsvc.access.tests.support.traffic import Session, Traffic

SLOW = DEFAULT_SERVER.replace(" slowstart 30s", "")
"""Health checks that take longer than everything else in a switchover."""


@pytest.fixture(params=["declared", "live"])
def balancer(request: pytest.FixtureRequest, haproxy_binary: Path, tmp_path: Path) -> Iterator[Balancer]:
    """It serves, with declared and with live roles; every service holds for ten seconds."""
    with serving(haproxy_binary, tmp_path) as balancer:
        publish(balancer, pg_service_roles=request.param, pg_service_hold=10)
        yield balancer


def publish(balancer: Balancer, **variables: Any) -> None:
    site = balancer.site.copy()
    site.cluster.update(variables)
    balancer.apply(site)
    balancer.settle()


def slow_checks(balancer: Balancer) -> None:
    """From now on, health checks need more than three seconds to notice a new primary."""
    site = balancer.site.copy()
    for service in site.services.values():
        service["options"] = SLOW
    balancer.apply(site)
    wait_until(lambda: balancer.haproxy.statuses(SERVICES[0])[OLD] == "UP", timeout=30)


@pytest.mark.spread
def test_new_connections_wait_and_open_sessions_go_on(balancer: Balancer) -> None:
    with Session(balancer.endpoint("primary")) as session:
        closed = gate(balancer, "closed")
        assert (closed["changed"], closed["gates"]) == (True, dict.fromkeys(SERVICES, "closed")), closed
        assert (closed["sessions"], closed["serves"][SERVICES[0]]) == (1, [OLD])
        with crowd(balancer, 50) as clients:
            wait_until(lambda: held(balancer) == 51)
            assert session.ping()
            assert clients.answers.total() == 0
            opened = gate(balancer, "open")
            assert (opened["changed"], opened["gates"]) == (True, dict.fromkeys(SERVICES, "open"))
        assert clients.answers == {f"{OLD} primary": 50}, clients
        assert session.ping()
    assert gate(balancer, "open")["changed"] is False
    assert alerts(balancer) == []


@pytest.mark.spread
def test_a_switchover_under_traffic_loses_no_new_connection(balancer: Balancer) -> None:
    slow_checks(balancer)
    balancer.patroni.switchovers(stopping=1.0)
    with Traffic(balancer.endpoint("primary"), 100) as tally, Session(balancer.endpoint("primary")) as session:
        time.sleep(0.3)
        assert gate(balancer, "closed")["gates"] == dict.fromkeys(SERVICES, "closed")
        with switching(balancer) as answers:
            followed = gate(balancer, "following")
        time.sleep(0.3)
        session.wait_cut(5)
    assert answers == [(200, f'Successfully switched over to "{NEW}"')]
    assert (tally.lost, tally.misrouted()) == (0, 0), tally
    assert set(tally.members) == {OLD, NEW}, tally
    assert (followed["leader"], followed["serves"]) == (NEW, {name: [NEW] for name in SERVICES})
    assert set(followed["gates"].values()) == {"open"}
    assert followed["stopped_at"] < followed["leads_at"] < followed["at"]
    assert followed["waiting"] > 0
    # A check that ends later says the same.
    time.sleep(4)
    assert balancer.haproxy.statuses(SERVICES[0])[NEW].startswith("UP")


@pytest.mark.spread
def test_without_the_gate_the_same_switchover_loses_connections(balancer: Balancer) -> None:
    """The control of the test above."""
    slow_checks(balancer)
    balancer.patroni.switchovers(stopping=1.0)
    with Traffic(balancer.endpoint("primary"), 100) as tally, switching(balancer):
        time.sleep(0.3)
    assert tally.lost > 0, tally


@pytest.mark.spread
def test_sessions_that_a_reload_has_left_are_ended_too(balancer: Balancer) -> None:
    with Session(balancer.endpoint("primary")) as session:
        site = balancer.site.copy()
        bind_more(balancer, site)
        assert balancer.apply(site)["applied"]["method"] == "reload"
        assert gate(balancer, "closed")["sessions"] == 1
        balancer.patroni.failover(OLD, NEW)  # behind PgBouncer, a session outlives the primary
        assert gate(balancer, "following")["leader"] == NEW
        session.wait_cut(5)


@pytest.mark.spread
def test_without_a_new_leader_the_gates_stay_closed(balancer: Balancer) -> None:
    result = gate(balancer, "following", wait=1)
    assert (result["leader"], result["commands"], set(result["gates"].values())) == ("", [], {"closed"})
    assert gate(balancer, "open")["serves"][SERVICES[0]] == [OLD]


@pytest.mark.spread
def test_a_gate_opens_by_itself_when_the_run_is_killed(balancer: Balancer) -> None:
    assert gate(balancer, "closed", seconds=3)["gates"] == dict.fromkeys(SERVICES, "closed")
    watching = begin(balancer, "following", seconds=3)
    wait_until(watching.has_begun)
    time.sleep(0.5)
    watching.kill()
    assert watching.output() == (-signal.SIGKILL, "")
    with crowd(balancer, 20) as clients:
        wait_until(lambda: held(balancer) == 20)
    assert clients.answers == {f"{OLD} primary": 20}, clients
    assert gate(balancer, "closed", check=True)["gates"] == dict.fromkeys(SERVICES, "open")


@pytest.mark.spread
def test_no_connection_waits_longer_than_the_hold(balancer: Balancer) -> None:
    publish(balancer, pg_service_hold=1)
    gate(balancer, "closed")
    with crowd(balancer, 5) as clients:
        pass
    assert clients.answers == {f"{OLD} primary": 5}, clients
    assert set(gate(balancer, "open")["gates"].values()) == {"open"}


@pytest.mark.spread
def test_a_reload_waits_for_the_gate(balancer: Balancer) -> None:
    gate(balancer, "closed", seconds=10)
    site = balancer.site.copy()
    bind_more(balancer, site)
    applied = balancer.apply(site)["applied"]
    assert applied["method"] == "reload"
    assert f"of {CLUSTER}-default, {CLUSTER}-primary, because new connections were held" in applied["reason"], applied


@pytest.mark.spread
def test_a_reload_by_others_is_noticed(balancer: Balancer) -> None:
    gate(balancer, "closed")
    watching = begin(balancer, "following", wait=15)
    balancer.haproxy.reload()
    wait_until(lambda: set(gate(balancer, "open", check=True)["gates"].values()) == {"closed"})
    balancer.patroni.failover(OLD, NEW)
    assert watching.result()["serves"] == {name: [NEW] for name in SERVICES}


@pytest.mark.spread
def test_a_server_that_an_administrator_has_taken_out_stays_out(balancer: Balancer) -> None:
    checked = {row.be_name for row in balancer.haproxy.api.servers_state() if row.srv_name == NEW and row.check_state}
    (backend,) = [name for name in checked if name == SERVICES[0] or name.startswith(f"{CLUSTER}-check-primary-")]
    balancer.haproxy.api.command(f"set server {backend}/{NEW} state drain")
    gate(balancer, "closed")
    balancer.patroni.failover(OLD, NEW)
    followed = gate(balancer, "following")
    assert followed["serves"][SERVICES[0]] == []


@pytest.mark.spread
def test_check_mode_changes_nothing(balancer: Balancer) -> None:
    foretold = gate(balancer, "closed", check=True)
    assert (foretold["changed"], set(foretold["gates"].values())) == (True, {"open"})
    balancer.patroni.failover(OLD, NEW)
    assert gate(balancer, "following", check=True)["leader"] == ""


@pytest.mark.spread
def test_services_without_hold_have_no_gate(balancer: Balancer) -> None:
    site = balancer.site.copy()
    site.services["default"]["hold"] = 0
    balancer.apply(site)
    closed = gate(balancer, "closed")
    assert (closed["gates"], closed["without_gate"]) == ({SERVICES[0]: "closed"}, [SERVICES[1]])
    balancer.patroni.failover(OLD, NEW)
    assert gate(balancer, "following")["serves"] == {name: [NEW] for name in SERVICES}


def test_what_is_not_there_is_refused(balancer: Balancer) -> None:
    assert gate(balancer, "closed", services=[f"{CLUSTER}-primry"])["msg"] == (
        f"{CLUSTER}-primry: no such service of {CLUSTER} in {balancer.conf_dir}; services there: "
        f"{CLUSTER}-default, {CLUSTER}-offline, {CLUSTER}-primary, {CLUSTER}-replica"
    )
    assert gate(balancer, "following", leader="pg-tset-1")["msg"].startswith(
        f"no health check asks the Patroni of pg-tset-1; members with one: {OLD}, {NEW}"
    )
    assert gate(balancer, "closed", seconds=61)["msg"] == (
        f"seconds: 61 is not allowed; allowed: 1 to {hold.LONGEST_CLOSED}"
    )

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""With live roles services follow the cluster, and nothing is published."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest

from ansible_collections.pgsvc.access.tests.integration.live.changes import lag, live
from ansible_collections.pgsvc.access.tests.integration.staying.site import CLUSTER, Balancer
from ansible_collections.pgsvc.access.tests.support.haproxy import wait_until
from ansible_collections.pgsvc.access.tests.support.traffic import Tally, Traffic

RATE = 100


@pytest.fixture
def followed(balancer: Balancer) -> Iterator[Balancer]:
    """A cluster of three, whose first member leads, with live roles; it is not published again."""
    live(balancer)
    reloads = balancer.reloads()
    yield balancer
    assert balancer.reloads() == reloads


def roles(balancer: Balancer, *members: str) -> None:
    """Give each member its role at once, and wait until every check has noticed."""
    balancer.patroni.role(**{f"{CLUSTER}-{seq}": role for seq, role in enumerate(members, 1)})
    balancer.settle()


def served_by(balancer: Balancer, service: str) -> set[int]:
    """The members that answer new connections of a service; none when it refuses them."""
    with Traffic(balancer.endpoint(service), RATE) as tally:
        time.sleep(0.4)
    assert tally.total > 10, tally
    return {int(member.rpartition("-")[2]) for member in tally.members}


def table(balancer: Balancer) -> dict[str, set[int]]:
    return {service: served_by(balancer, service) for service in balancer.site.services}


# The role of each member, and then who serves what. Member 3 also takes offline queries (pg_offline_query).
SITUATIONS: dict[str, tuple[tuple[str, str, str], dict[str, set[int]]]] = {
    "as declared": (
        ("primary", "replica", "replica"),
        {"primary": {1}, "replica": {2, 3}, "default": {1}, "offline": {3}},
    ),
    "the second member leads": (
        ("replica", "primary", "replica"),
        {"primary": {2}, "replica": {1, 3}, "default": {2}, "offline": {3}},
    ),
    "the offline member leads": (
        ("replica", "replica", "primary"),
        {"primary": {3}, "replica": {1, 2}, "default": {3}, "offline": {1}},
    ),
    "all replicas are lost": (
        ("primary", "stopped", "stopped"),
        {"primary": {1}, "replica": {1}, "default": {1}, "offline": set()},
    ),
    "nobody leads": (
        ("replica", "replica", "stopped"),
        {"primary": set(), "replica": {1, 2}, "default": set(), "offline": {1}},
    ),
    "only the leader is left, and it is another one": (
        ("stopped", "primary", "stopped"),
        {"primary": {2}, "replica": {2}, "default": {2}, "offline": set()},
    ),
}


def test_who_serves_what(followed: Balancer) -> None:
    for name, (members, expected) in SITUATIONS.items():
        roles(followed, *members)
        assert table(followed) == expected, name


def test_one_plus_one(balancer: Balancer) -> None:
    """After a switchover the old primary takes the reads and the offline queries."""
    site = balancer.site.copy()
    site.cluster["pg_service_roles"] = "live"
    del site.members[3]
    balancer.apply(site)
    balancer.settle()
    assert table(balancer) == {"primary": {1}, "replica": {2}, "default": {1}, "offline": {2}}
    reloads = balancer.reloads()
    roles(balancer, "replica", "primary", "replica")
    assert table(balancer) == {"primary": {2}, "replica": {1}, "default": {2}, "offline": {1}}
    assert balancer.reloads() == reloads


def test_a_session_of_a_reader_ends_when_its_member_is_promoted(followed: Balancer) -> None:
    """It is health-checked by the check that its member passes while it follows."""
    down = followed.haproxy.statuses(f"{CLUSTER}-replica")
    assert {name for name, status in down.items() if status.startswith("UP")} == {
        *(f"{CLUSTER}-2", f"{CLUSTER}-3", f"{CLUSTER}-1-leading")
    }
    roles(followed, "replica", "primary", "replica")
    up = followed.haproxy.statuses(f"{CLUSTER}-replica")
    assert {name for name, status in up.items() if status.startswith("UP")} == {
        *(f"{CLUSTER}-1", f"{CLUSTER}-3", f"{CLUSTER}-2-leading")
    }


def test_a_replica_that_lags(balancer: Balancer) -> None:
    site = balancer.site.copy()
    site.cluster["pg_service_roles"] = "live"
    lag(balancer, site)
    balancer.apply(site)
    balancer.settle()
    patroni, seconds = balancer.patroni, 3.0

    def is_served_by(*members: int) -> None:
        wait_until(lambda: served_by(balancer, "replica") == set(members), timeout=seconds)

    is_served_by(2, 3)
    patroni.lag(f"{CLUSTER}-2", 17 * 2**20)
    is_served_by(3)
    patroni.lag(f"{CLUSTER}-3", 17 * 2**20)
    is_served_by(2)  # beyond the limit, but still before the leader
    patroni.role(**{f"{CLUSTER}-2": "stopped", f"{CLUSTER}-3": "stopped"})
    is_served_by(1)
    patroni.role(**{f"{CLUSTER}-2": "replica", f"{CLUSTER}-3": "replica"})
    patroni.lag(f"{CLUSTER}-2", 16 * 2**20)
    is_served_by(2)
    patroni.lag(f"{CLUSTER}-3", 0)
    is_served_by(2, 3)


def writers_during(balancer: Balancer, happening: str) -> Tally:
    haproxy = balancer.haproxy
    with Traffic(balancer.endpoint("primary"), RATE) as tally:
        time.sleep(0.2)
        if happening == "a start":
            haproxy.restart()
        elif happening == "a crash and a start":
            haproxy.restart(kill=True)
        else:
            os.kill(haproxy.master_pid, signal.SIGUSR2)
        time.sleep(2.5)
    return tally


@pytest.mark.spread
@pytest.mark.parametrize("happening", ["a start", "a crash and a start", "a reload by somebody else"])
def test_no_write_is_misrouted_whoever_starts_haproxy(balancer: Balancer, happening: str) -> None:
    """The primary has moved since the files were written: what they say of roles is long wrong."""
    live(balancer)
    roles(balancer, "replica", "primary", "replica")
    tally = writers_during(balancer, happening)
    assert tally.misrouted() == 0, tally
    assert tally.members[f"{CLUSTER}-2"] > 20, tally
    balancer.settle()
    assert served_by(balancer, "primary") == {2}


DRAINS = {
    "of a server that tracks": (f"{CLUSTER}-replica/{CLUSTER}-2", {"replica": {3}, "offline": {3}}),
    "of the check that it tracks": ("", {"replica": {3}, "offline": {3}}),
}


@pytest.mark.spread
@pytest.mark.parametrize("which", DRAINS)
@pytest.mark.parametrize("state", ["drain", "maint"])
def test_drain_and_maintenance_outlive_a_reload(balancer: Balancer, which: str, state: str) -> None:
    live(balancer)
    server, expected = DRAINS[which]
    backends = {row.be_name for row in balancer.haproxy.api.servers_state()}
    check = next(name for name in backends if name.startswith(f"{CLUSTER}-check-replica"))
    balancer.haproxy.api.command(f"set server {server or f'{check}/{CLUSTER}-2'} state {state}")
    before = balancer.haproxy.statuses(f"{CLUSTER}-replica")
    site = balancer.site.copy()
    site.services["replica"]["maxconn"] = 4000
    assert balancer.apply(site)["applied"]["method"] == "reload"
    assert balancer.haproxy.statuses(f"{CLUSTER}-replica") == before
    assert {service: served_by(balancer, service) for service in expected} == expected
    # And whatever its check says meanwhile.
    for role in ("stopped", "replica"):
        balancer.patroni.role(**{f"{CLUSTER}-2": role})
        time.sleep(1)
    assert balancer.haproxy.statuses(f"{CLUSTER}-replica") == before
    assert balancer.apply(site)["changed"] is False
    balancer.haproxy.api.command(f"set server {server or f'{check}/{CLUSTER}-2'} state drain")
    balancer.haproxy.api.command(f"set server {server or f'{check}/{CLUSTER}-2'} state ready")
    wait_until(lambda: served_by(balancer, "replica") == {2, 3}, timeout=5)


def test_an_incomplete_inventory_is_refused(balancer: Balancer) -> None:
    """The member that leads now may not be missing, whatever the inventory says of its role."""
    live(balancer)
    roles(balancer, "replica", "primary", "replica")
    site = balancer.site.copy()
    del site.members[2]
    arguments = site.files()
    result = balancer.publish(arguments.pop("files"), **arguments)
    assert "pg-test-2 (the member that leads at this moment)" in result["msg"]
    assert balancer.apply(balancer.site)["changed"] is False

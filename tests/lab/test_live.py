# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Live roles: published once, the services follow whatever becomes of the members, through HAProxy 2.6 and 3.0.

The members are published three times: as pg-test on themselves (2.6), as pg-far on the group `proxy` (2.6 and 3.0),
and the first two as pg-pair, a cluster of one primary and one replica, there too. Each test begins with all members
running, and with the primary where the test before has left it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from labtest import aliases, clients, services
from labtest.clients import Answer
from labtest.cluster import Cluster, FirstPrimary, patroni_stays_dead, ssh
from labtest.services import overlay
from labtest.waiting import until
from pgsvc_lab import network, nodes, settings
from pgsvc_lab.settings import Node

#: The member that takes offline queries while it follows.
FLAGGED = settings.node("pg-test-3")

STANDBY = {
    "name": "standby",
    "port": 5435,
    "selector": "[]",
    "backup": "[? pg_role == `primary`]",
    "check": "/read-only-sync",
}
RECENT = {"name": "recent", "port": 5445, "selector": "[]", "check": "/replica", "lag": "16MB"}

LIVE = {"pg_service_roles": "live", "pg_rto": "fast", "pg_services": [STANDBY, RECENT]}

#: The description's default services, on ports of their own.
PAIR = {
    "pg_service_roles": "live",
    "pg_rto": "instant",
    "pg_default_services": [
        {"name": "primary", "port": 15433, "check": "/primary", "selector": "[]"},
        {
            "name": "replica",
            "port": 15434,
            "check": "/read-only",
            "selector": "[]",
            "backup": "[? pg_role == `primary` || pg_role == `offline` ]",
        },
        {
            "name": "offline",
            "port": 15438,
            "dest": "postgres",
            "check": "/replica",
            "selector": "[? pg_role == `offline` || pg_offline_query ]",
            "backup": "[? pg_role == `replica` && !pg_offline_query]",
        },
    ],
}


@dataclass(frozen=True)
class Now:
    """Who leads, and which members follow at this moment; ``sync`` are the synchronous standbys."""

    leader: Node
    following: tuple[Node, ...]
    sync: tuple[Node, ...] = ()

    def servers(self) -> dict[int, set[Node]]:
        """Port to the members that serve there; no member at all where the service refuses."""
        return {
            5433: {self.leader},
            5436: {self.leader},
            5434: set(self.following) or {self.leader},
            5438: {FLAGGED} if FLAGGED in self.following else set(self.following[:1]),
            5435: set(self.sync) or {self.leader},
            5445: set(self.following),
        }

    def servers_of_pair(self) -> dict[int, set[Node]]:
        """The same for pg-pair, while one of its two members leads."""
        following = {node for node in self.following if node != FLAGGED}
        return {15433: {self.leader}, 15434: following or {self.leader}, 15438: following}


@pytest.fixture(scope="module")
def cluster(_pg_test: Cluster, pg_meta: Cluster) -> Iterator[Cluster]:
    """pg-test, whose live services are published once for all tests."""
    _pg_test.mend()
    _pg_test.switchover(_pg_test.members[0])
    groups: dict[str, Any] = {
        "pg-test": {"vars": LIVE},
        "pg-meta": {"vars": {**LIVE, "pg_rto": "instant"}},
        "pg-far": aliases.cluster("pg-far", _pg_test.members, LIVE),
        "pg-pair": aliases.cluster("pg-pair", _pg_test.members[:2], PAIR),
    }
    with overlay(groups) as source:
        services.ansible_playbook(
            "pgsvc.access.pgsql", "-t", "pg_service", "-l", "pg-test:pg-meta:pg-far:pg-pair", sources=[source]
        )
    yield _pg_test
    _pg_test.mend()
    _pg_test.configure({"synchronous_mode": None})
    with overlay(aliases.without_services(["pg-far", "pg-pair"], _pg_test.members)) as source:
        services.ansible_playbook(
            "pgsvc.access.pgsql", "-t", "pg_service", "-l", "pg-far:pg-pair",
            "-e", services.as_json({"pg_service_allow_shrink": True}), sources=[source],
        )  # fmt: skip
    services.restore()


@pytest.fixture(scope="module", autouse=True)
def files(cluster: Cluster) -> dict[str, dict[str, str]]:
    """What was published."""
    return _files(cluster)


@pytest.fixture
def now(cluster: Cluster) -> Now:
    """Everything runs, and every service of every load balancer serves accordingly."""
    cluster.wait_until_whole()
    if cluster.is_synchronous():
        _wait_for_sync_standby(cluster)
    state = _state(cluster)
    _assert_served(cluster, state)
    return state


def _files(cluster: Cluster) -> dict[str, dict[str, str]]:
    return {node.name: services.service_files(node) for node in (*cluster.members, *aliases.PROXIES)}


def _state(cluster: Cluster, lost: Sequence[Node] = ()) -> Now:
    leader = until("one primary", cluster.primary)
    following = [node for node in cluster.others(leader) if node not in lost]
    return Now(leader, tuple(following), tuple(node for node in following if cluster.status(node, "/sync") == 200))


def _assert_served(cluster: Cluster, now: Now, lost: Sequence[Node] = ()) -> None:
    """Each service of each load balancer that runs is served by all of its members of this moment, and no other."""
    balancers = [node for node in (*cluster.members, *aliases.PROXIES) if node not in lost]
    for node in balancers:
        for port, expected in now.servers().items():
            _assert_port_served(node, port, expected, now.leader)
    if now.leader != FLAGGED:
        for node in aliases.PROXIES:
            for port, expected in now.servers_of_pair().items():
                _assert_port_served(node, port, expected, now.leader)


def _assert_port_served(balancer: Node, port: int, expected: set[Node], leader: Node) -> None:
    """A member that has come back gets its share little by little, so that it takes some connections to see it."""
    addresses = {node.ipv4 for node in expected}
    what = f"{balancer.name}:{port} is served by {sorted(node.name for node in expected)}"
    until(what, _is_served, balancer, port, addresses, leader, timeout=45)
    if expected:
        assert clients.can_write(balancer.ipv4, port) is (expected == {leader}), what


def _is_served(balancer: Node, port: int, addresses: set[str], leader: Node) -> bool:
    answers = _answers(balancer, port, 6)
    assert {answer.server for answer in answers} == addresses, answers
    assert all(answer.in_recovery == (answer.server != leader.ipv4) for answer in answers), answers
    return True


def _answers(balancer: Node, port: int, count: int) -> list[Answer]:
    try:
        return [clients.who(balancer.ipv4, port) for _each in range(count)]
    except psycopg.OperationalError:
        return []  # nobody serves, or a member was lost in this moment


def _wait_for_sync_standby(cluster: Cluster) -> Node:
    (found,) = until("a synchronous standby", lambda: [n for n in cluster.members if cluster.status(n, "/sync") == 200])
    return found


def test_single_member(cluster: Cluster, pg_meta: Cluster) -> None:
    """pg-meta, with Patroni 4 and HAProxy 3.0: its member leads, and so serves all but what only followers serve."""
    (node,) = pg_meta.members
    for port in (5433, 5434, 5435, 5436):
        _assert_port_served(node, port, {node}, node)
    for port in (5438, 5445):
        _assert_port_served(node, port, set(), node)


def test_switchover(cluster: Cluster, now: Now) -> None:
    """The old primary serves readers, and in a cluster of two offline queries; the new one no longer does.

    With the preset `instant`, no writer is ever sent to a member in recovery.
    """
    assert now == Now(cluster.members[0], tuple(cluster.members[1:]))
    with clients.writers(*((node.ipv4, 15433) for node in aliases.PROXIES)) as running:
        for writer in running:
            until(f"{writer.name} writes", writer.taken_by, now.leader.ipv4)
        cluster.switchover(cluster.members[1])
        for writer in running:
            until(f"{writer.name} writes to the new primary", writer.taken_by, cluster.members[1].ipv4)
    assert not [words for writer in running for _when, words in writer.failed if "read-only" in words]
    after = Now(cluster.members[1], (cluster.members[0], cluster.members[2]))
    assert _state(cluster) == after
    assert after.servers_of_pair()[15438] == {now.leader}
    _assert_served(cluster, after)


def test_sync_standby(cluster: Cluster, now: Now) -> None:
    """The service standby: the primary while no standby is synchronous, then the one that is."""
    assert now.servers()[5435] == {now.leader}
    cluster.configure({"synchronous_mode": True})
    sync = _wait_for_sync_standby(cluster)
    after = _state(cluster)
    assert after.servers()[5435] == {sync}
    _assert_served(cluster, after)


def test_lost_primary(cluster: Cluster, now: Now) -> None:
    """The primary is cut from the network: the synchronous standby leads, and the last member serves readers."""
    try:
        with FirstPrimary(cluster, now.leader) as new:
            network.set_cable(now.leader, plugged=False)
            assert new.wait() == now.sync[0]
        until("the last member follows", lambda: _wait_for_sync_standby(cluster) != now.sync[0])
        after = _state(cluster, lost=[now.leader])
        _assert_served(cluster, after, lost=[now.leader])
    finally:
        network.set_cable(now.leader, plugged=True)


def test_killed_patroni(cluster: Cluster, now: Now) -> None:
    """A PostgreSQL whose Patroni is dead serves nobody; writes succeed only where a Patroni leads."""
    addresses = [(node.ipv4, port) for node in (now.following[0], *aliases.PROXIES) for port in (5433, 5436)]
    with clients.writers(*addresses) as running, FirstPrimary(cluster, now.leader) as new:
        for writer in running:
            until(f"{writer.name} writes", writer.taken_by, now.leader.ipv4)
        with patroni_stays_dead(now.leader):
            ssh(now.leader, "systemctl kill --kill-who=main --signal=KILL patroni")
            candidate = new.wait()
            for writer in running:
                until(f"{writer.name} writes to {candidate.name}", writer.taken_by, candidate.ipv4, new.when)
            assert not clients.who(now.leader.ipv4, 5432).in_recovery, "the old primary still runs: that is the danger"
            until("the last member follows", lambda: _wait_for_sync_standby(cluster) != candidate)
            _assert_served(cluster, _state(cluster, lost=[now.leader]))
    assert not [when for writer in running for when in writer.taken_by(now.leader.ipv4, after=new.when)]
    assert {server for writer in running for _when, server in writer.taken} == {now.leader.ipv4, candidate.ipv4}


def test_lost_replicas(cluster: Cluster, now: Now) -> None:
    """One replica loses its power and the other one is stopped: the primary serves readers, and nobody offline."""
    lost, stopped = now.following
    try:
        nodes.power_off(lost)
        until("the last member is the synchronous standby", lambda: cluster.status(stopped, "/sync") == 200)
        _assert_served(cluster, Now(now.leader, (stopped,), (stopped,)), lost=[lost])

        ssh(stopped, "systemctl stop patroni")
        alone = Now(now.leader, ())
        assert alone.servers()[5438] == set()
        _assert_served(cluster, alone, lost=[lost])
    finally:
        nodes.start(lost)
        nodes.wait_for_ssh(lost)
        ssh(stopped, "systemctl start patroni")


def test_lagging_replica(cluster: Cluster, now: Now) -> None:
    """A replica that lags by more than `lag` leaves the service that says so, and no other, until it has caught up."""
    lagging, prompt = now.following
    balancers = (*cluster.members, *aliases.PROXIES)
    _signal_replay(lagging, "STOP")
    try:
        with clients.connect(now.leader.ipv4, 5432, "dbuser_dba") as connection:
            connection.execute("SELECT pg_logical_emit_message(false, 'lag', repeat('x', 20 * 1024 * 1024))")
        for node in balancers:
            _assert_port_served(node, 5445, {prompt}, now.leader)
            _assert_port_served(node, 5434, {lagging, prompt}, now.leader)
    finally:
        _signal_replay(lagging, "CONT")
    for node in balancers:
        _assert_port_served(node, 5445, {lagging, prompt}, now.leader)


def _signal_replay(node: Node, signal: str) -> None:
    """Stop or continue the process that replays WAL: Patroni itself resumes a replay that is paused in SQL."""
    ssh(node, f"pkill --signal {signal} --full '^postgres: .*startup recovering'")


def test_everything_is_back(cluster: Cluster, now: Now, files: dict[str, dict[str, str]]) -> None:
    """After all of that, every member serves according to its role, by the files that were published at first."""
    assert set(now.following) == set(cluster.others(now.leader))
    assert _files(cluster) == files

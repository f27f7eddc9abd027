# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The services for readers: replica, offline and standby, with members gone and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest
from labtest import clients
from labtest.cluster import Cluster, ssh
from labtest.services import wait_for_up
from labtest.waiting import until
from pgsvc_lab.settings import Node

#: The description's example of a further service: reads without replication lag.
STANDBY = {
    "name": "standby",
    "port": 5435,
    "selector": "[]",
    "backup": "[? pg_role == `primary`]",
    "check": "/sync",
}


@contextmanager
def stopped(cluster: Cluster, members: Sequence[Node]) -> Iterator[None]:
    """Members of which Patroni and PostgreSQL are stopped in order."""
    for node in members:
        ssh(node, "systemctl stop patroni")
    try:
        yield
    finally:
        for node in members:
            ssh(node, "systemctl start patroni")
        cluster.wait_until_whole()


def _served_by(members: Sequence[Node], port: int, expected: set[str]) -> None:
    """Through every node, connections go to each of these servers and to no other."""
    for node in members:
        clients.answers_of_all(node.ipv4, port, expected)


def test_replica(pg_test: Cluster) -> None:
    """5434: replicas first; the primary when all replicas are gone; replicas alone once they are back."""
    primary, *replicas = pg_test.members
    plain = {node.ipv4 for node in replicas}
    names = {node.name for node in replicas}
    _served_by(pg_test.members, 5434, plain)

    with stopped(pg_test, replicas):
        wait_for_up(pg_test.members, "pg-test-replica", {primary.name})
        _served_by(pg_test.members, 5434, {primary.ipv4})

    wait_for_up(pg_test.members, "pg-test-replica", {primary.name, *names})
    _served_by(pg_test.members, 5434, plain)


def test_offline(pg_test: Cluster) -> None:
    """5438: the flagged replica; without it the other; never the primary, even when it is the last one."""
    primary, other, flagged = pg_test.members
    _served_by(pg_test.members, 5438, {flagged.ipv4})
    with stopped(pg_test, [flagged]):
        wait_for_up(pg_test.members, "pg-test-offline", {other.name})
        _served_by(pg_test.members, 5438, {other.ipv4})
    wait_for_up(pg_test.members, "pg-test-offline", {other.name, flagged.name})
    _served_by(pg_test.members, 5438, {flagged.ipv4})

    with stopped(pg_test, [other, flagged]):
        wait_for_up(pg_test.members, "pg-test-offline", set())
        assert clients.who(primary.ipv4, 5433).server == primary.ipv4, "the primary itself serves"
        for node in pg_test.members:
            assert clients.is_refused(node.ipv4, 5438), node.name


#: The same for clients that must also be served when there is no synchronous standby: /sync is for standbys only.
STANDBY_OR_PRIMARY = {**STANDBY, "name": "fresh", "port": 5445, "check": "/read-only-sync"}


@pytest.fixture
def standby(pg_test: Cluster, published: Callable[..., object]) -> Iterator[None]:
    """The services are published and the cluster is in synchronous mode."""
    pg_test.configure({"synchronous_mode": True})
    published("pg-test", variables={"pg_services": [STANDBY, STANDBY_OR_PRIMARY]})
    yield
    pg_test.configure({"synchronous_mode": None})


def _sync_standbys(cluster: Cluster) -> list[Node]:
    return [node for node in cluster.members if cluster.status(node, "/sync") == 200]


def test_standby(pg_test: Cluster, standby: None) -> None:
    """5435: only the synchronous standby. With /read-only-sync the primary when there is none, with /sync nobody."""
    primary = pg_test.members[0]
    (sync,) = until("one synchronous standby", lambda: _sync_standbys(pg_test))
    wait_for_up(pg_test.members, "pg-test-standby", {sync.name})
    wait_for_up(pg_test.members, "pg-test-fresh", {sync.name, primary.name})
    _served_by(pg_test.members, 5435, {sync.ipv4})
    _served_by(pg_test.members, 5445, {sync.ipv4})

    with stopped(pg_test, pg_test.others(primary)):
        wait_for_up(pg_test.members, "pg-test-standby", set())
        wait_for_up(pg_test.members, "pg-test-fresh", {primary.name})
        for node in pg_test.members:
            assert clients.is_refused(node.ipv4, 5435), node.name
        _served_by(pg_test.members, 5445, {primary.ipv4})

    (sync,) = until("one synchronous standby", lambda: _sync_standbys(pg_test))
    wait_for_up(pg_test.members, "pg-test-standby", {sync.name})
    _served_by(pg_test.members, 5435, {sync.ipv4})

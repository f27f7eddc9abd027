# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The description's table: every instance's address with every port that ends at an instance or a HAProxy."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
import pytest
from labtest import clients
from labtest.cluster import Cluster

PRIMARY, REPLICA_2, REPLICA_3, META = "10.10.10.11", "10.10.10.12", "10.10.10.13", "10.10.10.10"


@dataclass(frozen=True)
class Row:
    """What one combination promises: who serves, whether through the pool, whether a write succeeds."""

    host: str
    port: int
    servers: frozenset[str]
    pooled: bool
    writable: bool
    user: str = "test"


def _rows_of_pg_test() -> list[Row]:
    primary, replicas = frozenset({PRIMARY}), frozenset({REPLICA_2, REPLICA_3})
    rows = []
    for host in (PRIMARY, REPLICA_2, REPLICA_3):
        own = frozenset({host})
        rows += [
            Row(host, 5432, own, pooled=False, writable=host == PRIMARY),
            Row(host, 6432, own, pooled=True, writable=host == PRIMARY),
            Row(host, 5433, primary, pooled=True, writable=True),
            Row(host, 5434, replicas, pooled=True, writable=False),
            Row(host, 5436, primary, pooled=False, writable=True),
            Row(host, 5438, frozenset({REPLICA_3}), pooled=False, writable=False),
        ]
    return rows


def _rows_of_pg_meta() -> list[Row]:
    own = frozenset({META})
    pooled = {5432: False, 6432: True, 5433: True, 5434: True, 5436: False}
    return [Row(META, port, own, pooled=through, writable=True) for port, through in pooled.items()]


@pytest.mark.parametrize("row", [*_rows_of_pg_test(), *_rows_of_pg_meta()], ids=lambda row: f"{row.host}:{row.port}")
def test_host_and_port(row: Row, pg_test: Cluster, pg_meta: Cluster) -> None:
    """The right kind of instance, through the pool or past it as pgbouncer's own statistics show, writable or not."""
    pools = [META] if row.host == META else [PRIMARY, REPLICA_2, REPLICA_3]
    before = {pool: clients.queries_through_pool(pool) for pool in pools}

    answers = clients.answers_of_all(row.host, row.port, row.servers)

    after = {pool: clients.queries_through_pool(pool) for pool in pools}
    assert {answer.in_recovery for answer in answers} == {not row.writable}
    passed = {pool: after[pool] - before[pool] for pool in pools}
    expected = {pool: [a.server for a in answers].count(pool) if row.pooled else 0 for pool in pools}
    assert passed == expected
    assert clients.can_write(row.host, row.port) is row.writable


def test_a_single_node_has_no_offline_service(pg_meta: Cluster) -> None:
    """pg-meta's only member is its primary, which never serves offline queries: the listener is there and refuses."""
    with pytest.raises(psycopg.OperationalError, match="server closed the connection unexpectedly"):
        clients.who(META, 5438)


@pytest.mark.parametrize("port", [5432, 6432])
@pytest.mark.parametrize(
    ("attributes", "servers"),
    [
        ("primary", {PRIMARY}),
        ("prefer-standby", {REPLICA_2, REPLICA_3}),
        ("read-write", {PRIMARY}),
        ("standby", {REPLICA_2, REPLICA_3}),
    ],
)
def test_clients_that_split_by_themselves(pg_test: Cluster, port: int, attributes: str, servers: set[str]) -> None:
    """Multi-host URLs with target_session_attrs find the right kind of member, in whatever order the hosts are."""
    pg_test.reconnect_pools()  # their members may have changed roles since
    for hosts in ([PRIMARY, REPLICA_2, REPLICA_3], [REPLICA_3, REPLICA_2, PRIMARY]):
        answer = clients.who(",".join(hosts), port, target_session_attrs=attributes)
        assert answer.server in servers

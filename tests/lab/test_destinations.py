# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a service goes and where it listens: destinations, ports, weights, addresses, and health checks over TLS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from labtest import clients, services
from labtest.cluster import Cluster, ssh
from labtest.services import overlay, wait_for_up
from labtest.waiting import until

Publish = Callable[..., services.Run]


def _pooled(cluster: Cluster, host: str, port: int) -> bool:
    """Whether a connection through the port shows up in a pool's statistics."""
    before = sum(clients.queries_through_pool(address) for address in cluster.addresses)
    clients.who(host, port)
    return sum(clients.queries_through_pool(address) for address in cluster.addresses) - before == 1


def _service(**fields: Any) -> dict[str, Any]:
    return {"name": "extra", "port": 5441, "selector": "[]", "check": "/primary", **fields}


def test_default_destination_past_the_pool(pg_test: Cluster, published: Publish) -> None:
    """pg_default_service_dest: postgres takes the services whose dest is `default` past the pool."""
    host = pg_test.members[1].ipv4
    published("pg-test")
    assert _pooled(pg_test, host, 5433)
    published("pg-test", variables={"pg_default_service_dest": "postgres"})
    assert not _pooled(pg_test, host, 5433)
    assert clients.who(host, 5433).server == pg_test.members[0].ipv4


@pytest.mark.parametrize(("dest", "pooled"), [(6432, True), ("5432", False)])
def test_numeric_destination(pg_test: Cluster, published: Publish, dest: int | str, pooled: bool) -> None:
    """A port number as destination, also as a string."""
    published("pg-test", variables={"pg_services": [_service(dest=dest)]})
    wait_for_up(pg_test.members, "pg-test-extra", {"pg-test-1"})
    assert _pooled(pg_test, pg_test.members[2].ipv4, 5441) is pooled


@contextmanager
def _configured(cluster: Cluster, *sources: Path) -> Iterator[None]:
    """Patroni and pgbouncer configured with further inventory sources, and as they were after the block."""
    services.playbook("provision", "-l", cluster.name, "-t", "config", sources=sources)
    try:
        yield
    finally:
        services.playbook("provision", "-l", cluster.name, "-t", "config")


def test_port_of_one_instance(pg_test: Cluster, published: Publish) -> None:
    """pg_port of one instance: PostgreSQL listens elsewhere there, and its server goes there."""
    moved = pg_test.members[2]
    with overlay({"pg-test": {"hosts": {moved.ipv4: {"pg_port": 5442}}}}) as source:
        try:
            with _configured(pg_test, source):
                pg_test.restart(moved)
                published("pg-test", sources=[source])
                wait_for_up(pg_test.members, "pg-test-offline", {"pg-test-2", "pg-test-3"})
                with until("the moved instance serves", _connected, pg_test.members[0].ipv4, 5438) as connection:
                    row = connection.execute("SELECT host(inet_server_addr()), inet_server_port()").fetchone()
                assert row == (moved.ipv4, 5442)
        finally:
            pg_test.restart(moved)


def _connected(host: str, port: int) -> clients.Connection | None:
    try:
        return clients.connect(host, port)
    except psycopg.OperationalError:
        return None


def test_weights(pg_test: Cluster, published: Publish) -> None:
    """pg_weight 0 takes nothing; otherwise the share of connections follows the weights."""
    second, third = pg_test.members[1:]
    for weight, expected in ((0, {second.ipv4: 60}), (50, {second.ipv4: 40, third.ipv4: 20})):
        with overlay({"pg-test": {"hosts": {third.ipv4: {"pg_weight": weight}}}}) as source:
            published("pg-test", sources=[source])
        for node in pg_test.members:
            services.wait_for_weights(
                node, "pg-test-replica", {"pg-test-1": 100, "pg-test-2": 100, "pg-test-3": weight}
            )
        found = clients.servers(pg_test.members[0].ipv4, 5434, 60)
        assert set(found) == set(expected)
        # Round robin goes on from where it was, so that a share can be off by a connection.
        assert all(abs(found[server] - count) <= 2 for server, count in expected.items()), found


def test_bound_to_one_address(pg_test: Cluster, published: Publish) -> None:
    """`ip: "{{ inventory_hostname }}"` listens on each node's own address, and on no other of its addresses."""
    published("pg-test", variables={"pg_services": [_service(ip="{{ inventory_hostname }}")]})
    wait_for_up(pg_test.members, "pg-test-extra", {"pg-test-1"})
    for node in pg_test.members:
        assert clients.who(node.ipv4, 5441).server == pg_test.members[0].ipv4
        with pytest.raises(psycopg.OperationalError, match="Connection refused"):
            clients.who(node.ipv6, 5441)


def test_bound_to_addresses_of_both_families(pg_test: Cluster, published: Publish) -> None:
    """A list of addresses, IPv6 among them."""
    published("pg-test", variables={"pg_services": [_service(ip=["{{ inventory_hostname }}", "{{ lab_ipv6 }}"])]})
    wait_for_up(pg_test.members, "pg-test-extra", {"pg-test-1"})
    for node in pg_test.members:
        for address in (node.ipv4, node.ipv6):
            assert clients.who(address, 5441).server == pg_test.members[0].ipv4


# A connection that Patroni resets before the handshake, while it changes over, stays open in Python 3.11's
# SSLSocket._create until it is collected.
@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")
def test_checks_over_tls(pg_test: Cluster, published: Publish) -> None:
    """patroni_ssl_enabled: Patroni speaks TLS with certificates of the lab's authority, and the checks verify them."""
    with overlay({"pg-test": {"vars": {"patroni_ssl_enabled": True}}}) as source:
        try:
            with _configured(pg_test, source):
                pg_test.tls = True
                until(
                    "Patroni speaks TLS",
                    lambda: all(pg_test.status(node, "/health") == 200 for node in pg_test.members),
                )
                # Without TLS in the checks, all servers go down: the certificates below are what brings them back.
                wait_for_up(pg_test.members, "pg-test-primary", set())
                published("pg-test", sources=[source])
                wait_for_up(pg_test.members, "pg-test-primary", {"pg-test-1"})
                for node in pg_test.members:
                    assert clients.who(node.ipv4, 5433).server == pg_test.members[0].ipv4
        finally:
            pg_test.tls = False
            published("pg-test")
            _restart_patroni(pg_test)


def _restart_patroni(cluster: Cluster) -> None:
    """Patroni 3.0 keeps the TLS settings of its own REST client over a reload, and then finds no candidate.

    Paused, it leaves PostgreSQL running while it is away: without, three failovers would follow one another.
    """
    cluster.configure({"pause": True})
    try:
        # One that has not seen it would stop PostgreSQL, and not start it again because of the pause.
        until("every Patroni is paused", lambda: all(map(cluster.is_paused, cluster.members)))
        for node in cluster.members:
            ssh(node, "systemctl restart patroni")
        until("Patroni is back", lambda: all(cluster.status(node, "/health") == 200 for node in cluster.members))
        until("the primary is known", cluster.primary)
    finally:
        cluster.configure({"pause": None})
    cluster.wait_until_whole()

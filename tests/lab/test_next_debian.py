# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's next release: its HAProxy, Patroni, PostgreSQL and Python, in a cluster of one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from labtest import clients, services
from labtest.cluster import Cluster, ssh
from labtest.services import pgsql_svc, publish, wait_for_up
from pgsvc_lab import cli, nodes, settings
from pgsvc_lab.settings import LAB_SOURCE

pytestmark = pytest.mark.full

NEXT = LAB_SOURCE / "inventory-next.yml"
#: A program and what the output of its --version or -v has.
VERSIONS = {
    "haproxy -v": "HAProxy version 3.2.",
    "patroni --version": "patroni 4.1.",
    "/usr/lib/postgresql/18/bin/postgres --version": "(PostgreSQL) 18.",
    "python3 --version": "Python 3.14.",
}


@pytest.fixture
def pg_next(lab: None) -> Iterator[Cluster]:
    """The cluster, set up by the roles that set up the others; it is switched off after the test."""
    node = settings.node("pg-next-1")
    cli.boot([node])
    services.playbook("provision", "-l", node.ipv4, sources=[NEXT])
    services.playbook("balancers", "-l", node.ipv4, sources=[NEXT])
    yield Cluster("pg-next", [node])
    nodes.stop(node)


def test_a_cluster_of_the_next_release(pg_next: Cluster) -> None:
    """Its services are published, serve, change at run time, and are reported; a second run changes nothing."""
    (node,) = pg_next.members
    for program, version in VERSIONS.items():
        assert version in ssh(node, program)

    first = publish("pg-next", sources=[NEXT])
    assert "1 load balancer: 1 changed" in first.output
    for service in ("primary", "default", "replica"):
        wait_for_up([node], f"pg-next-{service}", {"pg-next-1"})
    assert clients.can_write(node.ipv4, 5433)
    assert clients.can_write(node.ipv4, 5436)
    assert clients.who(node.ipv4, 5434).server == node.ipv4
    assert clients.is_refused(node.ipv4, 5438)

    before = services.service_files(node), services.worker(node)
    second = publish("pg-next", sources=[NEXT])
    assert "1 load balancer: 1 unchanged" in second.output
    assert (services.service_files(node), services.worker(node)) == before

    publish("pg-next", sources=[NEXT], variables={"pg_weight": 50})
    services.wait_for_weights(node, "pg-next-primary", {"pg-next-1": 50})
    assert services.worker(node) == before[1]

    looked = pgsql_svc("pg-next", "--status", sources=[NEXT])
    assert looked.status in (0, 1), looked.output
    assert "pg-next-1" in looked.output

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dedicated load balancers: clusters that delegate their services to the group `proxy`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from labtest import clients, services
from labtest.cluster import Cluster, ssh
from labtest.services import overlay, pgsql_svc, publish, restore, wait_for_up
from pgsvc_lab import settings
from pgsvc_lab.settings import Node

PROXIES = (settings.node("proxy-1"), settings.node("proxy-2"))
PIGSTY = PROXIES[1]


def _delegated(first_port: int) -> dict[str, Any]:
    """Group variables as in the description: the default services replaced, and the provider named."""
    return {
        "pg_service_provider": "proxy",
        "pg_default_services": [
            {"name": "primary", "port": first_port, "dest": "postgres", "check": "/primary", "selector": "[]"},
            {
                "name": "replica",
                "port": first_port + 1,
                "check": "/read-only",
                "selector": "[]",
                "backup": "[? pg_role == `primary`]",
            },
        ],
    }


@pytest.fixture
def delegated(pg_test: Cluster, pg_meta: Cluster) -> Iterator[Path]:
    """An inventory source by which both clusters delegate, on ports of their own; undone after the test."""
    with overlay({"pg-test": {"vars": _delegated(10013)}, "pg-meta": {"vars": _delegated(10023)}}) as source:
        yield source
    restore()


def _files(nodes: Sequence[Node]) -> dict[str, dict[str, str]]:
    return {node.name: services.service_files(node) for node in nodes}


def test_two_clusters_on_one_provider(pg_test: Cluster, pg_meta: Cluster, delegated: Path) -> None:
    """pg-test and pg-meta are both reached through each load balancer of the group, each on its ports."""
    publish("pg-test", sources=[delegated])
    publish("pg-meta", sources=[delegated])

    wait_for_up(PROXIES, "pg-test-primary", {"pg-test-1"})
    wait_for_up(PROXIES, "pg-test-replica", {"pg-test-1", "pg-test-2", "pg-test-3"})
    wait_for_up(PROXIES, "pg-meta-primary", {"pg-meta-1"})
    for proxy in PROXIES:
        assert clients.who(proxy.ipv4, 10013).server == "10.10.10.11"
        assert clients.can_write(proxy.ipv4, 10013)
        assert clients.who(proxy.ipv4, 10014).server in {"10.10.10.12", "10.10.10.13"}
        assert clients.who(proxy.ipv4, 10023).server == "10.10.10.10"

    again = publish("pg-test", sources=[delegated])
    assert [again.recap(proxy.ipv4).get("changed") for proxy in PROXIES] == [0, 0]

    pg_test.switchover(pg_test.members[1])
    wait_for_up(PROXIES, "pg-test-primary", {"pg-test-2"})
    for proxy in PROXIES:
        assert clients.who(proxy.ipv4, 10013).server == "10.10.10.12"


def test_a_port_taken_twice(pg_test: Cluster, pg_meta: Cluster, delegated: Path) -> None:
    """Two clusters that want one port of the group are refused before any host is touched."""
    publish("pg-test", sources=[delegated])
    before = _files(PROXIES)
    with overlay({"pg-meta": {"vars": _delegated(10013)}}) as clash:
        done = pgsql_svc("pg-meta", sources=[delegated, clash])
    assert done.status != 0
    assert "10013" in done.output
    assert "pg-test" in done.output
    assert "pg-meta" in done.output
    assert not done.recap("10.10.10.19").get("changed"), done.output
    assert _files(PROXIES) == before


def test_one_load_balancer_of_the_group(pg_test: Cluster, pg_meta: Cluster, delegated: Path) -> None:
    """`bin/pgsql-svc pg-test 10.10.10.18` touches that host and no other."""
    everyone = [*PROXIES, *pg_test.members, *pg_meta.members]
    publish("pg-test", sources=[delegated])
    before = _files(everyone)
    with overlay({"pg-test": {"vars": _delegated(10033)}}) as changed:
        publish("pg-test", "10.10.10.18", sources=[delegated, changed])
    after = _files(everyone)
    assert {name for name in before if before[name] != after[name]} == {"proxy-1"}
    wait_for_up(PROXIES[:1], "pg-test-primary", {"pg-test-1"})
    assert clients.who("10.10.10.18", 10033).server == "10.10.10.11"
    assert clients.who("10.10.10.19", 10013).server == "10.10.10.11"


def _pigstys_files() -> str:
    """Digests of what Pigsty writes on its load balancer, and the names beside its base configuration."""
    files, folders = "/etc/haproxy/haproxy.cfg /etc/systemd/system/haproxy.service", "/etc/haproxy /etc/systemd/system"
    return ssh(PIGSTY, f"sha256sum {files}; ls -A {folders}")


def _states(member: str) -> dict[str, str]:
    """The status of a member's server in its service for reads, by load balancer."""
    return {node.name: services.stats(node)["pg-test-replica"][member]["status"] for node in PROXIES}


def test_a_load_balancer_of_pigsty(pg_test: Cluster, pg_meta: Cluster, delegated: Path) -> None:
    """One of the group has HAProxy in Pigsty's layout, which no variable names: folder, unit and sockets are found.

    Everything works there as on the other: publishing, the status, taking a member out and back.
    """
    before = _pigstys_files()
    publish("pg-test", sources=[delegated])
    assert {"pg-test-primary.cfg", "pg-test-replica.cfg"} <= set(services.service_files(PIGSTY))
    wait_for_up(PROXIES, "pg-test-replica", {"pg-test-1", "pg-test-2", "pg-test-3"})
    assert clients.who(PIGSTY.ipv4, 10013).server == "10.10.10.11"
    again = services.ansible_playbook(
        "pgsvc.access.pgsql", "-l", "pg-test", "-t", "pg_service", "--check", "--diff", sources=[delegated]
    )
    assert "changed: [" not in again

    status = json.loads(pgsql_svc("pg-test", "--status", "--format", "json", sources=[delegated]).stdout)
    (cluster,) = status["clusters"]
    primary = next(each for each in cluster["services"] if each["service"] == "primary")
    assert {each["load_balancer"]: each["serves"] for each in primary["load_balancers"]} == {
        proxy.ipv4: ["pg-test-1"] for proxy in PROXIES
    }

    publish("pg-test", "--drain", "pg-test-2", sources=[delegated])
    assert _states("pg-test-2") == dict.fromkeys(("proxy-1", "proxy-2"), "DRAIN")
    publish("pg-test", "--ready", "pg-test-2", sources=[delegated])
    wait_for_up(PROXIES, "pg-test-replica", {"pg-test-1", "pg-test-2", "pg-test-3"})
    assert _pigstys_files() == before

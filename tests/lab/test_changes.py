# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of members, services and names, and runs that find a node in trouble."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from labtest import clients, services
from labtest.cluster import Cluster, ssh
from labtest.services import SPARE, overlay, pgsql_svc, publish, wait_for_up
from labtest.waiting import until
from pgsvc_lab import network, nodes, settings

Publish = Callable[..., services.Run]

EXTRA = {"name": "extra", "port": 5441, "dest": "postgres", "check": "/primary", "selector": "[]"}


@pytest.fixture
def fourth_member(pg_test: Cluster) -> Iterator[Cluster]:
    """pg-test with the spare node as its fourth member; back to three members after the test."""
    spare = settings.node("pg-test-4")
    nodes.start(spare)
    nodes.wait_for_ssh(spare)
    services.playbook("provision", "-l", spare.ipv4, sources=[SPARE])
    services.playbook("balancers", "-l", spare.ipv4, sources=[SPARE])
    larger = Cluster(pg_test.name, [*pg_test.members, spare])
    larger.wait_until_whole()
    yield larger
    ssh(spare, "systemctl stop patroni")
    publish("pg-test")
    # Else it would be remembered for `ttl` seconds.
    key = f"pg/{pg_test.name}/members/{spare.name}"
    ssh(pg_test.members[0], f"curl --silent --request DELETE http://127.0.0.1:2379/v2/keys/{key}")
    nodes.stop(spare)
    until("Patroni has forgotten the fourth member", lambda: len(pg_test.states()) == 3)


def test_a_member_joins_and_leaves(fourth_member: Cluster) -> None:
    """A fourth node serves as the others do, and is served to; removed from the inventory, nobody reaches it."""
    *others, spare = fourth_member.members
    publish("pg-test", sources=[SPARE])

    wait_for_up(fourth_member.members, "pg-test-replica", {node.name for node in fourth_member.members})
    until("the new member takes its share", lambda: spare.ipv4 in clients.servers(others[0].ipv4, 5434, 10))
    assert clients.who(spare.ipv4, 5433).server == others[0].ipv4
    assert clients.can_write(spare.ipv4, 5436)

    publish("pg-test")
    wait_for_up(others, "pg-test-replica", {node.name for node in others})
    assert spare.ipv4 not in clients.servers(others[0].ipv4, 5434, 20)
    assert "pg-test-4" not in ssh(others[0], "cat /etc/haproxy/pg-test-*.cfg")


def test_a_service_comes_changes_and_goes(pg_test: Cluster, published: Publish) -> None:
    """One further service: added, moved to another port, removed. The others' files stay as they are."""
    published("pg-test")
    before = {node.name: services.service_files(node) for node in pg_test.members}

    published("pg-test", variables={"pg_services": [EXTRA]})
    wait_for_up(pg_test.members, "pg-test-extra", {"pg-test-1"})
    assert clients.can_write("10.10.10.13", 5441)

    published("pg-test", variables={"pg_services": [{**EXTRA, "port": 5442}]})
    wait_for_up(pg_test.members, "pg-test-extra", {"pg-test-1"})
    assert clients.can_write("10.10.10.13", 5442)
    assert clients.is_refused("10.10.10.13", 5441)

    published("pg-test")
    assert {node.name: services.service_files(node) for node in pg_test.members} == before
    assert clients.is_refused("10.10.10.13", 5442)


def test_an_unchanged_run_changes_nothing(pg_test: Cluster, published: Publish) -> None:
    """The same input again: changed=0 everywhere, and the same process goes on."""
    published("pg-test")
    before = [services.worker(node) for node in pg_test.members]
    again = published("pg-test")
    assert [again.recap(node.ipv4)["changed"] for node in pg_test.members] == [0, 0, 0]
    assert [services.worker(node) for node in pg_test.members] == before


def test_a_cluster_gets_another_name(pg_test: Cluster, published: Publish) -> None:
    """After a change of pg_cluster the services have the new name and the ports; nothing is left of the old one."""
    try:
        with overlay({"pg-test": {"vars": {"pg_cluster": "pg-renamed"}}}) as source:
            published("pg-renamed", sources=[source])
        wait_for_up(pg_test.members, "pg-renamed-primary", {"pg-renamed-1"})
        for node in pg_test.members:
            files = services.service_files(node)
            assert not [name for name in files if name.startswith("pg-test-")]
            assert len([name for name in files if name.startswith("pg-renamed-")]) == 4
            assert clients.who(node.ipv4, 5433).server == pg_test.members[0].ipv4
    finally:
        published("pg-test")
    for node in pg_test.members:
        assert not [name for name in services.service_files(node) if name.startswith("pg-renamed-")]


def test_a_stopped_haproxy(pg_test: Cluster, published: Publish) -> None:
    """HAProxy is stopped on one node: the run names it, the others are done, and its start brings the new services."""
    stopped = pg_test.members[1]
    ssh(stopped, "systemctl stop haproxy")
    try:
        done = pgsql_svc("pg-test", variables={"pg_services": [EXTRA]})
        assert done.status != 0
        assert done.recap(stopped.ipv4)["failed"] == 1
        assert "not running" in done.output
        others = pg_test.others(stopped)
        assert [done.recap(node.ipv4)["failed"] for node in others] == [0, 0]
        wait_for_up(others, "pg-test-extra", {"pg-test-1"})
    finally:
        ssh(stopped, "systemctl start haproxy")
    published("pg-test", variables={"pg_services": [EXTRA]})
    wait_for_up([stopped], "pg-test-extra", {"pg-test-1"})
    assert clients.can_write(stopped.ipv4, 5441)


def test_an_unreachable_node(pg_test: Cluster, published: Publish) -> None:
    """A node does not answer: the others are done, the failure names it, and the next run completes."""
    cut = pg_test.members[2]
    published("pg-test")
    network.set_cable(cut, plugged=False)
    try:
        done = pgsql_svc("pg-test", variables={"pg_services": [EXTRA]})
        assert done.status != 0
        assert f"{cut.ipv4}" in done.output
        others = pg_test.others(cut)
        wait_for_up(others, "pg-test-extra", {"pg-test-1"})
    finally:
        network.set_cable(cut, plugged=True)
    assert "pg-test-extra.cfg" not in services.service_files(cut)

    again = published("pg-test", variables={"pg_services": [EXTRA]})
    assert again.recap(cut.ipv4)["changed"] == 1
    wait_for_up([cut], "pg-test-extra", {"pg-test-1"})
    assert clients.can_write(cut.ipv4, 5441)

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan made of a part of the inventory does no harm: real members, a real HAProxy, the real module."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from ansible_collections.pgsvc.access.tests.integration.publish.node import Node, statuses
from ansible_collections.pgsvc.access.tests.support.fixtures import patroni
from ansible_collections.pgsvc.access.tests.support.patroni import Patroni
from ansible_collections.pgsvc.access.tests.support.service import QUICK, server_line, service_file

__all__ = ["patroni"]

OWNER = "member/pg"
CHECKS = {"primary": "/primary", "replica": "/read-only", "delayed": "/replica"}
REFUSED = "The inventory seems to be incomplete: "
WHAT_TO_DO = (
    ". Nothing was changed. Run again with the complete inventory, or set pg_service_allow_shrink: true "
    "(-e pg_service_allow_shrink=true) if this is meant"
)


class Cluster:
    """The services of cluster `pg` on one load balancer."""

    def __init__(self, node: Node, members: Patroni) -> None:
        self.node = node
        self.members = members

    def files(self, *names: str, **services: Sequence[str]) -> list[dict[str, Any]]:
        """The files of `primary` and `replica` with these members, and of further services with theirs."""
        wanted = {**({"primary": names, "replica": names} if names else {}), **services}
        return [self._file(service, members, port) for port, (service, members) in enumerate(wanted.items(), 5433)]

    def _file(self, service: str, members: Sequence[str], port: int) -> dict[str, Any]:
        content = service_file(
            f"pg-{service}",
            f"{self.node.address}:{port}",
            [server_line(self.members.members[name]) for name in members],
            state_dir=self.node.state_dir,
            check=CHECKS[service],
            default_server=QUICK,
            owner=OWNER,
        )
        return {"name": f"pg-{service}", "owner": OWNER, "content": content}

    def publish(self, files: Sequence[dict[str, Any]], **more: Any) -> dict[str, Any]:
        return self.node.publish(files, **{"owners": [OWNER], "carries": ["pg"], **more})

    def serve(self, *names: str, **services: Sequence[str]) -> None:
        """Publish these members, and wait until HAProxy knows who leads."""
        assert self.publish(self.files(*names, **services))["changed"]
        self.node.haproxy.wait_status("pg-primary", "pg1", "UP")

    def assert_refused(self, files: Sequence[dict[str, Any]], what: str, **more: Any) -> None:
        """In check mode and without; not a byte changes, and HAProxy runs on as it was."""
        before, worker, proxies = self.node.snapshot(), self.node.haproxy.worker, self.node.proxies()
        for check in (True, False):
            result = self.publish(files, check=check, **more)
            assert result["failed"] is True
            assert result["msg"] == f"{REFUSED}{what}{WHAT_TO_DO}"
            assert result["rolled_back"] is False
            assert self.node.snapshot() == before
        assert (self.node.haproxy.worker, self.node.proxies()) == (worker, proxies)


@pytest.fixture
def cluster(node: Node, patroni: Patroni) -> Cluster:
    """Three members, of which pg1 leads; nothing is published yet."""
    return Cluster(node, patroni)


def test_half_of_an_inventory_is_refused_and_passes_when_it_is_meant(cluster: Cluster) -> None:
    cluster.serve("pg1", "pg2", "pg3")
    partial = cluster.files("pg1")

    cluster.assert_refused(partial, "cluster pg would lose pg2, pg3 (2 of 3 members)")

    foreseen, result = (cluster.publish(partial, allow_shrink=True, check=check) for check in (True, False))
    assert foreseen == result
    assert statuses(result) == {"pg-primary": "updated", "pg-replica": "updated"}
    assert set(cluster.node.haproxy.statuses("pg-primary")) == {"pg1"}
    assert cluster.publish(partial)["changed"] is False


def test_replicas_leave_one_after_the_other_without_a_word(cluster: Cluster) -> None:
    cluster.serve("pg1", "pg2", "pg3")
    for left in (["pg1", "pg2"], ["pg1"]):
        result = cluster.publish(cluster.files(*left))
        assert statuses(result) == {"pg-primary": "updated", "pg-replica": "updated"}
        assert "warnings" not in result
        assert set(cluster.node.haproxy.statuses("pg-replica")) == set(left)


def test_the_member_that_leads_stays_whoever_it_is(cluster: Cluster) -> None:
    cluster.serve("pg1", "pg2", "pg3")
    leads = "(the member that leads at this moment)"
    cluster.assert_refused(cluster.files("pg2", "pg3"), f"cluster pg would lose pg1 {leads}")

    cluster.members.failover("pg1", "pg2")
    cluster.node.haproxy.wait_status("pg-primary", "pg2", "UP")
    cluster.node.haproxy.wait_status("pg-primary", "pg1", "DOWN")

    cluster.assert_refused(cluster.files("pg1", "pg3"), f"cluster pg would lose pg2 {leads}")
    assert statuses(cluster.publish(cluster.files("pg2", "pg3")))["pg-primary"] == "updated"


def test_nobody_is_known_to_lead_where_haproxy_does_not_run(cluster: Cluster) -> None:
    """The other bounds hold there, too."""
    cluster.serve("pg1", "pg2", "pg3")
    cluster.node.haproxy.stop()
    more = {"apply": False, "config_args": cluster.node.haproxy.config_args}
    refused = cluster.publish(cluster.files("pg1"), **more)
    assert refused["msg"] == f"{REFUSED}cluster pg would lose pg2, pg3 (2 of 3 members){WHAT_TO_DO}"
    assert statuses(cluster.publish(cluster.files("pg2", "pg3"), **more))["pg-primary"] == "updated"


def test_a_declared_service_keeps_a_server(cluster: Cluster) -> None:
    everybody = ("pg1", "pg2", "pg3")
    cluster.serve(*everybody, delayed=["pg3"])
    partial = cluster.files("pg1", "pg2", delayed=[])

    cluster.assert_refused(partial, "service pg-delayed would lose pg3 (all of its servers)")

    for file in partial:
        file["may_be_empty"] = file["name"] == "pg-delayed"
    assert statuses(cluster.publish(partial))["pg-delayed"] == "updated"
    assert statuses(cluster.publish(cluster.files("pg1", "pg2")))["pg-delayed"] == "removed"


def test_a_cluster_that_stays_keeps_its_services_and_one_that_moves_takes_them_along(cluster: Cluster) -> None:
    cluster.serve("pg1", "pg2", "pg3")
    cluster.assert_refused([], "cluster pg would lose pg1, pg2, pg3 (all of its services)")

    assert statuses(cluster.publish([], carries=[])) == {"pg-primary": "removed", "pg-replica": "removed"}
    assert cluster.node.proxies() == set()


def test_what_is_written_already_is_applied(cluster: Cluster) -> None:
    """With `write` false there is nothing to refuse: the next start of HAProxy would follow the files, too."""
    cluster.serve("pg1", "pg2", "pg3")
    cluster.publish(cluster.files("pg1"), allow_shrink=True, apply=False)

    applied = cluster.publish([], write=False)

    assert applied["applied"]["method"] == "runtime"
    assert set(cluster.node.haproxy.statuses("pg-primary")) == {"pg1"}

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PostgreSQL clients during changes of the services: they write on, and only the primary takes it.

A write that reaches a replica fails there, so a writer without failures was never refused, cut or led astray.
Longer series, with more connections, run against HAProxy alone: ``make reliability``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import psycopg
from labtest import clients, services
from labtest.clients import Writer
from labtest.cluster import Cluster, FirstPrimary, patroni_stays_dead, ssh
from labtest.services import overlay
from labtest.waiting import until
from pgsvc_lab.settings import Node

Figures = Callable[[str, object], None]
Publish = Callable[..., services.Run]

#: `inter 3s`, then two checks `fastinter 1s` apart; a killed Patroni refuses them at once. One second for the machines.
CUT_BOUND = 3 + 1 + 1 + 1

EXTRA = {"name": "extra", "port": 5441, "dest": "postgres", "check": "/primary", "selector": "[]"}


def _everywhere(members: Sequence[Node]) -> list[tuple[str, int]]:
    return [(node.ipv4, port) for node in members for port in (5433, 5436)]


def _wait_for_writes(running: Sequence[Writer], server: Node, after: float) -> None:
    for writer in running:
        until(f"{writer.name} writes to {server.name}", writer.taken_by, server.ipv4, after)


def _astray(running: Sequence[Writer]) -> list[str]:
    """Writes that a replica was asked for."""
    return [words for writer in running for _each, words in writer.failed if "read-only" in words]


def _rate(running: Sequence[Writer], since: float, until_then: float) -> float:
    writes = sum(since < when <= until_then for writer in running for when, _each in writer.taken)
    return round(writes / (until_then - since), 1)


def test_reloads_lose_no_write(pg_test: Cluster, published: Publish, figures: Figures) -> None:
    """A service comes, changes its listener twice and goes: a reload each, and not one write fails."""
    published("pg-test")
    primary = pg_test.members[0]
    workers = [{services.worker(node) for node in pg_test.members}]
    with clients.writers(*_everywhere(pg_test.members)) as running:
        _wait_for_writes(running, primary, after=0)
        begun = time.monotonic()
        until("five seconds of writes", lambda: time.monotonic() - begun > 5)
        quiet = time.monotonic()
        for extra in ([EXTRA], [{**EXTRA, "port": 5442}], [{**EXTRA, "port": 5443}], []):
            published("pg-test", variables={"pg_services": extra})
            workers.append({services.worker(node) for node in pg_test.members})
        changed = time.monotonic()

    assert [writer.failed for writer in running] == [[] for _each in running]
    assert {server for writer in running for _each, server in writer.taken} == {primary.ipv4}
    assert len(set.union(*workers)) == len(workers) * len(pg_test.members), (
        "each change reloads each load balancer once"
    )
    figures("writes a second, without changes", _rate(running, begun, quiet))
    figures("writes a second, during four changes that reload", _rate(running, quiet, changed))


def test_a_session_from_before_changes_of_weights_is_cut_on_failover(
    pg_test: Cluster, published: Publish, figures: Figures
) -> None:
    """The process that checks the primary goes on, and so the session keeps its protection."""
    old, node = pg_test.members[0], pg_test.members[2]
    published("pg-test")
    workers = [services.worker(each) for each in pg_test.members]
    with clients.connect(node.ipv4, 5436) as session:
        assert clients.ask(session).server == old.ipv4
        for weight in (50, 200, 100):
            hosts = {member.ipv4: {"pg_weight": weight} for member in pg_test.members}
            with overlay({"pg-test": {"hosts": hosts}}) as source:
                published("pg-test", sources=[source])
            services.wait_for_weights(node, "pg-test-primary", {member.name: weight for member in pg_test.members})
        assert [services.worker(each) for each in pg_test.members] == workers
        assert clients.ask(session).server == old.ipv4

        with FirstPrimary(pg_test, old) as new, patroni_stays_dead(old):
            ssh(old, "systemctl kill --kill-who=main --signal=KILL patroni")
            killed = time.monotonic()
            until("the session is cut", lambda: _is_cut(session), timeout=CUT_BOUND)
            figures("after changes of weights: seconds until a session is cut", round(time.monotonic() - killed, 2))
            assert clients.can_write(old.ipv4, 5432), "the old primary should still take writes: that is the danger"
            new.wait()
    pg_test.wait_until_whole()


def test_a_rebooted_primary_comes_back_as_a_replica(pg_test: Cluster, published: Publish) -> None:
    """Its load balancer was last reloaded when it was the primary, and yet hands no write to it or another replica."""
    old = pg_test.members[0]
    published("pg-test", variables={"pg_services": [EXTRA]})
    started = "systemctl show -p ExecMainStartTimestampMonotonic haproxy"
    before = ssh(old, started)
    with clients.writers(*_everywhere([old])) as running, FirstPrimary(pg_test, old) as new:
        _wait_for_writes(running, old, after=0)
        ssh(old, "systemctl reboot", check=False)
        until("HAProxy has started anew", lambda: ssh(old, started) != before)
        candidate = new.wait()
        _wait_for_writes(running, candidate, after=new.when)

    assert _astray(running) == []
    assert not [when for writer in running for when in writer.taken_by(old.ipv4, after=new.when)]
    pg_test.wait_until_whole()


def _is_cut(session: clients.Connection) -> bool:
    try:
        session.execute("SELECT 1")
    except psycopg.OperationalError:
        return True
    return False

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PostgreSQL clients during changes of the services: they write on, and only the primary takes it.

A write that reaches a replica fails there, so a writer without failures was never refused, cut or led astray.
Series with more connections run against HAProxy alone: ``make reliability``.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence

import psycopg
import pytest
from labtest import clients, pgbench, services
from labtest.clients import Writer
from labtest.cluster import Cluster, FirstPrimary, patroni_stays_dead, ssh
from labtest.pgbench import Pgbench
from labtest.waiting import until
from pgsvc_lab import settings
from pgsvc_lab.settings import Node

Figures = Callable[[str, object], None]
Publish = Callable[..., services.Run]

#: `inter 3s`, then two checks `fastinter 1s` apart; a killed Patroni refuses them at once. One second for the machines.
CUT_BOUND = 3 + 1 + 1 + 1

#: In a row, of each kind. CHANGES=50 takes some five minutes more.
CHANGES = int(os.environ.get("CHANGES", "10"))

EXTRA = {"name": "extra", "port": 5441, "dest": "postgres", "check": "/primary", "selector": "[]"}


def _everywhere(members: Sequence[Node]) -> list[tuple[str, int]]:
    return [(node.ipv4, port) for node in members for port in (5433, 5436)]


def _wait_for_writes(running: Sequence[Writer], server: Node, after: float) -> None:
    for writer in running:
        until(f"{writer.name} writes to {server.name}", writer.taken_by, server.ipv4, after)


def _astray(running: Sequence[Writer]) -> list[str]:
    """Writes that a replica was asked for."""
    return [words for writer in running for _each, words in writer.failed if "read-only" in words]


@pytest.mark.parametrize(("kind", "reloads_each"), [("listener", 1), ("weight", 0)])
def test_no_client_notices(
    pg_test: Cluster, published: Publish, figures: Figures, kind: str, reloads_each: int
) -> None:
    """Changes in a row, with pgbench through two services: nothing fails, and only those of a listener reload."""
    published("pg-test")
    before = {node.name: services.reloads(node) for node in pg_test.members}
    benches = {
        "primary": Pgbench(pg_test.members[1].ipv4, 5433, pgbench.WRITE),
        "replica": Pgbench(pg_test.members[2].ipv4, 5434, pgbench.READ),
    }
    with pgbench.running(settings.node("pg-meta-1"), *benches.values()):
        begun = time.monotonic()
        until("a few quiet seconds", lambda: time.monotonic() - begun > 4)
        quiet = time.monotonic()
        services.playbook("changes", "-e", services.as_json({"kind": kind, "changes": CHANGES}))
        changed = time.monotonic()

    assert {name: bench.errors for name, bench in benches.items()} == {"primary": [], "replica": []}
    reloads = {node.name: services.reloads(node) - before[node.name] for node in pg_test.members}
    assert reloads == dict.fromkeys(before, CHANGES * reloads_each)
    series = f"{CHANGES} changes of {kind} in {changed - quiet:.0f} s"
    for name, bench in benches.items():
        rates = [bench.rate(begun, quiet), bench.rate(quiet, changed)]
        figures(f"{series}: transactions a second through {name}, before and during", rates)


def test_a_session_from_before_twenty_changes_is_cut_on_failover(
    pg_test: Cluster, published: Publish, figures: Figures
) -> None:
    """The process that checks the primary goes on, and so the session keeps its protection."""
    old, node = pg_test.members[0], pg_test.members[2]
    published("pg-test")
    workers = [services.worker(each) for each in pg_test.members]
    with clients.connect(node.ipv4, 5436) as session:
        assert clients.ask(session).server == old.ipv4
        services.playbook("changes", "-e", services.as_json({"kind": "weight", "changes": 20}))
        services.wait_for_weights(node, "pg-test-primary", {member.name: 69 for member in pg_test.members})
        assert [services.worker(each) for each in pg_test.members] == workers
        assert clients.ask(session).server == old.ipv4

        with FirstPrimary(pg_test, old) as new, patroni_stays_dead(old):
            ssh(old, "systemctl kill --kill-who=main --signal=KILL patroni")
            killed = time.monotonic()
            until("the session is cut", lambda: _is_cut(session), timeout=CUT_BOUND)
            figures("after 20 changes of weights: seconds until a session is cut", round(time.monotonic() - killed, 2))
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

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PostgreSQL clients during changes of the services: they write on, and only the primary takes it.

A write that reaches a replica fails there, so a writer without failures was never refused, cut or led astray.
Series with more connections run against HAProxy alone: ``make reliability``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import pytest
from labtest import clients, pgbench, services
from labtest.clients import Writer
from labtest.cluster import Cluster, FirstPrimary, ssh
from labtest.pgbench import Pgbench
from labtest.waiting import until
from pgsvc_lab import settings
from pgsvc_lab.settings import Node

Figures = Callable[[str, object], None]
Publish = Callable[..., services.Run]

EXTRA = {"name": "extra", "port": 5441, "dest": "postgres", "check": "/primary", "selector": "[]"}


def _everywhere(members: Sequence[Node]) -> list[tuple[str, int]]:
    return [(node.ipv4, port) for node in members for port in (5433, 5436)]


def _wait_for_writes(running: Sequence[Writer], server: Node, after: float) -> None:
    for writer in running:
        until(f"{writer.name} writes to {server.name}", writer.taken_by, server.ipv4, after)


def _astray(running: Sequence[Writer]) -> list[str]:
    """Writes that a replica was asked for."""
    return [words for writer in running for _each, words in writer.failed if "read-only" in words]


@pytest.mark.parametrize(("changes", "limit"), [(4, 50), pytest.param(50, 0, marks=pytest.mark.full)])
def test_no_client_notices(pg_test: Cluster, published: Publish, figures: Figures, changes: int, limit: int) -> None:
    """Changes in a row, with pgbench through two services: nothing fails, and only those of a listener reload.

    The long series shows what the machine can do; the short one leaves something of it to what runs beside.
    """
    benches = {
        "primary": Pgbench(pg_test.members[1].ipv4, 5433, pgbench.WRITE, limit),
        "replica": Pgbench(pg_test.members[2].ipv4, 5434, pgbench.READ, limit),
    }
    with pgbench.running(settings.node("pg-meta-1"), *benches.values()):
        begun = time.monotonic()
        until("a few quiet seconds", lambda: time.monotonic() - begun > 4)
        quiet = time.monotonic()
        for kind, reloads_each in (("listener", 1), ("weight", 0)):
            published("pg-test")
            before = {node.name: services.reloads(node) for node in pg_test.members}
            started = time.monotonic()
            services.playbook("changes", "-e", services.as_json({"kind": kind, "changes": changes}))
            ended = time.monotonic()
            reloads = {node.name: services.reloads(node) - before[node.name] for node in pg_test.members}
            assert reloads == dict.fromkeys(before, changes * reloads_each)
            series = f"{changes} changes of {kind} in {ended - started:.0f} s"
            for name, bench in benches.items():
                rates = [bench.rate(begun, quiet), bench.rate(started, ended)]
                figures(f"{series}: transactions a second through {name}, before and during", rates)

    assert {name: bench.errors for name, bench in benches.items()} == {"primary": [], "replica": []}


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

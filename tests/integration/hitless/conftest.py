# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures: both load balancers of one cluster, running and settled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ansible_collections.pgsvc.access.tests.integration.hitless.balancer import (
    PLAIN_BASE,
    Balancer,
    PlainBalancer,
)
from ansible_collections.pgsvc.access.tests.support.fixtures import haproxy_binary, new_address, private_address
from ansible_collections.pgsvc.access.tests.support.haproxy import HAProxy
from ansible_collections.pgsvc.access.tests.support.patroni import PGBOUNCER_PORT, POSTGRES_PORT, Patroni

__all__ = ["haproxy_binary", "new_address"]

HARD_STOP_AFTER = 4.0


@pytest.fixture
def patroni() -> Iterator[Patroni]:
    """pg1 is the primary, pg2 and pg3 are replicas; each with PgBouncer's port and PostgreSQL's."""
    with Patroni() as cluster:
        for name, role in (("pg1", "primary"), ("pg2", "replica"), ("pg3", "replica")):
            cluster.add(name, private_address(), role, ports=(PGBOUNCER_PORT, POSTGRES_PORT))
        yield cluster


@pytest.fixture
def balancer(
    haproxy_binary: Path,
    patroni: Patroni,
    new_address: Callable[[], str],
    tmp_path: Path,
) -> Iterator[Balancer]:
    """Ours, not started yet."""
    with HAProxy(haproxy_binary, tmp_path / "lb", hard_stop_after=f"{HARD_STOP_AFTER:g}s") as haproxy:
        yield Balancer(haproxy, patroni, new_address())


@pytest.fixture
def plain(
    haproxy_binary: Path,
    patroni: Patroni,
    new_address: Callable[[], str],
    tmp_path: Path,
) -> Iterator[PlainBalancer]:
    """The control, not started yet."""
    with HAProxy(haproxy_binary, tmp_path / "plain", base=PLAIN_BASE) as haproxy:
        yield PlainBalancer(haproxy, patroni, new_address())

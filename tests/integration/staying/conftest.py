# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures: a load balancer that serves a cluster of three."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ansible_collections.pgsvc.access.tests.integration.staying.site import Balancer
from ansible_collections.pgsvc.access.tests.support.certificates import self_signed
from ansible_collections.pgsvc.access.tests.support.fixtures import haproxy, haproxy_binary, new_address
from ansible_collections.pgsvc.access.tests.support.haproxy import HAProxy
from ansible_collections.pgsvc.access.tests.support.patroni import Patroni

__all__ = ["haproxy", "haproxy_binary", "new_address"]


@pytest.fixture
def balancer(haproxy: HAProxy, new_address: Callable[[], str], tmp_path: Path) -> Iterator[Balancer]:
    """It runs, and every server has its verdict."""
    addresses = [new_address() for _each in range(12)]
    tls = self_signed(tmp_path, "patroni", addresses)
    remaining = iter(addresses)
    with Patroni() as patroni:
        haproxy.start()
        balancer = Balancer(haproxy, patroni, lambda: next(remaining), tls)
        balancer.apply(balancer.site)
        balancer.settle()
        yield balancer

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures: a load balancer with an exporter, that serves a cluster of three with live roles."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.pgsvc.access.tests.integration.staying.site import Balancer, serving
from ansible_collections.pgsvc.access.tests.support.fixtures import haproxy_binary, new_address

__all__ = ["haproxy_binary", "new_address"]

EXPORTER = """\
listen stats
    bind {address}:9101
    mode http
    timeout client 1m
    timeout server 1m
    http-request use-service prometheus-exporter if {{ path /metrics }}
    stats enable
    stats uri /
"""


@pytest.fixture
def balancer(haproxy_binary: Path, tmp_path: Path) -> Iterator[Balancer]:
    """It runs, and every server has its verdict."""
    with serving(haproxy_binary, tmp_path) as balancer:
        balancer.haproxy.write("stats", EXPORTER.format(address=balancer.address))
        site = balancer.site.copy()
        site.cluster["pg_service_roles"] = "live"
        balancer.apply(site)
        balancer.settle()
        yield balancer

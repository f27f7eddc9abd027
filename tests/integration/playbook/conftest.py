# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet for each test: a cluster of three, one that delegates to two load balancers, two other hosts."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.pgsvc.access.tests.integration.playbook.fleet import Fleet
from ansible_collections.pgsvc.access.tests.support.fixtures import private_address


@pytest.fixture
def members() -> list[str]:
    """The hosts of pg-test."""
    return [private_address() for _each in range(3)]


@pytest.fixture
def proxies() -> list[str]:
    """The hosts of the group proxy."""
    return [private_address() for _each in range(2)]


@pytest.fixture
def fleet(checkout: Path, members: list[str], proxies: list[str]) -> Iterator[Fleet]:
    # Not tmp_path: the paths of UNIX sockets have to be short.
    folder = Path(tempfile.mkdtemp(prefix="pgsvc-"))
    fleet = Fleet(checkout, folder)
    fleet.cluster("pg-test", members)
    fleet.cluster(
        "pg-meta",
        [private_address(), private_address()],
        pg_service_provider="proxy",
        pg_default_services=[{"name": "primary", "port": 10013, "check": "/primary", "selector": "[]"}],
    )
    fleet.group("proxy", {host: {} for host in proxies})
    fleet.group("infra", {private_address(): {}, private_address(): {}})
    yield fleet
    shutil.rmtree(folder)

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the integration tests: import what a folder needs in its ``conftest.py``."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ansible_collections.pgsvc.access.tests.support import binaries
from ansible_collections.pgsvc.access.tests.support.haproxy import HAProxy
from ansible_collections.pgsvc.access.tests.support.patroni import Patroni

_taken = itertools.cycle(range(1, 255))


def private_address() -> str:
    """A loopback address that no other test run on this machine uses: the process id and a counter are in it."""
    second, third = divmod(os.getpid() % 2**15, 2**8)
    return f"127.{64 + second}.{third}.{next(_taken)}"


@pytest.fixture(scope="session", params=binaries.VERSIONS)
def haproxy_binary(request: pytest.FixtureRequest) -> Path:
    """Every test that uses it, directly or through `haproxy`, runs once for each version."""
    return binaries.binary(request.param)


@pytest.fixture
def haproxy(haproxy_binary: Path, tmp_path: Path) -> Iterator[HAProxy]:
    """Not started yet: the test writes its files first."""
    with HAProxy(haproxy_binary, tmp_path / "lb") as instance:
        yield instance


@pytest.fixture
def new_address() -> Callable[[], str]:
    """A function that gives one more private loopback address."""
    return private_address


@pytest.fixture
def patroni() -> Iterator[Patroni]:
    """A cluster ``pg`` of three: pg1 is the primary, pg2 and pg3 are replicas."""
    with Patroni() as cluster:
        for name, role in (("pg1", "primary"), ("pg2", "replica"), ("pg3", "replica")):
            cluster.add(name, private_address(), role)
        yield cluster

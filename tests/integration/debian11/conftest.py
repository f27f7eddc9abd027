# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A load balancer of the publish tests; its HAProxy is one that the collection works with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.pgsvc.access.tests.integration.publish.node import Node
from ansible_collections.pgsvc.access.tests.support import binaries
from ansible_collections.pgsvc.access.tests.support.fixtures import haproxy, new_address
from ansible_collections.pgsvc.access.tests.support.haproxy import HAProxy

__all__ = ["haproxy", "new_address"]


@pytest.fixture
def haproxy_binary() -> Path:
    """The oldest release: the Python of the modules is what these tests are about."""
    return binaries.binary(binaries.VERSIONS[0])


@pytest.fixture
def node(haproxy: HAProxy, new_address: Callable[[], str]) -> Node:
    """A load balancer that runs without any service."""
    haproxy.start()
    return Node(haproxy, new_address())

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the publish tests."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ansible_collections.pgsvc.access.tests.integration.publish.node import Node
from ansible_collections.pgsvc.access.tests.support.fixtures import haproxy, haproxy_binary, new_address, patroni
from ansible_collections.pgsvc.access.tests.support.haproxy import HAProxy

__all__ = ["haproxy", "haproxy_binary", "new_address", "patroni"]


@pytest.fixture
def node(haproxy: HAProxy, new_address: Callable[[], str]) -> Node:
    """A load balancer that runs without any service."""
    haproxy.start()
    return Node(haproxy, new_address())

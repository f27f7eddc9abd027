# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures: a load balancer that serves a cluster of three."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.pgsvc.access.tests.integration.staying.conftest import balancer, haproxy_binary
from ansible_collections.pgsvc.access.tests.integration.staying.site import Balancer, serving
from ansible_collections.pgsvc.access.tests.support import binaries

__all__ = ["balancer", "haproxy_binary"]


@pytest.fixture
def any_balancer(tmp_path: Path) -> Iterator[Balancer]:
    """For what is the same with every HAProxy."""
    with serving(binaries.binary(binaries.VERSIONS[0]), tmp_path) as serving_one:
        yield serving_one

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures: a load balancer that serves a cluster of three, whose services hold."""

from __future__ import annotations

from ansible_collections.pgsvc.access.tests.support.fixtures import haproxy_binary

__all__ = ["haproxy_binary"]

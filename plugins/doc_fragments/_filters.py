# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters that read the inventory. Private to this collection."""

from __future__ import annotations


class ModuleDocFragment:
    """DOCUMENTATION is for each filter that reads the inventory, CLUSTER for those that are about one cluster of it."""

    DOCUMENTATION = r"""
options:
  _input:
    description: The variables of all hosts, which is what Ansible calls C(hostvars).
    type: dict
    required: true
  groups:
    description: The groups of the inventory with their hosts, which is what Ansible calls C(groups).
    type: dict
    required: true
"""

    CLUSTER = r"""
options:
  cluster:
    description: The name of the cluster, the value of C(pg_cluster) of its members.
    type: str
    required: true
"""

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules that keep a block for each cluster in a file that others may edit, too. Private to this collection."""

from __future__ import annotations


class ModuleDocFragment:
    """A module describes the suboptions of O(clusters) itself, which are what its blocks consist of."""

    DOCUMENTATION = r"""
options:
  clusters:
    description: The clusters of this call. Blocks of others stay as they are, see O(purge).
    type: list
    elements: dict
    required: true
  purge:
    description: Whether blocks of clusters that are not in O(clusters) go.
    type: bool
    default: false
attributes:
  check_mode:
    description: Can run in C(check_mode) and tells exactly what would change.
    support: full
  diff_mode:
    support: full
  idempotent:
    description: A second run changes nothing.
    support: full
"""

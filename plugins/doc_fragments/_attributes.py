# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attributes of modules. Private to this collection."""

from __future__ import annotations


class ModuleDocFragment:
    """Each module extends DOCUMENTATION; INFO is for those that change nothing, LINUX for those that run there only."""

    DOCUMENTATION = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/pgsvc.access.all) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - pgsvc.access.all
"""

    INFO = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and gives the same result.
    support: full
  diff_mode:
    description: Changes nothing, so there is nothing to show.
    support: none
  idempotent:
    description: The same inventory gives the same plan.
    support: full
"""

    LINUX = r"""
options: {}
attributes:
  platform:
    support: full
    platforms: linux
"""

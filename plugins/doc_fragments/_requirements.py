# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What plugins need beside ansible-core. Private to this collection."""

from __future__ import annotations


class ModuleDocFragment:
    """Each requirement has a name of its own; modules and filters extend it alike."""

    # Plugins that evaluate the selectors of services. The range is that of requirements.txt.
    JMESPATH = r"""
options: {}
requirements:
  - jmespath >= 1.0.0, < 2, for the Python that runs Ansible on the controller
"""

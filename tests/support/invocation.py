# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The arguments in the result of a module: ansible-core 2.21 and newer return them only if they are asked for."""

from __future__ import annotations

from ansible.module_utils.common.parameters import PASS_VARS

#: Asks a module for the field `invocation` of its result, as `inject_invocation` in ansible.cfg does.
ASK = {"_ansible_inject_invocation": True} if "inject_invocation" in PASS_VARS else {}

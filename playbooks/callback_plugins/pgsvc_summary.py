# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible loads callbacks beside a playbook: every run of pgsql.yml ends with the summary, without any setting."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.pgsvc.access.plugins.callback.summary import CallbackModule as Summary

_OTHERS = ("access.yml", "catalog.yml", "member.yml", "status.yml", "switchover.yml")


class CallbackModule(Summary):
    """The summary of a playbook that publishes, which has something to say even when no task of it ran."""

    CALLBACK_NAME = "pgsvc_summary"
    ALWAYS = True

    def v2_playbook_on_start(self, playbook: Any) -> None:
        """The other playbooks of the collection publish nothing."""
        if Path(playbook._file_name).name in _OTHERS:
            self.ALWAYS = self._is_shown = False

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible loads callbacks beside a playbook: catalog.yml ends with a line that says what became of the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

from ansible_collections.pgsvc.access.plugins.plugin_utils._report.outcomes import part

_PLAYBOOK = "catalog.yml"
_WRITE = "ansible.builtin.copy"


class CallbackModule(CallbackBase):
    """Says whether the catalogue was written."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "pgsvc_catalog"
    CALLBACK_NEEDS_ENABLED = False

    def __init__(self) -> None:
        super().__init__()
        self._is_ours = False
        self._said = "failed, the catalogue was not written"

    def v2_playbook_on_start(self, playbook: Any) -> None:
        self._is_ours = Path(playbook._file_name).name == _PLAYBOOK

    def v2_runner_on_ok(self, result: Any) -> None:
        task = part(result, "task")
        if task.action == _WRITE:
            done = "would be written" if task.check_mode else "written"
            changed = part(result, "result").get("changed")
            self._said = f"{task.args['dest']}: {done if changed else 'unchanged'}"

    def v2_playbook_on_stats(self, stats: Any) -> None:
        if self._is_ours:
            self._display.display(f"pgsql-svc: {self._said}")

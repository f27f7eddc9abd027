# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible loads callbacks beside a playbook: member.yml shows where sessions are left, and ends with what is true."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.plugins.callback import CallbackBase

from ansible_collections.pgsvc.access.plugins.plugin_utils._report.command_files import write_exit_code, write_report
from ansible_collections.pgsvc.access.plugins.plugin_utils._report.member_table import Members
from ansible_collections.pgsvc.access.plugins.plugin_utils._report.outcomes import PLAN, part

_PLAYBOOK = "member.yml"
_UP_AND_CLEAR = "\x1b[1A\x1b[2K"


class CallbackModule(CallbackBase):
    """On a terminal the table stays in its place; elsewhere a line is printed when the count of sessions changes."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "pgsvc_member"
    CALLBACK_NEEDS_ENABLED = False

    def __init__(self) -> None:
        super().__init__()
        self._members = Members()
        self._is_ours = False
        self._carries: list[list[str]] = []
        self._lines = 0
        self._told = ""
        # Another stdout callback prints lines of its own in between.
        stdout = constants.config.get_config_value("DEFAULT_STDOUT_CALLBACK")
        quiet = stdout == "pgsvc.access.progress" and not self._display.verbosity
        self._in_place = quiet and sys.stdout.isatty()

    def v2_playbook_on_start(self, playbook: Any) -> None:
        self._is_ours = Path(playbook._file_name).name == _PLAYBOOK

    def v2_playbook_on_play_start(self, play: Any) -> None:
        asked = play.get_variable_manager().extra_vars
        self._members.asked(
            *(str(asked.get(name, "")) for name in ("pg_member_cluster", "pg_member", "pg_member_state"))
        )

    def v2_runner_on_ok(self, result: Any) -> None:
        values = part(result, "result")
        if part(result, "task").action == PLAN and "load_balancers" in values:
            self._carries = [json.loads(text)["carries"] for text in values["load_balancers"].values()]
        self._note(result)

    def v2_runner_item_on_ok(self, result: Any) -> None:
        self._note(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._note(result, failed=True)

    def v2_runner_item_on_failed(self, result: Any) -> None:
        self._note(result, failed=True)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._note(result, failed=True)

    def v2_runner_retry(self, result: Any) -> None:
        self._note(result, again=True)

    def _note(self, result: Any, *, failed: bool = False, again: bool = False) -> None:
        if not self._is_ours or self._members.note(result, failed=failed, again=again) is None:
            return
        if self._in_place:
            self._draw(self._members.table())
        elif self._members.waited:
            self._tell(self._members.progress())

    def _tell(self, line: str) -> None:
        if line != self._told:
            self._told = line
            self._display.display(line)

    def _draw(self, lines: list[str]) -> None:
        sys.stdout.write(_UP_AND_CLEAR * self._lines + "".join(f"{line}\n" for line in lines))
        sys.stdout.flush()
        self._lines = len(lines)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        if not self._is_ours:
            return
        members = self._members
        planned = sum(members.cluster in carries for carries in self._carries)
        self._draw([])
        if members.of:
            lines = [*members.table(), *(f"pgsql-svc: {line}" for line in members.findings())]
            lines.append(f"pgsql-svc: {members.summary(planned)}")
        else:
            lines = ["pgsql-svc: failed, no load balancer was changed"]
        for line in lines:
            self._display.display(line)
        write_report(f"{json.dumps(members.report(planned), indent=2)}\n")
        write_exit_code(members.code(planned))

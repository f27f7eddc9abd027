# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: progress
type: stdout
short_description: The progress of a run, its changes and its failures
version_added: 1.0.0
author: pgsvc.access contributors (@pgsvc)
description:
  - Prints a line for each load balancer that M(pgsvc.access.haproxy_publish) changes or fails on, and how many load
    balancers of the total are done. On a terminal the progress is updated in place. Elsewhere, with twenty or more load
    balancers, it is printed after each quarter of them.
  - Load balancers without a change print nothing. With C(-v) the output is that of P(ansible.builtin.default#callback).
  - C(bin/pgsql-svc) uses this callback unless C(ansible.cfg) or C(ANSIBLE_STDOUT_CALLBACK) names another one.
extends_documentation_fragment:
  - default_callback
  - result_format_callback
requirements:
  - Set as stdout callback in configuration, unless C(bin/pgsql-svc) is used.
"""

import sys
from typing import Any

from ansible import constants as C  # noqa: N812  as Ansible's own plugins have it
from ansible.plugins.callback.default import CallbackModule as Default

from ansible_collections.pgsvc.access.plugins.plugin_utils._report.member_table import MEMBER_STATE
from ansible_collections.pgsvc.access.plugins.plugin_utils._report.outcomes import (
    FAILED,
    PLAN,
    PUBLISH,
    UNREACHABLE,
    Outcome,
    Outcomes,
    part,
)

_SWITCHOVER = tuple(
    f"pgsvc.access.{name}" for name in ("haproxy_service_gate", "pg_switchover_check", "pg_switchover_report")
)
_RED = C.COLOR_ERROR  # type: ignore[attr-defined]  # defined when Ansible starts
_YELLOW = C.COLOR_CHANGED  # type: ignore[attr-defined]
_QUARTERS = 4
_MANY = 20
_CLEAR = "\r\033[K"


class CallbackModule(Default):
    """Ansible's default output with -v. Without it, only changes, failures and progress."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "pgsvc.access.progress"

    def __init__(self) -> None:
        super().__init__()
        self._outcomes = Outcomes()
        self._in_place = sys.stdout.isatty()
        self._shown = ""
        self._quarter = 0

    @property
    def _quiet(self) -> bool:
        return not self._display.verbosity

    def v2_playbook_on_play_start(self, play: Any) -> None:
        if self._quiet:
            self._play = play
        else:
            super().v2_playbook_on_play_start(play)

    def _task_start(self, task: Any, prefix: str | None = None) -> None:
        if self._quiet:
            self._last_task_name = task.get_name().strip()
        else:
            super()._task_start(task, prefix)

    def _print_task_banner(self, task: Any) -> None:
        if self._quiet:
            self._clear()
        if not (self._quiet and task.action in (PUBLISH, PLAN, MEMBER_STATE)):
            super()._print_task_banner(task)

    def v2_runner_on_ok(self, result: Any) -> None:
        if self._quiet:
            self._note(result)
        else:
            super().v2_runner_on_ok(result)

    def v2_runner_item_on_ok(self, result: Any) -> None:
        if self._quiet:
            self._note(result)
        else:
            super().v2_runner_item_on_ok(result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        if not self._quiet:
            super().v2_runner_on_skipped(result)

    def v2_runner_item_on_skipped(self, result: Any) -> None:
        if not self._quiet:
            super().v2_runner_item_on_skipped(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        if not (self._quiet and self._replaces_default(result, FAILED)):
            self._clear()
            super().v2_runner_on_failed(result, ignore_errors)

    def v2_runner_item_on_failed(self, result: Any) -> None:
        if not (self._quiet and self._replaces_default(result, FAILED)):
            self._clear()
            super().v2_runner_item_on_failed(result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        if not (self._quiet and self._replaces_default(result, UNREACHABLE)):
            self._clear()
            super().v2_runner_on_unreachable(result)

    def v2_runner_retry(self, result: Any) -> None:
        if not self._quiet:
            super().v2_runner_retry(result)

    def v2_on_file_diff(self, result: Any) -> None:
        self._clear()
        super().v2_on_file_diff(result)

    def v2_playbook_on_no_hosts_matched(self) -> None:
        if not self._quiet:
            super().v2_playbook_on_no_hosts_matched()

    def v2_playbook_on_no_hosts_remaining(self) -> None:
        if not self._quiet:
            super().v2_playbook_on_no_hosts_remaining()

    def v2_playbook_on_stats(self, stats: Any) -> None:
        self._clear()
        if not self._quiet:
            super().v2_playbook_on_stats(stats)

    def _replaces_default(self, result: Any, trouble: str) -> bool:
        """Whether this callback has printed the result, so that the default output is not needed."""
        if self._note(result, trouble):
            return True
        task, values = part(result, "task"), part(result, "result")
        if task.action == PUBLISH and values.get("results"):
            return True
        if task.action in _SWITCHOVER:
            return True  # the check and the report print what is wrong
        if task.action == MEMBER_STATE and (values.get("results") or "load_balancer" in values):
            return True  # the playbook of that module says it
        if task.action == PLAN and values.get("msg"):
            # Before 2.19 the action has printed it.
            if hasattr(self, "_handle_warnings_and_exception"):
                self._print_line(str(values["msg"]), _RED)
            return True
        return False

    def _note(self, result: Any, trouble: str = "") -> Outcome | None:
        outcome = self._outcomes.note(result, trouble)
        warnings = part(result, "result").get("warnings")
        if warnings:
            self._clear()
            self._handle_warnings(part(result, "result"))
        if outcome is not None:
            if outcome.is_trouble:
                self._print_line(f"{outcome.kind}: [{outcome.host}] {outcome.words.rstrip()}", _RED)
            elif outcome.words:
                self._print_line(f"{outcome.kind}: [{outcome.host}] {outcome.words}", _YELLOW)
            self._show_progress()
        return outcome

    def _print_line(self, line: str, color: str) -> None:
        self._clear()
        self._display.display(line, color=color)

    def _show_progress(self) -> None:
        if self._in_place:
            self._shown = self._outcomes.progress()
            sys.stdout.write(f"{_CLEAR}{self._shown}")
            sys.stdout.flush()
            return
        count = self._outcomes.count()
        quarter = len(self._outcomes.of) * _QUARTERS // count
        if count >= _MANY and quarter > self._quarter:
            self._quarter = quarter
            self._display.display(self._outcomes.progress())

    def _clear(self) -> None:
        """Clear the progress from the terminal before another line is printed."""
        if self._shown:
            self._shown = ""
            sys.stdout.write(_CLEAR)
            sys.stdout.flush()

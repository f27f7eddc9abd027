# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.pgsvc.access.plugins.plugin_utils._input import values
from ansible_collections.pgsvc.access.plugins.plugin_utils._report.command_files import write_exit_code
from ansible_collections.pgsvc.access.plugins.plugin_utils._report.switchover_text import Result, Seen

_OF_GATES = ("closed", "followed", "opened")


class ActionModule(ActionBase):
    """Reports what clients saw of a switchover. Documented beside the module of the same name."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _VALID_ARGS = frozenset({"move", "done", *_OF_GATES})

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables: Mapping[str, Any] = task_vars or {}
        given = {name: values.native(value) for name, value in self._task.args.items()}
        missing = sorted(self._VALID_ARGS - set(given))
        if missing:
            return {**result, "failed": True, "msg": f"missing arguments: {', '.join(missing)}"}
        seen = dict(_seen(given, variables))
        done: Mapping[str, Any] = given["done"] or {}
        answer = str(done.get("answer") or done.get("msg") or "")
        was_asked = bool(done) and not done.get("skipped")
        report = Result(given["move"], was_asked, answer, seen)
        lines = report.lines()
        for line in lines:
            self._display.display(line)
        write_exit_code(report.code())
        words = {"changed": bool(report.leader), "leader": report.leader, "exit_code": report.code(), "report": lines}
        if report.code():
            return {**result, **words, "failed": True, "msg": lines[-1]}
        return {**result, **words}


def _seen(given: Mapping[str, Any], variables: Mapping[str, Any]) -> Iterator[tuple[str, Seen]]:
    """The results that the tasks of the switchover registered for each load balancer."""
    found: dict[str, dict[str, Any]] = {host: {} for host in given["move"]["services"]}
    errors: dict[str, str] = {}
    for host in variables["groups"]["all"]:
        facts = variables["hostvars"].raw_get(host)
        for what in _OF_GATES:
            for each in _results(facts, values.word_list(given[what], what)):
                load_balancer = str(each.get("load_balancer", host))
                if load_balancer not in found or each.get("skipped"):
                    continue
                if "serves" in each:
                    found[load_balancer][what] = each
                else:
                    errors.setdefault(load_balancer, str(each.get("msg", "failed")))
    for load_balancer, results in found.items():
        closed, followed, opened = (results.get(what) for what in _OF_GATES)
        yield load_balancer, Seen(closed, followed, opened, errors.get(load_balancer, ""))


def _results(facts: Mapping[str, Any], names: list[str]) -> Iterator[Mapping[str, Any]]:
    """The results in these variables of a host, of a loop or of a single task."""
    for name in names:
        registered = values.native(facts.get(name) or {})
        yield from registered.get("results", [registered] if registered else [])

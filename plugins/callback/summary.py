# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: summary
type: aggregate
short_description: One last line that says what happened on how many load balancers
version_added: 1.0.0
author: pgsvc.access contributors (@pgsvc)
description:
  - Ends a run with one line on the load balancers that M(pgsvc.access.haproxy_publish) was called for.
  - C(bin/pgsql-svc) uses it. Enable it elsewhere with C(callbacks_enabled = pgsvc.access.summary).
requirements:
  - Enable in configuration, unless C(bin/pgsql-svc) does it.
"""

import json
from typing import Any

from ansible.plugins.callback import CallbackBase

_ACTION = "pgsvc.access.haproxy_publish"
_PLAN = "pgsvc.access.pg_service_plan"


class CallbackModule(CallbackBase):
    """Collects the result of each load balancer by the publish task."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "pgsvc.access.summary"
    CALLBACK_NEEDS_ENABLED = False

    def __init__(self) -> None:
        super().__init__()
        self._outcomes: dict[str, str] = {}
        self._old_workers: dict[str, dict[str, int]] = {}
        self._failed = False
        self._planned: set[str] = set()

    def v2_runner_on_ok(self, result: Any) -> None:
        if _of(result, "task").action == _PLAN:
            self._planned.update(_carriers(_of(result, "result")))
        self._note(result, "")

    def v2_runner_item_on_ok(self, result: Any) -> None:
        self._note(result, "")

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._failed = self._failed or not ignore_errors
        self._note(result, "failed")

    def v2_runner_item_on_failed(self, result: Any) -> None:
        self._note(result, "failed")

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._failed = True
        self._note(result, "unreachable")

    def v2_playbook_on_stats(self, stats: Any) -> None:
        self._display.display(self._line())

    def _note(self, result: Any, trouble: str) -> None:
        task, values = _of(result, "task"), _of(result, "result")
        if task.action != _ACTION or "results" in values or values.get("skipped") or _carries_nothing(values):
            return
        delegated = values.get("_ansible_delegated_vars") or {}
        host = (
            values.get("load_balancer")
            or values.get("_ansible_item_label")
            or delegated.get("ansible_delegated_host")
            or _of(result, "host").get_name()
        )
        trouble = "unreachable" if values.get("unreachable") else trouble
        self._outcomes[str(host)] = trouble or _outcome(values, foretold=bool(task.check_mode))
        self._old_workers[str(host)] = values.get("old_workers") or {}

    def _line(self) -> str:
        left = self._planned - self._outcomes.keys()
        if not self._outcomes and (self._failed or not left):
            return (
                "pgsql-svc: failed, no load balancer was touched"
                if self._failed
                else "pgsql-svc: no load balancer to publish to"
            )
        kinds: dict[str, list[str]] = {"not published": sorted(left)} if left else {}
        for host, outcome in self._outcomes.items():
            kinds.setdefault(outcome, []).append(host)
        count = len(self._outcomes) + len(left)
        parts = [f"{len(hosts)} {kind}{_named(kind, hosts)}" for kind, hosts in sorted(kinds.items())]
        return f"pgsql-svc: {_counted(count, 'load balancer')}: {', '.join(parts)}{self._left_behind()}"

    def _left_behind(self) -> str:
        """Sessions that no health check watches any more, because a reload left them with an old worker."""
        workers = sum(each.get("count", 0) for each in self._old_workers.values())
        sessions = sum(each.get("sessions", 0) for each in self._old_workers.values())
        return f"; {_counted(workers, 'old worker')} still with {_counted(sessions, 'session')}" if sessions else ""


def _carriers(plan: dict[str, Any]) -> set[str]:
    """The load balancers that carry services according to a plan."""
    return {host for host, part in plan.get("load_balancers", {}).items() if json.loads(part)["services"]}


def _carries_nothing(values: dict[str, Any]) -> bool:
    """A member whose cluster is delegated is looked at for what it may still have, but is no load balancer."""
    return values.get("services") == [] and not values.get("changed")


def _outcome(values: dict[str, Any], foretold: bool) -> str:
    if not values.get("changed"):
        return "unchanged"
    method = values.get("applied", {}).get("method", "none")
    how = {"none": "written, not applied", "runtime": "changed without a reload"}
    return f"{'would be ' if foretold else ''}{how.get(method, 'changed by a reload')}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _named(kind: str, hosts: list[str]) -> str:
    """Who is in trouble is named; the rest is counted."""
    return f" ({', '.join(sorted(hosts))})" if kind in ("failed", "unreachable") else ""


def _of(result: Any, name: str) -> Any:
    """A part of a task result, by its public name since ansible-core 2.19 and by its old one before."""
    return getattr(result, name, None) or getattr(result, f"_{name}")

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run did on each load balancer, from the task results that Ansible passes to callbacks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

PUBLISH = "pgsvc.access.haproxy_publish"
PLAN = "pgsvc.access.pg_service_plan"
UNCHANGED, FAILED, UNREACHABLE = "unchanged", "failed", "unreachable"
_HOW = {"none": "written, not applied", "runtime": "changed without a reload"}
_MOST_NAMES = 8
_LONGEST_REASON = 300


@dataclass(frozen=True)
class Outcome:
    """``kind`` is one of the constants above or how the load balancer changed; ``words`` is what changed, or the error.

    ``workers`` and ``sessions`` count the old processes of HAProxy that still have sessions.
    """

    host: str
    kind: str
    words: str = ""
    workers: int = 0
    sessions: int = 0

    @property
    def is_trouble(self) -> bool:
        return self.kind in (FAILED, UNREACHABLE)


@dataclass
class Outcomes:
    """The load balancers in the plans of a run, and the outcome for each."""

    planned: set[str] = field(default_factory=set)
    of: dict[str, Outcome] = field(default_factory=dict)
    seen: bool = False

    def note(self, result: Any, trouble: str = "") -> Outcome | None:
        """Record the result of a task and return the outcome; None if it is not about a load balancer."""
        task, values = part(result, "task"), part(result, "result")
        if task.action == PLAN:
            self.seen = True
            self.planned.update(_carriers(values))
        if task.action != PUBLISH or "results" in values or values.get("skipped") or _carries_nothing(values):
            return None
        self.seen = True
        outcome = _outcome(_load_balancer(result), values, trouble, foretold=bool(task.check_mode))
        self.of[outcome.host] = outcome
        return outcome

    def not_published(self) -> list[str]:
        """Load balancers that the run has not published to."""
        return sorted(self.planned - self.of.keys())

    def count(self) -> int:
        return len(self.planned | self.of.keys())

    def progress(self) -> str:
        """``12 of 300 done, 3 changed, 0 failed``"""
        failed = sum(each.is_trouble for each in self.of.values())
        changed = len(self.of) - failed - sum(each.kind == UNCHANGED for each in self.of.values())
        return f"{len(self.of)} of {self.count()} done, {changed} changed, {failed} failed"

    def by_kind(self) -> dict[str, list[str]]:
        kinds: dict[str, list[str]] = {"not published": left} if (left := self.not_published()) else {}
        for each in self.of.values():
            kinds.setdefault(each.kind, []).append(each.host)
        return kinds

    def reasons(self) -> list[tuple[str, str, list[str]]]:
        """Each kind of failure with each reason, on one line, and the hosts it occurred on."""
        found: dict[tuple[str, str], list[str]] = {}
        for each in self.of.values():
            if each.is_trouble:
                found.setdefault((each.kind, _in_a_line(each.words)), []).append(each.host)
        return [(kind, words, hosts) for (kind, words), hosts in found.items()]


def names(hosts: Iterable[str]) -> str:
    """``a, b, c``; a long list is shortened to ``a, b, c and 5 more``."""
    ordered = sorted(hosts)
    more = f" and {len(ordered) - _MOST_NAMES} more" if len(ordered) > _MOST_NAMES else ""
    return ", ".join(ordered[:_MOST_NAMES]) + more


def part(result: Any, name: str) -> Any:
    """An attribute of a task result: public since ansible-core 2.19, with a leading underscore before."""
    return getattr(result, name, None) or getattr(result, f"_{name}")


def _outcome(host: str, values: Mapping[str, Any], trouble: str, foretold: bool) -> Outcome:
    trouble = UNREACHABLE if values.get("unreachable") or values.get("reachable") is False else trouble
    workers = values.get("old_workers") or {}
    old = {"workers": workers.get("count", 0), "sessions": workers.get("sessions", 0)}
    if trouble:
        return Outcome(host, trouble, str(values.get("msg") or values.get("censored") or ""), **old)
    if not values.get("changed"):
        return Outcome(host, UNCHANGED, **old)
    how = _HOW.get(values.get("applied", {}).get("method", "none"), "changed by a reload")
    services = [f"{each['name']} {each['status']}" for each in values["services"] if each["status"] != "unchanged"]
    return Outcome(host, f"{'would be ' if foretold else ''}{how}", ", ".join(services), **old)


def _load_balancer(result: Any) -> str:
    values = part(result, "result")
    delegated = values.get("_ansible_delegated_vars") or {}
    return str(
        values.get("load_balancer")
        or values.get("_ansible_item_label")
        or delegated.get("ansible_delegated_host")
        or part(result, "host").get_name()
    )


def _carriers(plan: Mapping[str, Any]) -> set[str]:
    """The load balancers that carry services according to a plan."""
    return {host for host, own in plan.get("load_balancers", {}).items() if json.loads(own)["services"]}


def _carries_nothing(values: Mapping[str, Any]) -> bool:
    """Whether the host is only checked for leftover files: a member of a delegating cluster is not a load balancer."""
    return values.get("services") == [] and not values.get("changed")


def _in_a_line(words: str) -> str:
    line = " ".join(words.split())
    return line if len(line) <= _LONGEST_REASON else f"{line[: _LONGEST_REASON - 3]}..."

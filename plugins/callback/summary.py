# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: summary
type: aggregate
short_description: A summary of what a run did on its load balancers
version_added: 1.0.0
author: pgsvc.access contributors (@pgsvc)
description:
  - At the end of a run, prints one line about the load balancers that M(pgsvc.access.haproxy_publish) was called for.
    If some failed, one line for each reason comes before it.
  - The playbook C(pgsvc.access.pgsql) and C(bin/pgsql-svc) use it. For other playbooks enable it with
    C(callbacks_enabled = pgsvc.access.summary); it then prints nothing for a run that plans and publishes nothing.
requirements:
  - Enable in configuration, for playbooks other than those of the collection.
"""

from typing import Any, ClassVar
from weakref import WeakSet

from ansible.plugins.callback import CallbackBase

from ansible_collections.pgsvc.access.plugins.plugin_utils._report.outcomes import FAILED, UNREACHABLE, Outcomes, names

_MOST_REASONS = 8


class CallbackModule(CallbackBase):
    """Collects the result of each load balancer by the publish task."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "pgsvc.access.summary"
    CALLBACK_NEEDS_ENABLED = False

    #: Whether to print a line for a run that planned and published nothing.
    ALWAYS = False
    #: Whether the playbook has no summary of its own.
    _is_shown = True
    #: Runs that have been printed. There are two callbacks if a user enables one and a playbook has its own.
    _printed: ClassVar[WeakSet[Any]] = WeakSet()

    def __init__(self) -> None:
        super().__init__()
        self._outcomes = Outcomes()
        self._failed = False

    def v2_runner_on_ok(self, result: Any) -> None:
        self._outcomes.note(result)

    def v2_runner_item_on_ok(self, result: Any) -> None:
        self._outcomes.note(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._failed = self._failed or not ignore_errors
        self._outcomes.note(result, FAILED)

    def v2_runner_item_on_failed(self, result: Any) -> None:
        self._outcomes.note(result, FAILED)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._failed = True
        self._outcomes.note(result, UNREACHABLE)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        if stats in self._printed or not self._is_shown or not (self.ALWAYS or self._outcomes.seen):
            return
        self._printed.add(stats)
        for line in [*self._reasons(), self._line()]:
            self._display.display(line)

    def _reasons(self) -> list[str]:
        found = self._outcomes.reasons()
        lines = [f"pgsql-svc: {kind} ({names(hosts)}): {words}" for kind, words, hosts in found[:_MOST_REASONS]]
        left = sum(len(hosts) for _kind, _words, hosts in found[_MOST_REASONS:])
        return [*lines, *([f"pgsql-svc: {left} more, for other reasons"] if left else [])]

    def _line(self) -> str:
        outcomes = self._outcomes
        if not outcomes.of and (self._failed or not outcomes.planned):
            return (
                "pgsql-svc: failed, no load balancer was touched"
                if self._failed
                else "pgsql-svc: no load balancer to publish to"
            )
        parts = [f"{len(hosts)} {kind}{_named(kind, hosts)}" for kind, hosts in sorted(outcomes.by_kind().items())]
        return f"pgsql-svc: {_counted(outcomes.count(), 'load balancer')}: {', '.join(parts)}{self._left_behind()}"

    def _left_behind(self) -> str:
        """Sessions that are not covered by health checks any more, because they are still with an old worker."""
        workers = sum(each.workers for each in self._outcomes.of.values())
        sessions = sum(each.sessions for each in self._outcomes.of.values())
        return f"; {_counted(workers, 'old worker')} still with {_counted(sessions, 'session')}" if sessions else ""


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _named(kind: str, hosts: list[str]) -> str:
    """The names of failed and unreachable hosts; empty for others, which are only counted."""
    return f" ({names(hosts)})" if kind in (FAILED, UNREACHABLE) else ""

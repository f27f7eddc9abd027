# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Applies the files to the running HAProxy and verifies the result."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from typing import Optional

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy import unit
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.process import Process, find
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.worker import Worker
from ansible_collections.pgsvc.access.plugins.module_utils._host import steps
from ansible_collections.pgsvc.access.plugins.module_utils._host.deadlines import (
    FORWARDED,
    GATES,
    HELD,
    SUCCESSOR,
    TAKEN_OVER,
)
from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import ApplyError, CLIError
from ansible_collections.pgsvc.access.plugins.module_utils._host.light_dataclass import dataclass
from ansible_collections.pgsvc.access.plugins.module_utils._publish import record, unfinished
from ansible_collections.pgsvc.access.plugins.module_utils._publish.decision import (
    NONE,
    RELOAD,
    RUNTIME,
    Decision,
    Plan,
)
from ansible_collections.pgsvc.access.plugins.module_utils._publish.rehearsal import Asked, Verdicts
from ansible_collections.pgsvc.access.plugins.module_utils._publish.request import Applied, Request
from ansible_collections.pgsvc.access.plugins.module_utils._publish.running import Running
from ansible_collections.pgsvc.access.plugins.module_utils._publish.runtime_apply import apply_changes
from ansible_collections.pgsvc.access.plugins.module_utils._publish.state_guard import carried_states
from ansible_collections.pgsvc.access.plugins.module_utils._publish.states import States
from ansible_collections.pgsvc.access.plugins.module_utils._publish.verify import verify

_POLL = 0.1

Ask = Callable[[Sequence[Asked]], Optional[Verdicts]]
"""Runs health checks before a reload, see `rehearsal.rehearse`."""


@dataclass(frozen=True)
class Outcome:
    """The result of an apply.

    `reloaded` is true if a new worker runs, which has loaded all files; `accepted` are the differences that remain
    after this reload, by service.
    """

    applied: Applied
    reloaded: bool = False
    accepted: Mapping[str, Sequence[str]] = field(default_factory=dict)
    warnings: Sequence[str] = ()


UNCHANGED = Outcome(Applied(NONE, ""))


class Apply:
    """Applies the files to the running HAProxy: the new ones, or the old ones again.

    `lock` is the descriptor of the lock, which is held until the resting state files are back in place.
    """

    def __init__(self, request: Request, running: Running, ask: Ask, lock: int) -> None:
        self._request = request
        self._running = running
        self._ask = ask
        self._lock = lock

    @property
    def worker(self) -> Worker:
        """The worker that runs now."""
        return self._running.process.worker

    def carry_out(self, plan: Plan, states: States) -> Outcome:
        """Apply and verify; `states` are those of the new files. Raises `ApplyError`."""
        decision = plan.decision
        if decision.method == RUNTIME:
            draining, why = self._change_servers(plan)
            if not why:
                return Outcome(Applied(RUNTIME, decision.reason, draining))
            decision = Decision(RELOAD, f"{decision.reason}, but the Runtime API could not make the change: {why}")
        waited, warnings = self._wait_for_held()
        warnings += self._reload(states)
        left = self._verify()
        warnings += [f"{name}: {text}" for name, texts in left.items() for text in texts]
        return Outcome(Applied(self._running.method(decision), f"{decision.reason}{waited}"), True, left, warnings)

    def _wait_for_held(self) -> tuple[str, list[str]]:
        """Wait while new connections are held. After a reload, the old worker does not check servers for them any more.

        Returns what to add to the reason, and warnings.
        """
        began = time.monotonic()
        gates = self._wait_for_gates()
        longest = min(max(self._running.holds.values(), default=0.0), HELD)
        seen: dict[str, int] = {}
        began_held = time.monotonic()
        while held := self._running.held():
            seen.update(held)
            if time.monotonic() - began_held >= longest:
                lost = ", ".join(f"{count} of {name}" for name, count in sorted(held.items()))
                return "", [
                    f"New connections were waiting for a server and fail because of the reload ({lost}), as no server "
                    f"came up within {longest:g} seconds, the hold of these services"
                ]
            time.sleep(_POLL)
        if not seen and not gates:
            return "", []
        forwarded = time.monotonic() + FORWARDED
        while self._running.held(with_server=True) and time.monotonic() < forwarded:
            time.sleep(_POLL)
        names = ", ".join(sorted({*seen, *gates}))
        waited = f"the reload waited {time.monotonic() - began:.1f} seconds for a server of {names}"
        return f"; {waited}, because new connections were held", []

    def _wait_for_gates(self) -> list[str]:
        """Wait while a gate is closed: the reload would open it in the middle of a switchover. Returns the services."""
        deadline = time.monotonic() + GATES
        seen: dict[str, None] = {}
        while (closed := self._running.closed_gates()) and time.monotonic() < deadline:
            seen.update(dict.fromkeys(closed))
            time.sleep(_POLL)
        return list(seen)

    def _change_servers(self, plan: Plan) -> tuple[list[str], str]:
        """Use the Runtime API. Returns the draining servers, and why a reload is needed nevertheless, or ""."""
        running = self._running
        touched = {server: admin for each in plan.changes for server, admin in each.touched()}
        waiting = dict.fromkeys(plan.draining, 0)
        unfinished.write(running.unfinished_path, running.process.worker, {**running.unfinished, **touched, **waiting})
        steps.done("record the servers that change")
        try:
            draining = [*plan.draining, *apply_changes(running.process.api, *plan.changes)]
            steps.done("change the servers")
            left = running.left(draining)
        except CLIError as error:
            return [], str(error)
        if left:
            return draining, "; ".join(f"{n}: {', '.join(d.text for d in each)}" for n, each in left.items())
        unfinished.write(running.unfinished_path, running.process.worker, dict.fromkeys(draining, 0))
        return draining, ""

    def back(self, states: States, process: Process) -> None:
        """Reload after the old files have been restored; `process` is what runs now."""
        self._running.process = process
        self._reload(states)

    def _reload(self, states: States) -> list[str]:
        """Reload with the check results of the running worker. Missing results are obtained beforehand.

        Returns warnings.
        """
        knowledge = self._running.knowledge(list(states.services.values()))
        warnings: list[str] = []
        verdicts = self._ask(knowledge.asked)
        if verdicts is None:
            verdicts = {}
            names = ", ".join(sorted({each.service.name for each in knowledge.asked}))
            warnings.append(
                f"The health checks of {names} could not be run before the reload: their servers are down until "
                "HAProxy has checked them"
            )
        carried = states.carried(knowledge.with_verdicts(verdicts))
        with carried_states(carried, keep=[self._lock]):
            steps.done("carry the server states")
            self._load()
            steps.done("reload")
        steps.done("rest the server states")
        return warnings

    def _load(self) -> None:
        old = self._running.process.worker
        if self._running.process.master is not None:
            verdict = self._running.process.master.reload()
            if not verdict.ok:
                raise ApplyError(f"HAProxy failed to reload: {verdict.log or self._where_log_is()}")
        else:
            failure = unit.reload(self._request.unit)
            if failure is not None:
                raise ApplyError(f"systemctl reload {self._request.unit} failed: {failure}")
        self._running.process = self._successor(old)
        self._running.loaded = {**self._running.loaded, **self._running.target()}

    def _where_log_is(self) -> str:
        return f"see its log (journalctl -u {self._request.unit})"

    def _successor(self, old: Worker) -> Process:
        """The worker that took over from `old`."""
        deadline = time.monotonic() + SUCCESSOR
        while time.monotonic() < deadline:
            process = find(self._request.master_socket, self._request.stats_socket)
            if process is not None and process.worker != old:
                return process
            time.sleep(_POLL)
        raise ApplyError(f"no new worker started within {SUCCESSOR:g} seconds of the reload")

    def _verify(self) -> dict[str, list[str]]:
        """The differences that remain after the reload, by service. Raises `ApplyError` if something is missing.

        A worker that somebody else's reload replaces meanwhile closes its listeners shortly before the master names its
        successor, which is verified then.
        """
        running = self._running
        deadline = time.monotonic() + TAKEN_OVER
        while True:
            found = verify(running.services, running.gone, running.look(frontends=True), running.process.worker.pid)
            if not found.errors:
                return found.differences
            now = find(self._request.master_socket, self._request.stats_socket)
            if now is None or time.monotonic() > deadline:
                raise ApplyError(f"HAProxy reloaded, but {'; it '.join(found.errors)}")
            running.process = now
            time.sleep(_POLL)

    def remember(self, outcome: Outcome, contents: Mapping[str, Optional[bytes]]) -> None:
        """Record what the worker has loaded, and which files have been written."""
        running = self._running
        heads = {**running.loaded, **running.target()}
        if outcome.reloaded:
            unfinished.write(running.unfinished_path, running.process.worker, {})
            heads = {n: record.head(service) for n, service in running.view.items() if service.owner is not None}
            for name, texts in outcome.accepted.items():
                heads[name] = replace(heads[name], accepted=tuple(texts))
        present = {name: head for name, head in heads.items() if name in running.view}
        known = record.forget(record.with_written(running.record, contents), running.view)
        record.write_record(running.record_path, replace(known, worker=running.process.worker, heads=present))
        steps.done("write the record")

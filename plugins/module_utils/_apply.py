# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make the running HAProxy run what the files say, and verify it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Optional

from ansible_collections.pgsvc.access.plugins.module_utils import _loaded, _process, _systemd, _unfinished
from ansible_collections.pgsvc.access.plugins.module_utils._deadlines import SUCCESSOR
from ansible_collections.pgsvc.access.plugins.module_utils._decide import RELOAD, RUNTIME, Decision, Plan
from ansible_collections.pgsvc.access.plugins.module_utils._errors import ApplyError, CLIError
from ansible_collections.pgsvc.access.plugins.module_utils._process import Process
from ansible_collections.pgsvc.access.plugins.module_utils._rehearsal import Asked, Verdicts
from ansible_collections.pgsvc.access.plugins.module_utils._request import Applied, Request, Step
from ansible_collections.pgsvc.access.plugins.module_utils._running import Running
from ansible_collections.pgsvc.access.plugins.module_utils._runtime_apply import apply_changes
from ansible_collections.pgsvc.access.plugins.module_utils._state_guard import held
from ansible_collections.pgsvc.access.plugins.module_utils._states import States
from ansible_collections.pgsvc.access.plugins.module_utils._verify import verify

_POLL = 0.1

Ask = Callable[[Sequence[Asked]], Optional[Verdicts]]
"""Asks health checks before a reload, see `_rehearsal.rehearse`."""


class Apply:
    """One apply: carry it out, then remember it or go back.

    `lock` is the descriptor of the lock, held until the server states are at rest again. `began_with` is the worker
    that ran before, `taken` says that HAProxy has taken the new files over, `warnings` are for the user.
    """

    def __init__(self, request: Request, running: Running, ask: Ask, lock: int, step: Step) -> None:
        self._request = request
        self._running = running
        self._ask = ask
        self._lock = lock
        self._step = step
        self._accepted: dict[str, list[str]] = {}
        self.began_with = running.process.worker
        self.taken = False
        self.warnings: list[str] = []

    def carry_out(self, plan: Plan, states: States) -> Applied:
        """Apply and verify; `states` are those of the new files. Raises `ApplyError`."""
        decision = plan.decision
        if decision.method == RUNTIME:
            draining, why = self._change_servers(plan)
            if not why:
                return Applied(RUNTIME, decision.reason, draining)
            decision = Decision(RELOAD, f"{decision.reason}, but the Runtime API could not make the change: {why}")
        self._reload(states)
        self._verify()
        return Applied(self._running.method(decision), decision.reason)

    def _change_servers(self, plan: Plan) -> tuple[list[str], str]:
        """By the Runtime API: the servers that wait for their last sessions, and why a reload is needed after all."""
        running = self._running
        touched = {server: admin for each in plan.changes for server, admin in each.touched()}
        waiting = dict.fromkeys(plan.draining, 0)
        _unfinished.write(running.unfinished_path, running.process.worker, {**running.unfinished, **touched, **waiting})
        self._step("record the servers that change")
        try:
            draining = [*plan.draining, *apply_changes(running.process.api, *plan.changes)]
            self._step("change the servers")
            left = running.left(draining)
        except CLIError as error:
            return [], str(error)
        if left:
            return draining, "; ".join(f"{n}: {', '.join(d.text for d in each)}" for n, each in left.items())
        _unfinished.write(running.unfinished_path, running.process.worker, dict.fromkeys(draining, 0))
        return draining, ""

    def back(self, states: States, process: Process) -> None:
        """Load the files again, which are the old ones now; `process` is what runs."""
        self._running.process = process
        self._reload(states)

    def _reload(self, states: States) -> None:
        """Reload with the verdicts that the running worker has about the servers, and those that it lacks asked."""
        knowledge = self._running.knowledge(list(states.services.values()))
        verdicts = self._ask(knowledge.asked)
        if verdicts is None:
            verdicts = {}
            names = ", ".join(sorted({each.service.name for each in knowledge.asked}))
            self.warnings.append(
                f"The health checks of {names} could not be asked before the reload: their servers are down until "
                "HAProxy has checked them"
            )
        carried = states.carried(knowledge.with_verdicts(verdicts))
        with held(carried, keep=[self._lock]):
            self._step("carry the server states")
            self._load()
            self._step("reload")
        self._step("rest the server states")

    def _load(self) -> None:
        old = self._running.process.worker
        if self._running.process.master is not None:
            verdict = self._running.process.master.reload()
            if not verdict.ok:
                words = verdict.log or self._log_of_systemd()
                raise ApplyError(f"HAProxy failed to reload: {words}")
        else:
            failure = _systemd.reload(self._request.unit)
            if failure is not None:
                raise ApplyError(f"systemctl reload {self._request.unit} failed: {failure}")
        self.taken = True
        self._running.process = self._successor(old)
        self._running.loaded = {**self._running.loaded, **self._running.target()}

    def _log_of_systemd(self) -> str:
        return f"its words are in its log (journalctl -u {self._request.unit})"

    def _successor(self, old: _loaded.Worker) -> Process:
        """The worker that took over from `old`."""
        deadline = time.monotonic() + SUCCESSOR
        while time.monotonic() < deadline:
            process = _process.find(self._request.master_socket, self._request.stats_socket)
            if process is not None and process.worker != old:
                return process
            time.sleep(_POLL)
        raise ApplyError(f"no new worker came up within {SUCCESSOR:g} seconds of the reload")

    def _verify(self) -> None:
        running = self._running
        found = verify(running.services, running.gone, running.look(frontends=True), running.process.worker.pid)
        if found.errors:
            raise ApplyError(f"HAProxy reloaded, but {'; it '.join(found.errors)}")
        self._accepted = found.differences
        self.warnings += [f"{name}: {text}" for name, texts in found.differences.items() for text in texts]

    def remember(self, contents: Mapping[str, Optional[bytes]]) -> None:
        """Record what the worker has loaded, and that these files have been written."""
        running = self._running
        heads = {**running.loaded, **running.target()}
        if self.taken:
            _unfinished.write(running.unfinished_path, running.process.worker, {})
            heads = {n: _loaded.head(service) for n, service in running.view.items() if service.owner is not None}
            for name, texts in self._accepted.items():
                heads[name] = replace(heads[name], accepted=tuple(texts))
        present = {name: head for name, head in heads.items() if name in running.view}
        record = _loaded.forget(_loaded.with_written(running.record, contents), running.view)
        _loaded.write_record(running.record_path, replace(record, worker=running.process.worker, heads=present))
        self._step("write the record")

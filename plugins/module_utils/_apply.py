# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bring the running HAProxy to what the files say, and verify it."""

from __future__ import annotations

import time
from dataclasses import replace

from ansible_collections.pgsvc.access.plugins.module_utils import _confdir, _loaded, _process, _systemd
from ansible_collections.pgsvc.access.plugins.module_utils._decide import RELOAD, RUNTIME, Decision
from ansible_collections.pgsvc.access.plugins.module_utils._errors import ApplyError, CLIError
from ansible_collections.pgsvc.access.plugins.module_utils._process import Process
from ansible_collections.pgsvc.access.plugins.module_utils._request import Applied, Request, Step
from ansible_collections.pgsvc.access.plugins.module_utils._running import Running
from ansible_collections.pgsvc.access.plugins.module_utils._runtime_apply import apply_changes
from ansible_collections.pgsvc.access.plugins.module_utils._state_guard import held
from ansible_collections.pgsvc.access.plugins.module_utils._states import States

_POLL = 0.1
_RELOAD_TIMEOUT = 60.0  # seconds until a reload by systemd must have brought a new worker


class Apply:
    """One apply: carry it out, then remember it or go back.

    `states` are the server states that a new process begins with; `lock` the descriptor of the lock, held until
    they are at rest again. `taken` says that the process has begun to take the new files over.
    """

    def __init__(self, request: Request, running: Running, lock: int, step: Step) -> None:
        self._request = request
        self._running = running
        self._lock = lock
        self._step = step
        self._accepted: dict[str, list[str]] = {}
        self.taken = False

    def carry_out(self, decision: Decision, states: States) -> Applied:
        """Apply and verify. Raises `ApplyError`."""
        if decision.method == RUNTIME:
            draining, why = self._change_servers()
            if not why:
                return Applied(RUNTIME, decision.reason, draining)
            decision = Decision(RELOAD, f"{decision.reason}, but the Runtime API did not bring them there: {why}")
        self._reload(states)
        self._verify()
        return Applied(self._running.method(decision), decision.reason)

    def _change_servers(self) -> tuple[list[str], str]:
        """By the Runtime API: the servers that wait for their last sessions, and why a reload is needed after all."""
        try:
            draining = [*self._running.draining, *apply_changes(self._running.process.api, *self._running.changes)]
            self._step("change the servers")
            left = self._running.left(draining)
        except CLIError as error:
            return [], str(error)
        return draining, "; ".join(f"{name}: {', '.join(texts)}" for name, texts in left.items())

    def back(self, states: States) -> None:
        """Load the files again, which are the old ones now."""
        self._reload(states)

    def _reload(self, states: States) -> None:
        """Reload with the verdicts that the running worker has about the servers."""
        carried = states.carried(self._running.process.api.servers_state())
        with held(carried, states.resting, keep=[self._lock]):
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

    def _log_of_systemd(self) -> str:
        return f"its words are in its log (journalctl -u {self._request.unit})"

    def _successor(self, old: _loaded.Worker) -> Process:
        """The worker that took over from `old`."""
        deadline = time.monotonic() + _RELOAD_TIMEOUT
        while time.monotonic() < deadline:
            process = _process.find(self._request.master_socket, self._request.stats_socket)
            if process is not None and process.worker != old:
                return process
            time.sleep(_POLL)
        raise ApplyError(f"no new worker came up within {_RELOAD_TIMEOUT:g} seconds of the reload")

    def _verify(self) -> None:
        proxies = self._running.process.proxies()
        missing = sorted(set(self._running.services) - proxies)
        left = sorted(self._running.gone & proxies)
        if missing:
            raise ApplyError(f"HAProxy reloaded, but does not know {', '.join(missing)}")
        if left:
            raise ApplyError(f"HAProxy reloaded, but still runs {', '.join(left)}")
        self._accepted = self._running.left(())

    def remember(self) -> None:
        """Record what the worker has loaded."""
        running = self._running
        heads = {**running.loaded, **running.target()}
        if self.taken:
            heads = _loaded.heads(_confdir.read(self._request.conf_dir))
            for name, texts in self._accepted.items():
                heads[name] = replace(heads[name], accepted=texts)
        present = {name: head for name, head in heads.items() if name in running.view}
        _loaded.write_record(running.record_path, _loaded.Record(self._running.process.worker, present))
        self._step("write the record")

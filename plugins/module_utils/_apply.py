# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bring the running HAProxy to what the files say, and verify it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ansible_collections.pgsvc.access.plugins.module_utils import _confdir, _loaded, _process, _systemd
from ansible_collections.pgsvc.access.plugins.module_utils._confdir import Change, Entry
from ansible_collections.pgsvc.access.plugins.module_utils._decide import (
    RELOAD,
    SYSTEMD,
    Decision,
    decide,
)
from ansible_collections.pgsvc.access.plugins.module_utils._process import Process
from ansible_collections.pgsvc.access.plugins.module_utils._service_file import ServiceFile, owned_by, parse
from ansible_collections.pgsvc.access.plugins.module_utils._state_guard import held
from ansible_collections.pgsvc.access.plugins.module_utils._states import States

if TYPE_CHECKING:
    from ansible_collections.pgsvc.access.plugins.module_utils._publish import Request

_POLL = 0.1
_RELOAD_TIMEOUT = 60.0  # seconds until a reload by systemd must have brought a new worker


@dataclass(frozen=True)
class Applied:
    """How the running process was brought to the files, and why this way."""

    method: str
    reason: str


class ApplyError(Exception):
    """HAProxy did not come to what the files say."""


class Apply:
    """One apply: decide how, carry it out, or go back.

    `disk` is the directory before the change, `changes` what the call makes of it. `taken` says that the process has
    begun to take the new files over.
    """

    def __init__(
        self,
        request: Request,
        process: Process,
        disk: Mapping[str, Entry],
        changes: Sequence[Change],
        step: Callable[[str], None],
    ) -> None:
        self._request = request
        self._process = process
        self._step = step
        self.taken = False
        self._record_path = request.state_dir / "loaded.json"
        self._record = _loaded.read_record(self._record_path)
        self._loaded = _loaded.loaded(self._record, process.worker, disk)
        view = _confdir.after(disk, changes)
        self._services = {c.name: _parse(c.name, view[c.name]) for c in changes if c.name in view}
        self._view = view
        self._gone = self._find_gone(changes)

    def _find_gone(self, changes: Sequence[Change]) -> set[str]:
        """Services that have no file any more: those this call removes, and those whose removal was never applied."""
        gone = {change.name for change in changes if change.name not in self._view}
        if self._record is not None:
            for name, head in self._record.heads.items():
                if name not in self._view and owned_by(head.owner, self._request.owners):
                    gone.add(name)
        return gone

    def decide(self) -> Decision:
        """Which way leads to the files; asks the running process, changes nothing."""
        return decide(self._target(), self._gone, self._loaded, self._process.proxies(), self._differing())

    def _target(self) -> dict[str, _loaded.Head]:
        return {name: _loaded.Head(s.owner or "", s.head_digest) for name, s in self._services.items()}

    def _differing(self) -> list[str]:
        return []

    def method(self, decision: Decision) -> str:
        """The decision as the result names it: a reload may have to go through systemd."""
        return SYSTEMD if decision.method == RELOAD and self._process.master is None else decision.method

    def carry_out(self, decision: Decision, states: States, lock: int) -> Applied:
        """Apply and verify. Raises `ApplyError`.

        `states` are the server states that a new process begins with; `lock` the descriptor of the lock, which is held
        until they are at rest again.
        """
        reason = decision.reason
        self._reload(states, lock)
        self._verify()
        return Applied(self.method(Decision(RELOAD, reason)), reason)

    def back(self, states: States, lock: int) -> None:
        """Load the files again, which are the old ones now."""
        self._reload(states, lock)

    def _reload(self, states: States, lock: int) -> None:
        """Reload with the verdicts that the running worker has about the servers."""
        carried = states.carried(self._process.api.servers_state())
        with held(carried, states.resting, keep=[lock]):
            self._step("carry the server states")
            self._load()
            self._step("reload")
        self._step("rest the server states")

    def _load(self) -> None:
        old = self._process.worker
        if self._process.master is not None:
            verdict = self._process.master.reload()
            if not verdict.ok:
                words = verdict.log or self._log_of_systemd()
                raise ApplyError(f"HAProxy failed to reload: {words}")
        else:
            failure = _systemd.reload(self._request.unit)
            if failure is not None:
                raise ApplyError(f"systemctl reload {self._request.unit} failed: {failure}")
        self.taken = True
        self._process = self._successor(old)

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
        proxies = self._process.proxies()
        missing = sorted(set(self._services) - proxies)
        left = sorted(self._gone & proxies)
        if missing:
            raise ApplyError(f"HAProxy reloaded, but does not know {', '.join(missing)}")
        if left:
            raise ApplyError(f"HAProxy reloaded, but still runs {', '.join(left)}")

    def remember(self) -> None:
        """Record what the worker has loaded."""
        heads = {**self._loaded, **self._target()}
        if self.taken:
            heads = _loaded.heads(_confdir.read(self._request.conf_dir))
        present = {name: head for name, head in heads.items() if name in self._view}
        _loaded.write_record(self._record_path, _loaded.Record(self._process.worker, present))
        self._step("write the record")


def _parse(name: str, content: bytes) -> ServiceFile:
    return parse(name, content.decode(errors="surrogateescape"))

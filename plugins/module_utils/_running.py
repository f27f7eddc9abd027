# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What HAProxy runs, compared with what the files say."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Union

from ansible_collections.pgsvc.access.plugins.module_utils import _confdir, _loaded
from ansible_collections.pgsvc.access.plugins.module_utils._cli import ServerRow
from ansible_collections.pgsvc.access.plugins.module_utils._confdir import Change, Entry
from ansible_collections.pgsvc.access.plugins.module_utils._decide import RELOAD, SYSTEMD, Decision, decide
from ansible_collections.pgsvc.access.plugins.module_utils._process import Process
from ansible_collections.pgsvc.access.plugins.module_utils._request import Request
from ansible_collections.pgsvc.access.plugins.module_utils._runtime import (
    Changes,
    NeedsReload,
    Stat,
    differences,
    plan_changes,
)
from ansible_collections.pgsvc.access.plugins.module_utils._server_state import FORCED_DRAIN
from ansible_collections.pgsvc.access.plugins.module_utils._service_file import ServiceFile, owned_by, parse


class Running:
    """The running process and the services that a call is about. Looks, changes nothing.

    `disk` is the directory before the change, `changes` what the call makes of it. Of the servers, `decide` finds the
    `changes` that the Runtime API can make, and those that are `draining` since an earlier run.
    """

    def __init__(
        self, request: Request, process: Process, disk: Mapping[str, Entry], changes: Sequence[Change]
    ) -> None:
        self.process = process
        self.record_path = request.state_dir / "loaded.json"
        self.view = _confdir.after(disk, changes)
        self.services = {c.name: _parse(c.name, self.view[c.name]) for c in changes if c.name in self.view}
        self._record = _loaded.read_record(self.record_path)
        self.loaded = _loaded.loaded(self._record, process.worker, disk)
        self.gone = self._find_gone(request, changes)
        self._kept = {file.name for file in request.files if not file.cut_removed}
        self.changes: list[Changes] = []
        self.draining: list[str] = []

    def _find_gone(self, request: Request, changes: Sequence[Change]) -> set[str]:
        """Services that have no file any more: those this call removes, and those whose removal was never applied."""
        gone = {change.name for change in changes if change.name not in self.view}
        if self._record is not None:
            for name, head in self._record.heads.items():
                if name not in self.view and owned_by(head.owner, request.owners):
                    gone.add(name)
        return gone

    def decide(self) -> Decision:
        """Which way leads to the files; also finds `changes` and `draining`."""
        stat = self.process.api.stat()
        proxies = {row["pxname"] for row in stat}
        reasons: dict[str, str] = {}
        for name, plan in self._plans(stat, proxies).items():
            if isinstance(plan, NeedsReload):
                reasons[name] = plan.reason
            else:
                reasons[name] = ""
                self.changes.append(plan)
        return decide(self.target(), self.gone, self.loaded, proxies, reasons)

    def _plans(self, stat: Stat, proxies: Collection[str]) -> dict[str, Union[Changes, NeedsReload]]:
        """What brings the servers to the files, of the services whose servers are not there yet.

        Where the head is not loaded, only a reload helps, and brings the servers, too.
        """
        rows = self.process.api.servers_state() if self.services else []
        plans: dict[str, Union[Changes, NeedsReload]] = {}
        for name, service in self.services.items():
            head = self.loaded.get(name)
            if name in proxies and head is not None and head.digest == service.head_digest:
                plan = self._plan(service, head, rows, stat)
                if plan:
                    plans[name] = plan
        return plans

    def _plan(
        self, service: ServiceFile, head: _loaded.Head, rows: Sequence[ServerRow], stat: Stat
    ) -> Union[Changes, NeedsReload]:
        name, wanted = service.name, service.servers()
        if head.accepted and set(differences(name, service.head, rows, stat, wanted)) <= set(head.accepted):
            return Changes()
        options = _loaded.head(service).options
        replaced = [server for server, words in options.items() if head.options.get(server, words) != words]
        cut = name not in self._kept
        plan = plan_changes(name, service.head, rows, stat, wanted, cut_removed=cut, replaced=replaced)
        if isinstance(plan, NeedsReload):
            return plan
        waiting = [removal for removal in plan.removals if not removal.cut and _waits(removal.server, rows, stat)]
        self.draining.extend(removal.server for removal in waiting)
        return replace(plan, removals=tuple(removal for removal in plan.removals if removal not in waiting))

    def left(self, draining: Collection[str]) -> dict[str, list[str]]:
        """In what the running servers are not those of the files, by service; nothing when they are the same."""
        stat, rows = self.process.api.stat(), self.process.api.servers_state()
        found = {
            name: differences(name, service.head, rows, stat, service.servers(), draining=draining)
            for name, service in self.services.items()
        }
        return {name: texts for name, texts in found.items() if texts}

    def target(self) -> dict[str, _loaded.Head]:
        """What the process is to have loaded."""
        return {name: _loaded.head(service) for name, service in self.services.items()}

    def method(self, decision: Decision) -> str:
        """The decision as the result names it: a reload may have to go through systemd."""
        return SYSTEMD if decision.method == RELOAD and self.process.master is None else decision.method


def _waits(server: str, rows: Sequence[ServerRow], stat: Stat) -> bool:
    """Whether a server that has to go is in drain already and still holds sessions: nothing can be done now."""
    proxy, _slash, name = server.partition("/")
    drained = any((r.be_name, r.srv_name) == (proxy, name) and r.admin_state & FORCED_DRAIN for r in rows)
    held = sum(int(row["scur"] or 0) for row in stat if (row["pxname"], row["svname"]) == (proxy, name))
    return drained and held > 0


def _parse(name: str, content: bytes) -> ServiceFile:
    return parse(name, content.decode(errors="surrogateescape"))

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What HAProxy runs, compared with what the files say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ansible_collections.pgsvc.access.plugins.module_utils import _confdir, _loaded
from ansible_collections.pgsvc.access.plugins.module_utils._confdir import Change, Entry
from ansible_collections.pgsvc.access.plugins.module_utils._decide import RELOAD, SYSTEMD, Decision, decide
from ansible_collections.pgsvc.access.plugins.module_utils._process import Process
from ansible_collections.pgsvc.access.plugins.module_utils._request import Request
from ansible_collections.pgsvc.access.plugins.module_utils._service_file import ServiceFile, owned_by, parse


class Running:
    """The running process and the services that a call is about. Looks, changes nothing.

    `disk` is the directory before the change, `changes` what the call makes of it.
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

    def _find_gone(self, request: Request, changes: Sequence[Change]) -> set[str]:
        """Services that have no file any more: those this call removes, and those whose removal was never applied."""
        gone = {change.name for change in changes if change.name not in self.view}
        if self._record is not None:
            for name, head in self._record.heads.items():
                if name not in self.view and owned_by(head.owner, request.owners):
                    gone.add(name)
        return gone

    def decide(self) -> Decision:
        """Which way leads to the files."""
        return decide(self.target(), self.gone, self.loaded, self.process.proxies(), self.differing())

    def target(self) -> dict[str, _loaded.Head]:
        """The heads that the process is to have loaded."""
        return {name: _loaded.Head(s.owner or "", s.head_digest) for name, s in self.services.items()}

    def differing(self) -> list[str]:
        """The services whose servers are not those of their files."""
        return []

    def method(self, decision: Decision) -> str:
        """The decision as the result names it: a reload may have to go through systemd."""
        return SYSTEMD if decision.method == RELOAD and self.process.master is None else decision.method


def _parse(name: str, content: bytes) -> ServiceFile:
    return parse(name, content.decode(errors="surrogateescape"))

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The running HAProxy: who it is and by which socket it can be spoken to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from ansible_collections.pgsvc.access.plugins.module_utils._cli import MasterCLI, Processes, RuntimeAPI
from ansible_collections.pgsvc.access.plugins.module_utils._errors import CLIError
from ansible_collections.pgsvc.access.plugins.module_utils._loaded import Worker, worker


@dataclass(frozen=True)
class Process:
    """The current worker, its Runtime API, and its master where that has a socket."""

    worker: Worker
    api: RuntimeAPI
    master: Optional[MasterCLI]
    master_pid: Optional[int]

    def proxies(self) -> set[str]:
        """The names of all proxies that the worker knows."""
        return {row["pxname"] for row in self.api.stat()}

    def old_workers(self) -> dict[str, int]:
        """How many workers of earlier reloads still hold how many sessions: those have no health checks any more."""
        held = [sessions for sessions in self.master.old_sessions().values() if sessions] if self.master else []
        return {"count": len(held), "sessions": sum(held)}


def find(master_socket: str, stats_socket: str) -> Optional[Process]:
    """The running HAProxy; None when nobody is behind either socket.

    The master's socket is asked first: it always leads to the current worker. Raises `CLIError` when somebody is there
    and does not answer as HAProxy does.
    """
    try:
        master = MasterCLI(master_socket)
        return _behind(master, master.processes())
    except CLIError as error:
        if not _nobody(error):
            raise
    try:
        api = RuntimeAPI(stats_socket)
        found = worker(int(api.info()["Pid"]))
    except CLIError as error:
        if not _nobody(error):
            raise
        return None
    return Process(found, api, None, None) if found else None


def _nobody(error: CLIError) -> bool:
    """Whether a socket is not there, or was left behind by a process that is gone."""
    return isinstance(error.__context__, (FileNotFoundError, ConnectionRefusedError))


def _behind(master: MasterCLI, processes: Processes) -> Optional[Process]:
    found = worker(processes.workers[0].pid) if processes.workers else None
    return Process(found, master.current(), master, processes.master) if found else None

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds the running HAProxy: its process, and the socket to send commands to."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Optional

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.sockets import MasterCLI, ProcessList, RuntimeAPI
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.version import Version, check_running
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.worker import Worker, worker
from ansible_collections.pgsvc.access.plugins.module_utils._host.deadlines import MASTER_BACK, RELOAD
from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import CLIError, CutOffError, NotRunningError
from ansible_collections.pgsvc.access.plugins.module_utils._host.light_dataclass import dataclass

_POLL = 0.05
_SOCKET_BACK = 1.0  # seconds that a socket may have no listener while HAProxy reloads


@dataclass(frozen=True)
class Process:
    """The current worker, its Runtime API, and its master if that has a socket."""

    worker: Worker
    api: RuntimeAPI
    master: Optional[MasterCLI]
    master_pid: Optional[int]
    version: Version

    def version_of(self, program: Optional[str]) -> Optional[Version]:
        """The version of a program, given its path, if the worker runs the same file; None otherwise."""
        try:
            is_same = program is not None and Path(program).samefile(f"/proc/{self.worker.pid}/exe")
        except OSError:
            return None
        return self.version if is_same else None

    def old_workers(self) -> dict[str, int]:
        """The number of old workers with sessions, and of their sessions, which are not covered by health checks."""
        busy = [sessions for sessions in self.master.old_sessions().values() if sessions] if self.master else []
        return {"count": len(busy), "sessions": sum(busy)}


def find(master_socket: str, stats_socket: str) -> Optional[Process]:
    """The running HAProxy; None if no process listens on either socket.

    The master's socket is tried first, as it always leads to the current worker. While the master re-executes itself,
    it does not listen for a moment; the worker's socket shows whether there is such a master. Raises `CLIError` if a
    process listens but does not answer like HAProxy, `PublishError` if HAProxy is too old.
    """
    master = MasterCLI(master_socket, RELOAD)
    began = time.monotonic()
    deadline = began + MASTER_BACK
    while True:
        try:
            found = _find_by_master(master, master.processes())
        except NotRunningError as error:
            alone = _find_by_stats_socket(stats_socket)
            if alone is None and time.monotonic() < began + _SOCKET_BACK and os.path.lexists(master_socket):
                time.sleep(_POLL)
                continue
            if alone is None or not has_master(alone.worker.pid, master_socket):
                return alone
            if time.monotonic() > deadline:
                raise CLIError(f"{error}: its master is running, but has not answered for {MASTER_BACK:g} s") from None
        except CutOffError:
            if time.monotonic() > deadline:
                raise
        else:
            # During a reload there may be no current worker for a moment.
            if found is not None or time.monotonic() > deadline:
                return found
        time.sleep(_POLL)


def _find_by_master(master: MasterCLI, processes: ProcessList) -> Optional[Process]:
    if not processes.workers:
        return None
    first_of = processes.master if processes.reloads == 0 else None
    found = worker(processes.workers[0].pid, first_of)
    if found is None:
        return None
    api = master.current()
    return Process(found, api, master, processes.master, check_running(api.info(), master.path))


def _find_by_stats_socket(stats_socket: str) -> Optional[Process]:
    api = RuntimeAPI(stats_socket)
    try:
        info = api.info()
    except NotRunningError:
        return None
    version = check_running(info, stats_socket)
    pid = info.get("Pid", "")
    if not (pid.isascii() and pid.isdigit() and len(pid) < 10):
        raise CLIError(f"HAProxy at {stats_socket} does not report its process id (show info)")
    found = worker(int(pid))
    return Process(found, api, None, None, version) if found else None


def has_master(pid: int, master_socket: str) -> bool:
    """Whether the parent of a worker is, or may be, a master that was started with `-S` and this socket.

    It may be one while that cannot be told: the worker has just ended, or its parent is about to execute itself and has
    no arguments (proc(5), cmdline).
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        parent = stat.rpartition(")")[2].split()[1]
        command = Path(f"/proc/{parent}/cmdline").read_bytes().decode(errors="surrogateescape").split("\0")
    except (OSError, IndexError):
        return True
    if command == [""]:
        return True
    sockets = [path.partition(",")[0] for word, path in zip(command, command[1:]) if word == "-S"]
    return any(os.path.realpath(path) == os.path.realpath(master_socket) for path in sockets)

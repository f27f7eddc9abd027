# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sessions of servers in the current worker and in those that earlier reloads have left, and how to end them."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Collection, Iterator

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.process import Process
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.sockets import RuntimeAPI
from ansible_collections.pgsvc.access.plugins.module_utils._host.deadlines import CUT
from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import CLIError

_SESSION = re.compile(r"(?P<id>0x[0-9a-f]+): .* be=(?P<proxy>\S+) srv=(?P<server>\S+) ")
_POLL = 0.1


def sessions_of(servers: Collection[str], process: Process) -> dict[str, int]:
    """The sessions of each server (``<proxy>/<name>``), in all workers."""
    found = dict.fromkeys(servers, 0)
    rows = list(process.api.stat(frontends=False))
    for old in _old_workers(process):
        with contextlib.suppress(CLIError):  # it has ended meanwhile
            rows += old.stat(frontends=False)
    for row in rows:
        server = f"{row['pxname']}/{row['svname']}"
        if server in found:
            found[server] += int(row["scur"] or 0) + int(row["qcur"] or 0)
    return found


def end_sessions(servers: Collection[str], process: Process) -> int:
    """End the sessions of these servers (``<proxy>/<name>``) in all workers; how many there were."""
    found = sum(sessions_of(servers, process).values())
    deadline = time.monotonic() + CUT
    left = found
    while left and time.monotonic() < deadline:
        for server in servers:
            process.api.command(f"shutdown sessions server {server}")
        for old in _old_workers(process):
            with contextlib.suppress(CLIError):  # it has ended meanwhile
                _end_each(servers, old)
        time.sleep(_POLL)
        left = sum(sessions_of(servers, process).values())
    return found


def _old_workers(process: Process) -> Iterator[RuntimeAPI]:
    """The workers of earlier reloads, which still hold sessions."""
    if process.master is not None:
        for old in process.master.processes().old_workers:
            yield process.master.worker(old.pid)


def _end_each(servers: Collection[str], worker: RuntimeAPI) -> None:
    """In a worker whose proxies have stopped, HAProxy ends single sessions only (Management Guide 9.3, "show sess")."""
    for line in worker.command("show sess").splitlines():
        match = _SESSION.match(line)
        if match is not None and f"{match['proxy']}/{match['server']}" in servers:
            worker.command(f"shutdown session {match['id']}")

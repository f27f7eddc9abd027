# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks of HAProxy that keepalived runs on a load balancer. Exit code 0: passed, 1: failed, 2: wrong arguments.

    alive [SOCKET]  HAProxy answers on its stats socket
    some [SOCKET]   at least one of its services has a usable server
    all [SOCKET]    all of its services that have servers have a usable one

Without SOCKET, it is that of Debian's package and of role haproxy, or else that of Pigsty: the first one that a process
listens on.

A service is a proxy with a frontend and a backend of the same name (HAProxy manual, "listen"). A service that was
declared without servers does not count. Without any service, ``some`` and ``all`` fail.
"""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Sequence

SOCKETS = ("/run/haproxy/admin.sock", "/run/haproxy.sock")

PATIENCE = 0.8  # seconds: HAProxy is frozen if it does not answer in this time
RESTART = 0.4  # seconds that HAProxy may take to restart, during which it refuses connections
_PAUSE = 0.05
_STATISTICS = "show stat -1 3 -1"  # 3: frontends and backends


def is_alive(paths: Sequence[str]) -> bool:
    """Whether HAProxy answers. While it refuses connections, it may be restarting."""
    started = time.monotonic()
    while True:
        try:
            return "Version:" in ask(paths, "show info", started + PATIENCE)
        except BlockingIOError:  # other clients of the socket are waiting, too
            patience = PATIENCE
        except (ConnectionError, FileNotFoundError):
            patience = RESTART
        if time.monotonic() > started + patience:
            return False
        time.sleep(_PAUSE)


def ask(paths: Sequence[str], command: str, deadline: float) -> str:
    """The answer to a command. Raises OSError if there is no complete one before the deadline."""
    found = bytearray()
    with _connected(paths, deadline) as connection:
        connection.sendall(f"{command}\n".encode())
        while True:
            connection.settimeout(max(deadline - time.monotonic(), 0.001))
            part = connection.recv(65536)
            if not part:
                return found.decode(errors="replace")
            found += part


def _connected(paths: Sequence[str], deadline: float) -> socket.socket:
    """A connection to the first socket that accepts one. Raises OSError."""
    *others, last = paths
    for path in others:
        try:
            return _connect(path, deadline)
        except (ConnectionError, FileNotFoundError):  # left behind, or of another layout
            continue
    return _connect(last, deadline)


def _connect(path: str, deadline: float) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(max(deadline - time.monotonic(), 0.001))
        connection.connect(path)
    except OSError:
        connection.close()
        raise
    return connection


def services(statistics: str) -> dict[str, bool]:
    """Whether each service with servers has a usable one, from HAProxy's statistics (manual, "show stat")."""
    lines = statistics.lstrip("# ").splitlines()
    fields = lines[0].split(",") if lines else []
    rows = [dict(zip(fields, line.split(","))) for line in lines[1:] if line]  # noqa: B905  Python 3.9
    frontends = {row["pxname"] for row in rows if row["svname"] == "FRONTEND"}
    found = {}
    for row in rows:
        if row["svname"] == "BACKEND" and row["pxname"] in frontends:
            usable = int(row["act"] or 0) + int(row["bck"] or 0)
            if usable or row["status"] == "DOWN":  # a backend without servers is UP
                found[row["pxname"]] = bool(usable)
    return found


def passes(check: str, paths: Sequence[str]) -> bool:
    """The result of a check. Raises OSError, or another error if the answer is not that of HAProxy."""
    if check == "alive":
        return is_alive(paths)
    found = services(ask(paths, _STATISTICS, time.monotonic() + PATIENCE)).values()
    return any(found) if check == "some" else bool(found) and all(found)


def main(arguments: Sequence[str]) -> int:
    if len(arguments) not in (1, 2) or arguments[0] not in ("alive", "some", "all"):
        sys.stderr.write(f"{__doc__}\n")
        return 2
    try:
        return 0 if passes(arguments[0], arguments[1:] or SOCKETS) else 1
    except (OSError, ValueError, KeyError):
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

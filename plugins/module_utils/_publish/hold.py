# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""New connections that wait for a server: the Lua script of HAProxy that lets them wait, and who uses it.

The script is a file in the state folder. Its name has a digest of its text: another version of this collection writes
another file, and service files that name the old one keep it.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Optional

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.config import Section
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.grammar import unquoted
from ansible_collections.pgsvc.access.plugins.module_utils._host import steps
from ansible_collections.pgsvc.access.plugins.module_utils._host.files import read_regular, write_file

if TYPE_CHECKING:
    from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.proxies import Proxy
    from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.sockets import RuntimeAPI

ACTION = "lua.pgsvc_hold"
"""The action of the script. Its arguments (service, gate, milliseconds) are the same in every version of it."""

LONGEST_CLOSED = 60
"""Seconds for which a gate can be closed at most. After that it is open, whatever has become of who closed it."""

# Each service file that holds loads the script, and HAProxy refuses an action that is registered twice. An action
# that is still running at the end of `inspect-delay` is an ALERT for each connection, so it ends by itself before.
# https://www.arpalert.org/src/haproxy-lua-api/2.6/index.html
SCRIPT = """\
-- Part of the Ansible collection pgsvc.access, which overwrites changes made here.
--
-- tcp-request content lua.pgsvc_hold <backend> <gate> <ms> if { nbsrv(<backend>) eq 0 } || { var(<gate>) -m int gt 0 }
--
-- Lets a new connection wait until the backend has a usable server and its gate is open, at most for the given time.
-- A connection that its client has closed stops waiting. So do all in a process that is stopping, as after a reload:
-- it does not check servers any more, and its backends have no usable server.
--
-- The gate is a variable of the process: the time, in seconds since 1970, at which it opens by itself. A time that is
-- further away than a gate can be closed is not one: the clock was set.
if not pgsvc_hold_is_registered then
    pgsvc_hold_is_registered = true
    local function is_stopping(txn)
        local value = txn.f:stopping() -- an integer unless tune.lua.bool-sample-conversion is "normal"
        return value == true or value == 1
    end
    local function is_closed(txn, gate)
        local left = (tonumber(txn:get_var(gate)) or 0) - os.time()
        return left > 0 and left <= @LONGEST_CLOSED@
    end
    core.register_action("pgsvc_hold", { "tcp-req" }, function(txn, backend, gate, milliseconds)
        local limit = tonumber(milliseconds)
        local began = core.now()
        while (is_closed(txn, gate) or txn.f:nbsrv(backend) == 0) and txn.req:may_recv() and not is_stopping(txn) do
            local now = core.now()
            if (now.sec - began.sec) * 1000 + (now.usec - began.usec) / 1000 >= limit then
                return
            end
            core.msleep(50)
        end
    end, 3)
end
""".replace("@LONGEST_CLOSED@", str(LONGEST_CLOSED))
_PREFIX, _SUFFIX = "pgsvc-hold-", ".lua"
NAME = f"{_PREFIX}{hashlib.sha256(SCRIPT.encode()).hexdigest()[:12]}{_SUFFIX}"
_MODE = 0o600
_USE = re.compile(
    rb"^\s*tcp-request\s+content\s+" + re.escape(ACTION).encode() + rb"\s+(\S+)\s+\S+\s+(\d{1,9})\s", re.MULTILINE
)


def gate(service: str) -> str:
    """The variable of HAProxy's process that is the gate of a service. Its name has letters, digits, ``.`` and ``_``.

    >>> gate("pg-test-primary"), gate("pg_test.eu-primary")
    ('proc.pgsvc_gate.pg.test.primary', 'proc.pgsvc_gate.pg__test_.eu.primary')
    """
    return "proc.pgsvc_gate." + re.sub(r"[_.]", r"_\g<0>", service).replace("-", ".")


def rule(service: str, seconds: int) -> str:
    """The directive that lets new connections wait while the service has no usable server or its gate is closed."""
    closed = f"{{ var({gate(service)}) -m int gt 0 }}"
    return (
        f"tcp-request content {ACTION} {service} {gate(service)} {seconds * 1000} "
        f"if {{ nbsrv({service}) eq 0 }} || {closed}"
    )


def is_closed(until: Optional[int], now: float) -> bool:
    """Whether a gate with this value is closed, as the script has it."""
    return until is not None and 0 < until - int(now) <= LONGEST_CLOSED


def closed_gates(services: Iterable[str], api: RuntimeAPI) -> list[str]:
    """The services among these that have a closed gate now."""
    return [name for name in services if is_closed(api.variable(gate(name)), time.time())]


def is_used(content: bytes) -> bool:
    """Whether a file has a service that holds."""
    return ACTION.encode() in content


def holds(contents: Iterable[bytes]) -> dict[str, float]:
    """The services in these files whose new connections wait for a server, with the seconds that they wait."""
    found = (match for content in contents for match in _USE.finditer(content))
    return {match[1].decode(errors="surrogateescape"): int(match[2]) / 1000 for match in found}


def held(services: Iterable[str], running: Mapping[str, Proxy], *, with_server: bool = False) -> dict[str, int]:
    """How many new connections wait for a server now, by service; those without any are left out.

    A connection counts in the frontend of its `listen` section from the beginning, and in the backend from when it
    has passed the rules of the frontend, and so no longer waits. Services that have a server are counted only if
    `with_server`: their connections are about to be forwarded.
    """
    found = {name: _held(running[name], with_server) for name in services if name in running}
    return {name: count for name, count in found.items() if count > 0}


def _held(proxy: Proxy, with_server: bool) -> int:
    frontend, backend = proxy.stat.get("FRONTEND"), proxy.backend
    if frontend is None or backend is None or (backend["status"] != "DOWN" and not with_server):
        return 0
    return int(frontend["scur"] or 0) - int(backend["scur"] or 0)


def _script_of(service: Section) -> Optional[str]:
    """The path of the script that a service file loads; None for a service that does not hold.

    The files of this collection begin with it, and are looked at in every run: the rest is not searched.
    """
    head = service.head
    if len(head) < 2 or head[0] != ("global",) or head[1][0] != "lua-load" or len(head[1]) != 2:
        return None
    return unquoted(head[1][1])


class Script:
    """The script in the state folder `directory`, where the `services` of a configuration directory name it."""

    def __init__(self, directory: Path, services: Iterable[Section]) -> None:
        self._directory = directory
        self.path = directory / NAME
        self._named = {path for path in map(_script_of, services) if path is not None}

    def is_missing(self) -> bool:
        """Whether a service file names the script, and its file is not there or has other content."""
        return str(self.path) in self._named and not self._is_right()

    def _is_right(self) -> bool:
        try:
            return read_regular(self.path, len(SCRIPT) + 1) == SCRIPT.encode()
        except OSError:
            return False

    def write(self) -> None:
        """Write the file where it is missing. Raises `OSError`."""
        if self.is_missing():
            write_file(self.path, SCRIPT.encode(), _MODE)
            steps.done("write the script of services that hold")

    def drop_others(self) -> None:
        """Remove the scripts, of other versions too, that no service file names."""
        for path in self._directory.glob(f"{_PREFIX}*{_SUFFIX}"):
            if str(path) not in self._named:
                path.unlink(missing_ok=True)

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a client may expect behind a port, in words (Patroni REST API, "Health check endpoints")."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ansible_collections.pgsvc.access.plugins.plugin_utils._model.member import Member
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.service import Service

READ_WRITE = "read-write"
READ_ONLY = "read-only"
ANY = "any"
_MOST_NAMES = 3

# Health checks that only the primary passes. `/` is the same as `/primary`.
_PRIMARY = frozenset({"/", "/primary", "/read-write", "/master", "/leader"})
# Health checks of members that serve reads, with what they must be to pass.
_READERS = {
    "/read-only": "",
    "/replica": "while a replica",
    "/standby-leader": "while the standby leader",
    "/standby_leader": "while the standby leader",
    "/sync": "while a synchronous standby",
    "/synchronous": "while a synchronous standby",
    "/quorum": "while a quorum standby",
    "/read-only-sync": "while the primary or a synchronous standby",
    "/read-only-synchronous": "while the primary or a synchronous standby",
    "/read-only-quorum": "while the primary or a quorum standby",
    "/async": "while an asynchronous standby",
    "/asynchronous": "while an asynchronous standby",
}


@dataclass(frozen=True)
class Promise:
    """What an endpoint promises: ``access`` is read-write, read-only or any; ``text`` says it all in one line."""

    access: str
    text: str


def of_service(service: Service, members: Iterable[Member]) -> Promise:
    """What a service promises, by its health check, the members that its selectors chose, and where it leads."""
    if not service.servers:
        return Promise(ANY, "refuses connections: no member is selected")
    check = service.check.split("?", 1)[0].rstrip("/") or "/"
    if check in _PRIMARY:
        return Promise(READ_WRITE, f"read-write on the primary, {via(service, members)}")
    who = _those(server.name for server in service.servers if not server.backup)
    others = _those(server.name for server in service.servers if server.backup)
    if not who:
        who, others = others, ""
    on = f"{who}, else {others}" if others else who
    if check in _READERS:
        words = [f"read-only on {on}", _READERS[check], via(service, members)]
        return Promise(READ_ONLY, ", ".join(word for word in words if word))
    return Promise(ANY, f"{on}, while {service.check} says 200, {via(service, members)}")


def via(service: Service, members: Iterable[Member]) -> str:
    """How a service goes on from HAProxy: ``via pool``, ``direct``, or to a port of its own."""
    by_name = {member.name: member for member in members}
    ports = {(server.port, by_name[server.name]) for server in service.servers}
    if all(port == member.pgbouncer_port for port, member in ports):
        return "via pool"
    if all(port == member.pg_port for port, member in ports):
        return "direct"
    return f"port {', '.join(sorted({str(port) for port, _member in ports}))}"


def _those(names: Iterable[str]) -> str:
    found = list(names)
    if len(found) <= _MOST_NAMES:
        return ", ".join(found)
    return f"{', '.join(found[: _MOST_NAMES - 1])} and {len(found) - _MOST_NAMES + 1} more"

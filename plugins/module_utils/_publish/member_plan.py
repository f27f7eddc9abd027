# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which commands take a member out of the services of a load balancer, and bring it back. Values in, values out.

The state of a server that makes its own health checks is set on the server itself. Servers that track another one
follow it, so the state is set on the server of the check backend (Configuration Manual 5.2, "track").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.grammar import seconds
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.proxies import Proxy
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.server_line import ServerLine, word_after
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.server_state import (
    CHECK_CONFIGURED,
    CHECK_ENABLED,
    CHECK_FAILED,
    FORCED_DRAIN,
    FORCED_MAINT,
    STOPPED,
    has_own_state,
)
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.sockets import ServerRow
from ansible_collections.pgsvc.access.plugins.module_utils._host.light_dataclass import dataclass
from ansible_collections.pgsvc.access.plugins.module_utils._publish.administration import (
    DRAIN,
    MAINT,
    READY,
    state_of,
)
from ansible_collections.pgsvc.access.plugins.module_utils._publish.service_file import ServiceFile, member_name

Running = Mapping[str, Proxy]


class Server(NamedTuple):
    """A server of the member, as its file has it."""

    service: ServiceFile
    line: ServerLine

    @property
    def id(self) -> str:
        """``<proxy>/<name>``, as the Runtime API takes it."""
        return f"{self.service.name}/{self.line.name}"

    def row(self, running: Running) -> ServerRow:
        return running[self.service.name].rows[self.line.name]


@dataclass(frozen=True)
class Servers:
    """The running servers of a member. `serving` take connections, `holders` have the state, `followers` track them.

    `absent` are servers (``<proxy>/<name>``) in the files that HAProxy does not run.
    """

    serving: tuple[Server, ...]
    holders: tuple[Server, ...]
    followers: tuple[Server, ...]
    absent: tuple[str, ...]


def find_servers(member: str, services: Sequence[ServiceFile], running: Running) -> Servers:
    """The servers of a member in the service files of its cluster. Raises `ValueError` for a line that is no server."""
    servers = [
        Server(service, line)
        for service in services
        for line in service.servers
        if member in (line.name, member_name(line.name))
    ]
    known = [each for each in servers if each.line.name in running.get(each.service.name, Proxy("")).rows]
    holders = [each for each in known if _has_own_state(each, each.row(running))]
    return Servers(
        serving=tuple(each for each in known if not each.service.is_backend),
        holders=tuple(holders),
        followers=tuple(each for each in known if each not in holders),
        absent=tuple(each.id for each in servers if each not in known),
    )


def _has_own_state(server: Server, row: ServerRow) -> bool:
    return has_own_state(server.line, server.service.default_server) or bool(row.check_state & CHECK_CONFIGURED)


def members_of(services: Sequence[ServiceFile]) -> list[str]:
    """The members that have a server in these services, in the order of the files."""
    return list(dict.fromkeys(member_name(line.name) for service in services for line in service.servers))


def commands(servers: Servers, running: Running, state: str) -> list[str]:
    """What brings the member to a state, in this order; nothing when it is there.

    HAProxy takes a server that leaves maintenance for UP until its first check. So it leaves into drain and is set
    DOWN there: only its own checks bring it up again.
    """
    found: list[str] = []
    for server in servers.holders:
        found += [f"{command[0]} {server.id}{command[1]}" for command in _commands(server.row(running), state)]
    for server in servers.followers:
        if server.row(running).admin_state & (FORCED_DRAIN | FORCED_MAINT):
            found.append(f"set server {server.id} state {READY}")
    return found


def _commands(row: ServerRow, state: str) -> list[tuple[str, str]]:
    """The commands for one server, each as what stands before its name and what stands behind it."""
    now = row.admin_state & (FORCED_DRAIN | FORCED_MAINT)
    if now == {READY: 0, DRAIN: FORCED_DRAIN, MAINT: FORCED_MAINT}[state]:
        return []
    found: list[tuple[str, str]] = []
    if now & FORCED_MAINT:
        found.append(("set server", f" state {DRAIN}"))
        if row.check_state & CHECK_CONFIGURED:
            # A server that the Runtime API added in maintenance has never been checked.
            found += [] if row.check_state & CHECK_ENABLED else [("enable health", "")]
            found.append(("set server", " health down"))
        if state == DRAIN:
            return found
    return [*found, ("set server", f" state {state}")]


def without_server(servers: Servers, running: Running) -> list[str]:
    """The services that have a usable server now, and would have none without this member."""
    own: dict[str, set[str]] = {}
    for server in servers.serving:
        own.setdefault(server.service.name, set()).add(server.line.name)
    return [name for name, names in own.items() if _usable(running[name]) and _usable(running[name]) <= names]


def _usable(proxy: Proxy) -> set[str]:
    return {name for name in proxy.rows if proxy.is_usable(name)}


def is_settled(servers: Servers, running: Running, state: str, sessions: int) -> bool:
    """Whether nothing is left to wait for: the last session, or the health checks of a member that came back."""
    if state != READY:
        return sessions == 0
    return all(_has_verdict(server, server.row(running)) for server in servers.holders)


def _has_verdict(server: Server, row: ServerRow) -> bool:
    """A server that is DOWN has failed a check, and has been DOWN for long enough that it was not an older one."""
    if row.op_state != STOPPED or not row.check_state & CHECK_CONFIGURED:
        return True
    words = server.line.words(server.service.default_server)
    intervals = [seconds(word_after(words, keyword) or "2s") for keyword in ("inter", "downinter")]
    timeout = server.service.last("timeout", "check") or "0"
    return row.check_result == CHECK_FAILED and row.last_change > max(intervals) + seconds(timeout)


def described(servers: Servers, running: Running, sessions: Mapping[str, int]) -> list[dict[str, Any]]:
    """What is true now, by service; `sessions` of each server (``<proxy>/<name>``)."""
    found: dict[str, dict[str, Any]] = {}
    for server in servers.serving:
        name, proxy = server.service.name, running[server.service.name]
        entry = found.setdefault(name, {"service": name, "servers": [], "sessions": 0, "usable": len(_usable(proxy))})
        entry["servers"].append(
            {
                "server": server.line.name,
                "state": state_of(server.row(running).admin_state),
                "status": proxy.stat.get(server.line.name, {}).get("status", ""),
                "usable": proxy.is_usable(server.line.name),
                "sessions": sessions.get(server.id, 0),
            }
        )
        entry["sessions"] += sessions.get(server.id, 0)
    return list(found.values())


def states_of(servers: Servers, running: Running) -> dict[str, str]:
    """The state of each server (``<proxy>/<name>``) on which one is set."""
    return {server.id: state_of(server.row(running).admin_state) for server in servers.holders}

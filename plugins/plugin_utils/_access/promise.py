# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a client may expect behind a port, in words (Patroni REST API, "Health check endpoints").

A service with declared roles names the members that its selectors chose. With live roles the members change places
after a failover, so the text names roles, and members only where a service does not treat all of them alike.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

from ansible_collections.pgsvc.access.plugins.plugin_utils._model.member import Member
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.patroni import RoleChecks, split_check
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.service import Server, Service

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
# What passes the checks into which `split_check` splits a check.
_LEADERS = {"/primary": "the primary", "/leader": "the primary", "/standby-leader": "the standby leader"}
_FOLLOWERS = {
    "/replica": "a replica",
    "/sync": "a synchronous standby",
    "/quorum": "a quorum standby",
    "/async": "an asynchronous standby",
}


@dataclass(frozen=True)
class Promise:
    """What an endpoint promises: ``access`` is read-write, read-only or any; ``text`` says it all in one line."""

    access: str
    text: str


def of_service(service: Service, members: Collection[Member], checks: Mapping[str, str]) -> Promise:
    """What a service promises, by its health check, the members that its selectors chose, and where it leads.

    ``checks`` are the shared health checks of the cluster: the path of each by the name of its backend.
    """
    if not service.servers:
        return Promise(ANY, "refuses connections: no member is selected")
    access, who = (_live if service.roles == "live" else _declared)(service, members, checks)
    hold = [f"waits up to {service.hold} s for a server"] if service.hold else []
    return Promise(access, ", ".join([who, via(service, members), *hold]))


def via(service: Service, members: Iterable[Member]) -> str:
    """How a service goes on from HAProxy: ``via pool``, ``direct``, or to a port of its own."""
    by_name = {member.name: member for member in members}
    ports = {(server.port, by_name[server.member]) for server in service.servers}
    if all(port == member.pgbouncer_port for port, member in ports):
        return "via pool"
    if all(port == member.pg_port for port, member in ports):
        return "direct"
    return f"port {', '.join(sorted({str(port) for port, _member in ports}))}"


def _declared(service: Service, _members: Collection[Member], _checks: Mapping[str, str]) -> tuple[str, str]:
    check = _path(service.check)
    if check in _PRIMARY:
        return READ_WRITE, "read-write on the primary"
    who = _those(server.name for server in service.servers if not server.backup)
    others = _those(server.name for server in service.servers if server.backup)
    if not who:
        who, others = others, ""
    on = f"{who}, else {others}" if others else who
    if check not in _READERS:
        return ANY, f"{on}, while {service.check} says 200"
    condition = f"{_READERS[check]}{_within(service.check)}".strip()
    return READ_ONLY, ", ".join(word for word in (f"read-only on {on}", condition) if word)


def _live(service: Service, members: Collection[Member], checks: Mapping[str, str]) -> tuple[str, str]:
    roles = split_check(service.check)
    steps: dict[tuple[bool, str], list[str]] = {}
    for server in service.servers:
        is_backup = server.backup and roles.following is not None  # one member at a time has the leader lock
        steps.setdefault((is_backup, checks[_backend(server)]), []).append(server.member)
    texts: dict[bool, list[str]] = {False: [], True: []}
    words = _Words(roles, [member.name for member in members], steps)
    for (is_backup, path), names in steps.items():
        texts[is_backup].append(words.step(path, names))
    who = ", else ".join([*([" or ".join(texts[False])] if texts[False] else []), *texts[True]])
    access = READ_WRITE if roles.following is None and roles.leading != "/standby-leader" else READ_ONLY
    return access, f"{access} on {who}"


class _Words:
    """The words for the servers of a service that follow one check, as backups or not, one step after the other."""

    def __init__(self, roles: RoleChecks, everyone: Sequence[str], steps: Mapping[tuple[bool, str], list[str]]) -> None:
        self._roles = roles
        self._everyone = everyone
        self._may_lead = {name for (_backup, path), names in steps.items() if not self._follows(path) for name in names}
        self._followers: set[str] = set()

    def step(self, path: str, names: Sequence[str]) -> str:
        """``path`` is the check that is followed, ``names`` are the members."""
        leader = _LEADERS.get(self._roles.leading or "", "")
        if path == self._roles.leading:
            return leader if self._may_lead.issuperset(self._everyone) else f"{_those(names)} while {leader}"
        if self._follows(path):
            return self._following(path, names)
        kind = _FOLLOWERS[_path(self._roles.following)]
        if set(names).issuperset(self._everyone):
            return f"{_any(kind)}{_within(path)} or {leader}"
        if kind == _FOLLOWERS["/replica"]:  # what is neither does not answer
            return f"{_those(names)}{_within(path)}"
        return f"{_those(names)} while {leader} or {kind}{_within(path)}"

    def _following(self, path: str, names: Sequence[str]) -> str:
        kind = _FOLLOWERS[_path(path)]
        left_out = [name for name in self._everyone if name not in names]
        is_the_rest = self._followers == set(left_out)
        self._followers |= set(names)
        if not left_out:
            return f"{_any(kind)}{_within(path)}"
        if is_the_rest:
            return f"{_any(kind, 'other ')}{_within(path)}"
        if len(left_out) < len(names):
            return f"{_any(kind)}{_within(path)} except {_those(left_out)}"
        return f"{_those(names)} while {kind}{_within(path)}"

    def _follows(self, path: str) -> bool:
        """Whether only members that follow pass a check. With ``lagging`` there are two, one without a limit."""
        return _path(path) == _path(self._roles.following)


def _any(kind: str, other: str = "") -> str:
    """``any replica`` of ``a replica``."""
    return f"any {other}{kind.partition(' ')[2]}"


def _path(check: str | None) -> str:
    return (check or "").partition("?")[0]


def _within(check: str) -> str:
    """What the parameters of a check demand, such as `` within 16MB of lag``."""
    parameters = dict(parse_qsl(check.partition("?")[2], keep_blank_values=True))
    lag = parameters.pop("lag", None)
    if parameters:
        return f" that passes {check}"
    return "" if lag is None else f" within {lag} of lag"


def _backend(server: Server) -> str:
    return (server.track or "").partition("/")[0]


def _those(names: Iterable[str]) -> str:
    found = list(names)
    if len(found) <= _MOST_NAMES:
        return ", ".join(found)
    return f"{', '.join(found[: _MOST_NAMES - 1])} and {len(found) - _MOST_NAMES + 1} more"

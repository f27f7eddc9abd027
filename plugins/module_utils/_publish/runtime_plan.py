# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plan how a running proxy comes to its server lines without a reload. Values in, values out; `runtime_apply` acts.

Sources: Management Guide 9.3 ("add server", "del server", "set server", "enable health") and what was measured of
2.6 and 3.0: a server that is added and enabled at once takes connections before its first check, and a weight of 0
keeps them away without touching its checks.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Optional, Union

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.dynamic_server import NotDynamicError, dynamic_words
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.grammar import seconds
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.proxies import Proxy
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.server_line import ServerLine, word_after
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.server_state import (
    CHECK_CONFIGURED,
    FORCED_DRAIN,
    FORCED_MAINT,
)
from ansible_collections.pgsvc.access.plugins.module_utils._host.light_dataclass import dataclass
from ansible_collections.pgsvc.access.plugins.module_utils._publish.administration import MemberStates
from ansible_collections.pgsvc.access.plugins.module_utils._publish.compare import NONE_UNFINISHED, Difference, compare
from ansible_collections.pgsvc.access.plugins.module_utils._publish.service_file import ServiceFile

# Configuration Manual 4.2 "balance": those that place servers at run time. "random" is built on consistent hashing.
_DYNAMIC_ALGORITHMS = ("roundrobin", "leastconn", "first", "random")


@dataclass(frozen=True)
class NeedsReload:
    """Why only a reload can bring the process to the files: one sentence without a full stop."""

    reason: str


@dataclass(frozen=True)
class Addition:
    """A server to bring in. `words` are those of ``add server``; none when it is there and only half brought in.

    It takes connections, with `weight`, when its first verdict is in; `timeout` seconds are enough for that. `admin` is
    the maintenance or drain in which an administrator had its predecessor.
    """

    server: str
    words: tuple[str, ...]
    checked: bool
    weight: int
    admin: int
    timeout: float


@dataclass(frozen=True)
class Removal:
    """A server to take out: its sessions `cut`, or left to end by themselves."""

    server: str
    cut: bool
    checked: bool


@dataclass(frozen=True)
class ServerChanges:
    """What to do on one proxy, in this order. Servers are ``<proxy>/<name>``; `replacements` leave and come back.

    `unasked` are servers whose check asks something else once their `settings` are made. In place that is exact only
    when the answer is the one that the worker has already.
    """

    proxy: str = ""
    additions: tuple[Addition, ...] = ()
    settings: tuple[str, ...] = ()
    removals: tuple[Removal, ...] = ()
    replacements: tuple[tuple[Removal, Addition], ...] = ()
    unasked: tuple[ServerLine, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.additions or self.settings or self.removals or self.replacements)

    def touched(self) -> list[tuple[str, int]]:
        """The servers that are half done in between, each with the drain or maintenance that it had before."""
        pairs = [(each.server, each.admin) for each in self.additions]
        pairs += [(each.server, 0) for each in self.removals]
        return pairs + [(removal.server, addition.admin) for removal, addition in self.replacements]


def plan_changes(
    service: ServiceFile,
    proxy: Optional[Proxy],
    *,
    cut_removed: bool = True,
    replaced: Collection[str] = (),
    unfinished: Mapping[str, int] = NONE_UNFINISHED,
    members: Optional[MemberStates] = None,
) -> Union[ServerChanges, NeedsReload]:
    """What brings the running servers of a proxy to those of its file; falsy `ServerChanges` when they are the same.

    `replaced` names servers whose line changed in an option that the running state does not show, such as ``maxconn``.
    `unfinished` are servers (``<proxy>/<name>``) that a run which was killed had begun to change. A new server of one
    of `members` begins in the drain or maintenance of that member.
    """
    if proxy is None or proxy.backend is None:
        return NeedsReload(f"HAProxy does not run {service.name} yet")
    found = compare(service, proxy, replaced, unfinished)
    if not found:
        return ServerChanges(service.name)
    balance = service.last("balance") or "roundrobin"
    if balance.partition("(")[0] not in _DYNAMIC_ALGORITHMS and service.last("hash-type") != "consistent":
        return NeedsReload(f"{service.name} is balanced by {balance}, which has no servers that change at run time")
    try:
        return _Planner(service, proxy, cut_removed, unfinished, members).plan(found)
    except _ImpossibleError as reason:
        return NeedsReload(str(reason))


class _ImpossibleError(Exception):
    """The Runtime API cannot do it; the message is a reason for `NeedsReload`."""


class _Planner:
    def __init__(
        self,
        service: ServiceFile,
        proxy: Proxy,
        cut: bool,
        unfinished: Mapping[str, int],
        members: Optional[MemberStates],
    ) -> None:
        self._members = members
        self._service = service
        self._proxy = proxy
        self._lines = {line.name: line for line in service.servers}
        self._cut = cut
        self._unfinished = unfinished

    def plan(self, found: Sequence[Difference]) -> ServerChanges:
        kinds: dict[str, list[Difference]] = {}
        for each in found:
            kinds.setdefault(each.server, []).append(each)
        additions: list[Addition] = []
        settings: list[str] = []
        removals: list[Removal] = []
        replacements: list[tuple[Removal, Addition]] = []
        unasked: list[ServerLine] = []
        for server, own in kinds.items():
            by_kind = {each.kind: each for each in own}
            self._refuse_shared_check(by_kind)
            if "missing" in by_kind:
                admin = self._members.of(self._service.owner, server) if self._members else 0
                additions.append(self._addition(self._lines[server], admin))
            elif "extra" in by_kind:
                removals.append(self._removal(server))
            elif "replace" in by_kind:
                replacements.append(self._replacement(by_kind["replace"]))
            else:
                settings.extend(self._settings(self._lines[server], by_kind))
                if self._asks_otherwise(self._lines[server], by_kind):
                    unasked.append(self._lines[server])
                if "half" in by_kind:
                    additions.append(self._resumption(self._lines[server]))
        return ServerChanges(
            self._service.name,
            tuple(additions),
            tuple(settings),
            tuple(removals),
            tuple(replacements),
            tuple(unasked),
        )

    def _refuse_shared_check(self, kinds: Mapping[str, Difference]) -> None:
        """HAProxy can neither track a server added at run time nor delete one that is tracked (5.2 "track")."""
        found = next((kinds[kind] for kind in ("missing", "extra", "replace") if kind in kinds), None)
        if found is not None and (self._service.is_backend or self._service.tracks):
            raise _ImpossibleError(f"{found.text}, and servers that share health checks come and go by a reload only")

    def _id(self, name: str) -> str:
        return f"{self._service.name}/{name}"

    def _settings(self, line: ServerLine, kinds: Mapping[str, Difference]) -> list[str]:
        """What ``set server`` changes in place: it cuts no session, and leaves the verdict as it is."""
        server, commands = self._id(line.name), []
        if "address" in kinds and line.by_name:
            raise _ImpossibleError(f"{kinds['address'].text}, and HAProxy takes a name from a file only")
        if "address" in kinds or "port" in kinds:
            commands.append(f"set server {server} addr {line.address}{f' port {line.port}' if line.port else ''}")
        if "weight" in kinds:
            commands.append(f"set server {server} weight {line.effective_weight(self._service.default_server)}")
        if "check port" in kinds:
            port = word_after(line.words(self._service.default_server), "port")
            commands.append(f"set server {server} check-port {port}")
        return commands

    def _asks_otherwise(self, line: ServerLine, kinds: Mapping[str, Difference]) -> bool:
        """Whether the check asks another address or port from now on."""
        if not line.checked(self._service.default_server):
            return False
        own_port = word_after(line.words(self._service.default_server), "port")
        return "address" in kinds or "check port" in kinds or ("port" in kinds and not own_port)

    def _removal(self, name: str) -> Removal:
        return Removal(self._id(name), self._cut, bool(self._proxy.rows[name].check_state & CHECK_CONFIGURED))

    def _replacement(self, difference: Difference) -> tuple[Removal, Addition]:
        """Delete and add: for a server that has no session and is not needed at this moment."""
        name = difference.server
        sessions = self._proxy.sessions(name)
        if sessions:
            raise _ImpossibleError(f"{difference.text}, and it holds {sessions} session{'' if sessions == 1 else 's'}")
        if self._proxy.is_needed(name):
            raise _ImpossibleError(f"{difference.text}, and it is in use")
        admin = self._unfinished.get(self._id(name))
        if admin is None:
            admin = self._proxy.rows[name].admin_state & (FORCED_MAINT | FORCED_DRAIN)
        removal = dataclasses.replace(self._removal(name), cut=True)
        return removal, self._addition(self._lines[name], admin)

    def _addition(self, line: ServerLine, admin: int = 0) -> Addition:
        if not line.port or line.by_name:
            raise _ImpossibleError(
                f"server {line.name} is new, and HAProxy takes an address by name or without a port from a file only"
            )
        try:
            words = dynamic_words(line.words(self._service.default_server))
        except NotDynamicError as reason:
            raise _ImpossibleError(f"server {line.name} is new, and {reason}") from None
        host = f"[{line.address}]" if ":" in line.address else line.address
        admin = FORCED_MAINT if "disabled" in words else admin or self._unfinished.get(self._id(line.name), 0)
        return dataclasses.replace(self._resumption(line), words=(f"{host}:{line.port}", *words), admin=admin)

    def _resumption(self, line: ServerLine) -> Addition:
        defaults = self._service.default_server
        words = line.words(defaults)
        check_timeout = self._service.last("timeout", "check") or self._service.last("timeout", "connect") or "5s"
        intervals = [seconds(word_after(words, keyword) or "2s") for keyword in ("inter", "downinter")]
        timeout = max(intervals) + seconds(check_timeout) + 1.0
        weight, checked = line.effective_weight(defaults), line.checked(defaults)
        return Addition(self._id(line.name), (), checked, weight, self._unfinished.get(self._id(line.name), 0), timeout)

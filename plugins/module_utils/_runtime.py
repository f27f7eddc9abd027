# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plan how a running proxy comes to its server lines without a reload. Values in, values out; `_runtime_apply` acts.

Sources: Management Guide 9.3 ("add server", "del server", "set server", "enable health") and what was measured of
2.6 and 3.0: a server that is added and enabled at once takes connections before its first check, and a weight of 0
keeps them away without touching its checks.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Optional, Union

from ansible_collections.pgsvc.access.plugins.module_utils._cli import ServerRow
from ansible_collections.pgsvc.access.plugins.module_utils._dynamic_server import NotDynamicError, dynamic_words
from ansible_collections.pgsvc.access.plugins.module_utils._grammar import seconds
from ansible_collections.pgsvc.access.plugins.module_utils._server_line import ServerLine, word_after
from ansible_collections.pgsvc.access.plugins.module_utils._server_state import (
    CHECK_CONFIGURED,
    CHECK_ENABLED,
    FORCED_DRAIN,
    FORCED_MAINT,
    NO_VERDICT,
    RUNNING,
    STARTING,
    same_address,
)
from ansible_collections.pgsvc.access.plugins.module_utils._service_file import ServiceFile

# Configuration Manual 4.2 "balance": those that place servers at run time. "random" is built on consistent hashing.
_DYNAMIC_ALGORITHMS = ("roundrobin", "leastconn", "first", "random")

StatRow = Mapping[str, str]

_NONE_UNFINISHED: Mapping[str, int] = MappingProxyType({})


@dataclasses.dataclass(frozen=True)
class Proxy:
    """A proxy as it runs: its servers by name, and the rows of ``show stat`` for them and for itself."""

    name: str
    rows: Mapping[str, ServerRow] = dataclasses.field(default_factory=dict)
    stat: Mapping[str, StatRow] = dataclasses.field(default_factory=dict)
    backend: Optional[StatRow] = None

    def sessions(self, server: str) -> int:
        """Sessions that the server has or that wait for it."""
        row = self.stat.get(server, {})
        return int(row.get("scur") or 0) + int(row.get("qcur") or 0)

    def is_backup(self, server: str) -> bool:
        return self.stat.get(server, {}).get("bck") == "1"

    def is_usable(self, server: str) -> bool:
        """Whether it may get connections: up, with a weight, and neither in drain nor in maintenance."""
        row = self.rows[server]
        return row.op_state in (STARTING, RUNNING) and not row.admin_state and row.uweight > 0

    def is_needed(self, server: str) -> bool:
        """Whether the next connection may be this server's: a backup has its turn when no other is usable."""
        if not self.is_usable(server):
            return False
        others = any(self.is_usable(name) and not self.is_backup(name) for name in self.rows)
        return not (self.is_backup(server) and others)


def proxies(rows: Sequence[ServerRow], stat: Sequence[StatRow]) -> dict[str, Proxy]:
    """The running proxies by name, from ``show servers state`` and ``show stat``."""
    servers: dict[str, dict[str, ServerRow]] = {}
    for row in rows:
        servers.setdefault(row.be_name, {})[row.srv_name] = row
    stats: dict[str, dict[str, StatRow]] = {}
    for each in stat:
        stats.setdefault(each["pxname"], {})[each["svname"]] = each
    names = dict.fromkeys([*stats, *servers])
    return {n: Proxy(n, servers.get(n, {}), stats.get(n, {}), stats.get(n, {}).get("BACKEND")) for n in names}


@dataclasses.dataclass(frozen=True)
class NeedsReload:
    """Why only a reload can bring the process to the files: one sentence without a full stop."""

    reason: str


@dataclasses.dataclass(frozen=True)
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


@dataclasses.dataclass(frozen=True)
class Removal:
    """A server to take out: its sessions `cut`, or left to end by themselves."""

    server: str
    cut: bool
    checked: bool


@dataclasses.dataclass(frozen=True)
class Changes:
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


@dataclasses.dataclass(frozen=True)
class Difference:
    """One way in which a running server is not what the file says. `kind` is for `plan_changes`, `text` for people."""

    server: str
    kind: str
    text: str


def plan_changes(
    service: ServiceFile,
    proxy: Optional[Proxy],
    *,
    cut_removed: bool = True,
    replaced: Collection[str] = (),
    unfinished: Mapping[str, int] = _NONE_UNFINISHED,
) -> Union[Changes, NeedsReload]:
    """What brings the running servers of a proxy to those of its file; falsy `Changes` when they are the same.

    `replaced` names servers whose line changed in an option that the running state does not show, such as ``maxconn``.
    `unfinished` are servers (``<proxy>/<name>``) that a run which was killed had begun to change.
    """
    if proxy is None or proxy.backend is None:
        return NeedsReload(f"HAProxy does not run {service.name} yet")
    found = compare(service, proxy, replaced, unfinished)
    if not found:
        return Changes(service.name)
    balance = service.last("balance") or "roundrobin"
    if balance.partition("(")[0] not in _DYNAMIC_ALGORITHMS and service.last("hash-type") != "consistent":
        return NeedsReload(f"{service.name} is balanced by {balance}, which has no servers that change at run time")
    try:
        return _Planner(service, proxy, cut_removed, unfinished).plan(found)
    except _ImpossibleError as reason:
        return NeedsReload(str(reason))


def differences(service: ServiceFile, proxy: Proxy, draining: Collection[str] = ()) -> list[Difference]:
    """In what the running servers of a proxy are not what its file says.

    `draining` are the servers (``<proxy>/<name>``) that `_runtime_apply.apply_changes` left to their last sessions.
    """
    found = compare(service, proxy)
    return [each for each in found if each.kind != "extra" or f"{proxy.name}/{each.server}" not in draining]


def compare(
    service: ServiceFile,
    proxy: Proxy,
    replaced: Collection[str] = (),
    unfinished: Mapping[str, int] = _NONE_UNFINISHED,
) -> list[Difference]:
    """All differences, those of wanted servers in the order of the file, then the servers that are too many."""
    extra = dict(proxy.rows)
    found: list[Difference] = []
    for line in service.servers:
        row = extra.pop(line.name, None)
        if row is None:
            found.append(Difference(line.name, "missing", f"server {line.name} is not there"))
            continue
        admin = unfinished.get(f"{proxy.name}/{line.name}")
        half = None if admin is None else _half_done(service, line, row, admin)
        own = half or _differences_of(service, line, row, proxy.is_backup(line.name))
        if line.name in replaced and not any(each.kind == "replace" for each in own):
            own = [Difference(line.name, "replace", f"server {line.name} has other options")]
        found.extend(own)
    found.extend(Difference(name, "extra", f"server {name} is still there") for name in extra)
    return found


def _half_done(service: ServiceFile, line: ServerLine, row: ServerRow, admin: int) -> Optional[list[Difference]]:
    """What is left to do for a server that a killed run had begun to change; None when it is whole.

    `admin` is the drain or maintenance that it had before.
    """
    if admin & row.admin_state & FORCED_MAINT:
        return None
    weight, checked = line.effective_weight(service.default_server), line.checked(service.default_server)
    stopped = checked and not row.check_state & CHECK_ENABLED
    if not (stopped or row.admin_state & (FORCED_MAINT | FORCED_DRAIN) or (row.uweight == 0 and weight)):
        return None
    # An old verdict would count as the first one of a server that is resumed.
    kind = "replace" if stopped and row.check_status != NO_VERDICT else "half"
    return [Difference(line.name, kind, f"server {line.name} is only half set up")]


def _differences_of(service: ServiceFile, line: ServerLine, row: ServerRow, backup: bool) -> list[Difference]:
    name = line.name
    words, weight, checked, tracks, _tls, check_port = line.in_force(service.default_server)
    same = row.addr == line.address and row.port == line.port and row.uweight == weight and backup is line.backup
    if same and checked and row.check_state & CHECK_CONFIGURED and check_port == str(row.check_port):
        return []  # nearly every server of nearly every run
    found: list[Difference] = []

    def note(kind: str, what: str, running: object, file: object) -> None:
        found.append(Difference(name, kind, f"server {name} has {what} {running}, the file says {file}"))

    if backup is not line.backup:
        note("replace", "backup", _yes(backup), _yes(line.backup))
    if bool(row.check_state & CHECK_CONFIGURED) is not checked and not tracks:
        note("replace", "health checks", _yes(not checked), _yes(checked))
    if row.fqdn != line.address and not same_address(row.addr, line.address):
        note("address", "address", row.fqdn or row.addr, line.address)
    if line.port and row.port != line.port:
        note("port", "port", row.port, line.port)
    # The weight of a server in drain or maintenance is the administrator's, that of an agent the agent's.
    if row.uweight != weight and not row.admin_state & (FORCED_DRAIN | FORCED_MAINT) and "agent-check" not in words:
        unknown = row.uweight == 0 and checked and row.check_status == NO_VERDICT
        note("half" if unknown else "weight", "weight", row.uweight, weight)
    if checked and check_port and int(check_port) != row.check_port:
        note("check port", "check port", row.check_port, check_port)
    return found


def _yes(value: bool) -> str:
    return "yes" if value else "no"


class _ImpossibleError(Exception):
    """The Runtime API cannot do it; the message is a reason for `NeedsReload`."""


class _Planner:
    def __init__(self, service: ServiceFile, proxy: Proxy, cut: bool, unfinished: Mapping[str, int]) -> None:
        self._service = service
        self._proxy = proxy
        self._lines = {line.name: line for line in service.servers}
        self._cut = cut
        self._unfinished = unfinished

    def plan(self, found: Sequence[Difference]) -> Changes:
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
            if "missing" in by_kind:
                additions.append(self._addition(self._lines[server]))
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
        return Changes(
            self._service.name,
            tuple(additions),
            tuple(settings),
            tuple(removals),
            tuple(replacements),
            tuple(unasked),
        )

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
        held = self._proxy.sessions(name)
        if held:
            raise _ImpossibleError(f"{difference.text}, and it holds {held} session{'' if held == 1 else 's'}")
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

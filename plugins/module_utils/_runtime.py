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
import ipaddress
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Union

from ansible_collections.pgsvc.access.plugins.module_utils._cli import ServerRow
from ansible_collections.pgsvc.access.plugins.module_utils._dynamic_server import NotDynamicError, dynamic_words
from ansible_collections.pgsvc.access.plugins.module_utils._server_line import ServerLine, word_after
from ansible_collections.pgsvc.access.plugins.module_utils._server_state import (
    CHECK_CONFIGURED,
    CHECK_ENABLED,
    FORCED_DRAIN,
    FORCED_MAINT,
    NO_VERDICT,
    half_done,
    same_address,
)

# Configuration Manual 4.2 "balance": those that place servers at run time. "random" is built on consistent hashing.
_DYNAMIC_ALGORITHMS = ("roundrobin", "leastconn", "first", "random")
_TIME = re.compile(r"(\d+)(us|ms|s|m|h|d)?", re.ASCII)
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}

Stat = Sequence[Mapping[str, str]]


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
    """What to do on one proxy, in this order. Servers are ``<proxy>/<name>``; `replacements` leave and come back."""

    additions: tuple[Addition, ...] = ()
    settings: tuple[str, ...] = ()
    removals: tuple[Removal, ...] = ()
    replacements: tuple[tuple[Removal, Addition], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.additions or self.settings or self.removals or self.replacements)


@dataclasses.dataclass(frozen=True)
class Service:
    """A proxy and those directives of its file that matter here."""

    proxy: str
    default_server: tuple[str, ...]
    balance: str
    consistent: bool
    check_timeout: float

    @classmethod
    def of(cls, proxy: str, head: Sequence[str]) -> Service:
        """From the directive lines of the file, single-spaced, without its ``server`` lines."""
        directives = [line.split() for line in head]

        def last(*words: str) -> str | None:
            found = [
                line[len(words)] for line in directives if tuple(line[: len(words)]) == words and line[len(words) :]
            ]
            return found[-1] if found else None

        defaults = tuple(word for line in directives if line[:1] == ["default-server"] for word in line[1:])
        timeout = last("timeout", "check") or last("timeout", "connect") or "5s"
        consistent = last("hash-type") == "consistent"
        return cls(proxy, defaults, last("balance") or "roundrobin", consistent, seconds(timeout))

    def is_dynamic(self) -> bool:
        return self.balance.partition("(")[0] in _DYNAMIC_ALGORITHMS or self.consistent


@dataclasses.dataclass(frozen=True)
class Difference:
    """One way in which a running server is not what the file says. `kind` is for `plan_changes`, `text` for people."""

    server: str
    kind: str
    text: str


def seconds(time: str) -> float:
    """A time of the configuration (Configuration Manual 2.5); milliseconds when it has no unit."""
    match = _TIME.fullmatch(time)
    return int(match[1]) * _SECONDS[match[2] or "ms"] if match else 0.0


def plan_changes(
    proxy: str,
    head: Sequence[str],
    running: Sequence[ServerRow],
    stat: Stat,
    wanted: Sequence[ServerLine],
    *,
    cut_removed: bool = True,
    replaced: Collection[str] = (),
) -> Union[Changes, NeedsReload]:
    """What brings the running servers of `proxy` to the `wanted` ones; falsy `Changes` when they are the same.

    `head` are the directive lines of the service file. `running` and `stat` may be of all proxies. `replaced` names
    servers whose line changed in an option that the running state does not show, such as ``maxconn``.
    """
    service = Service.of(proxy, head)
    if not any(row["pxname"] == proxy and row["svname"] == "BACKEND" for row in stat):
        return NeedsReload(f"HAProxy does not run {proxy} yet")
    found = compare(service, running, stat, wanted, replaced)
    if not found:
        return Changes()
    if not service.is_dynamic():
        return NeedsReload(f"{proxy} is balanced by {service.balance}, which has no servers that change at run time")
    planner = _Planner(service, running, stat, wanted, cut_removed)
    try:
        return planner.plan(found)
    except _ImpossibleError as reason:
        return NeedsReload(str(reason))


def differences(
    proxy: str,
    head: Sequence[str],
    running: Sequence[ServerRow],
    stat: Stat,
    wanted: Sequence[ServerLine],
    *,
    draining: Collection[str] = (),
) -> list[str]:
    """In what the running servers of `proxy` are not what the file says, one sentence each.

    `draining` are the servers (``<proxy>/<name>``) that `_runtime_apply.apply_changes` left to their last sessions.
    """
    found = compare(Service.of(proxy, head), running, stat, wanted)
    return [each.text for each in found if each.kind != "extra" or f"{proxy}/{each.server}" not in draining]


def compare(
    service: Service,
    running: Sequence[ServerRow],
    stat: Stat,
    wanted: Sequence[ServerLine],
    replaced: Collection[str] = (),
) -> list[Difference]:
    """All differences, those of wanted servers in the order of the file, then the servers that are too many."""
    proxy = service.proxy
    rows = {row.srv_name: row for row in running if row.be_name == proxy}
    backups = {row["svname"] for row in stat if row["pxname"] == proxy and row.get("bck") == "1"}
    found: list[Difference] = []
    for line in wanted:
        row = rows.pop(line.name, None)
        if row is None:
            found.append(Difference(line.name, "missing", f"server {line.name} is not there"))
        elif line.name in replaced:
            found.append(Difference(line.name, "replace", f"server {line.name} has other options"))
        else:
            found.extend(_differences_of(service, line, row, line.name in backups))
    found.extend(Difference(name, "extra", f"server {name} is still there") for name in rows)
    return found


def _differences_of(service: Service, line: ServerLine, row: ServerRow, backup: bool) -> list[Difference]:
    name, words = line.name, line.words(service.default_server)
    weight = line.effective_weight(service.default_server)
    checked = line.checked(service.default_server)
    found: list[Difference] = []

    def note(kind: str, what: str, running: object, file: object) -> None:
        found.append(Difference(name, kind, f"server {name} has {what} {running}, the file says {file}"))

    if row.fqdn != line.address and not same_address(row.addr, line.address):
        note("replace", "address", row.fqdn or row.addr, line.address)
    if line.port and row.port != line.port:
        note("replace", "port", row.port, line.port)
    if backup is not line.backup:
        note("replace", "backup", _yes(backup), _yes(line.backup))
    if bool(row.check_state & CHECK_CONFIGURED) is not checked:
        note("replace", "health checks", _yes(not checked), _yes(checked))
    if found:
        return found
    if half_done(row, weight):
        stale = not row.check_state & CHECK_ENABLED and row.check_status != NO_VERDICT
        found.append(Difference(name, "replace" if stale else "half", f"server {name} is only half set up"))
    elif row.uweight != weight:
        unknown = row.uweight == 0 and checked and row.check_status == NO_VERDICT
        note("half" if unknown else "weight", "weight", row.uweight, weight)
    check_port = word_after(words, "port")
    if checked and check_port and int(check_port) != row.check_port:
        note("check port", "check port", row.check_port, check_port)
    return found


def _yes(value: bool) -> str:
    return "yes" if value else "no"


class _ImpossibleError(Exception):
    """The Runtime API cannot do it; the message is a reason for `NeedsReload`."""


class _Planner:
    def __init__(
        self, service: Service, running: Sequence[ServerRow], stat: Stat, wanted: Sequence[ServerLine], cut: bool
    ) -> None:
        self._service = service
        self._rows = {row.srv_name: row for row in running if row.be_name == service.proxy}
        self._sessions = {row["svname"]: int(row.get("scur") or 0) for row in stat if row["pxname"] == service.proxy}
        self._lines = {line.name: line for line in wanted}
        self._cut = cut

    def plan(self, found: Sequence[Difference]) -> Changes:
        additions: list[Addition] = []
        settings: list[str] = []
        removals: list[Removal] = []
        replacements: list[tuple[Removal, Addition]] = []
        replaced: set[str] = set()
        for each in found:
            if each.kind == "missing":
                additions.append(self._addition(self._lines[each.server]))
            elif each.kind == "half":
                additions.append(self._resumption(self._lines[each.server]))
            elif each.kind == "extra":
                removals.append(self._removal(each.server))
            elif each.kind != "replace":
                settings.append(self._setting(each))
            elif each.server not in replaced:
                replaced.add(each.server)
                replacements.append(self._replacement(each))
        return Changes(tuple(additions), tuple(settings), tuple(removals), tuple(replacements))

    def _id(self, name: str) -> str:
        return f"{self._service.proxy}/{name}"

    def _setting(self, difference: Difference) -> str:
        line = self._lines[difference.server]
        if difference.kind == "weight":
            return f"set server {self._id(line.name)} weight {line.effective_weight(self._service.default_server)}"
        port = word_after(line.words(self._service.default_server), "port")
        return f"set server {self._id(line.name)} check-port {port}"

    def _removal(self, name: str) -> Removal:
        return Removal(self._id(name), self._cut, bool(self._rows[name].check_state & CHECK_CONFIGURED))

    def _replacement(self, difference: Difference) -> tuple[Removal, Addition]:
        name = difference.server
        held = self._sessions.get(name, 0)
        if held and not self._cut:
            raise _ImpossibleError(f"{difference.text}, and the {held} sessions that it holds are to be left alone")
        admin = 0
        row, line = self._rows[name], self._lines[name]
        if not half_done(row, line.effective_weight(self._service.default_server)):
            admin = row.admin_state & (FORCED_MAINT | FORCED_DRAIN)
        removal = dataclasses.replace(self._removal(name), cut=True)
        return removal, self._addition(line, admin)

    def _addition(self, line: ServerLine, admin: int = 0) -> Addition:
        if not line.port or not _is_ip(line.address):
            raise _ImpossibleError(
                f"server {line.name} is new, and HAProxy takes an address by name or without a port from a file only"
            )
        try:
            words = dynamic_words(line.words(self._service.default_server))
        except NotDynamicError as reason:
            raise _ImpossibleError(f"server {line.name} is new, and {reason}") from None
        host = f"[{line.address}]" if ":" in line.address else line.address
        if "disabled" in words:
            admin = FORCED_MAINT
        return dataclasses.replace(self._resumption(line), words=(f"{host}:{line.port}", *words), admin=admin)

    def _resumption(self, line: ServerLine) -> Addition:
        defaults = self._service.default_server
        words = line.words(defaults)
        intervals = [seconds(word_after(words, keyword) or "2s") for keyword in ("inter", "downinter")]
        timeout = max(intervals) + self._service.check_timeout + 1.0
        weight, checked = line.effective_weight(defaults), line.checked(defaults)
        return Addition(self._id(line.name), (), checked, weight, 0, timeout)


def _is_ip(address: str) -> bool:
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return False
    return True

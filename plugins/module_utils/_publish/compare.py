# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In what the running servers of a proxy are not what its service file says. Values in, values out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Optional

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.proxies import Proxy
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.server_line import ServerLine
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.server_state import (
    CHECK_CONFIGURED,
    CHECK_ENABLED,
    FORCED_DRAIN,
    FORCED_MAINT,
    NO_VERDICT,
    same_address,
)
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.sockets import ServerRow
from ansible_collections.pgsvc.access.plugins.module_utils._host.light_dataclass import dataclass
from ansible_collections.pgsvc.access.plugins.module_utils._publish.service_file import ServiceFile

NONE_UNFINISHED: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True)
class Difference:
    """One way in which a running server is not what the file says. `kind` is for `plan_changes`, `text` for people."""

    server: str
    kind: str
    text: str


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
    unfinished: Mapping[str, int] = NONE_UNFINISHED,
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

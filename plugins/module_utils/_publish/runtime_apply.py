# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries out the changes of `runtime_plan` through the Runtime API of the current worker."""

from __future__ import annotations

import re
import time
from collections.abc import Collection

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.server_state import (
    CHECK_CONFIGURED,
    FORCED_DRAIN,
    FORCED_MAINT,
    NO_VERDICT,
    STOPPED,
    same_address,
    verdict,
)
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.sockets import RuntimeAPI, ServerRow
from ansible_collections.pgsvc.access.plugins.module_utils._host.deadlines import ADDRESSES, CUT, UNDER_WAY, VERDICTS
from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import CLIError
from ansible_collections.pgsvc.access.plugins.module_utils._publish.runtime_plan import Addition, Removal, ServerChanges

_SET_ADDRESS = re.compile(r"set server (\S+) addr (\S+)(?: port (\d+))?")
_POLL_ADDRESSES = 0.02  # seconds between two polls of a server's address
_POLL = 0.1  # seconds between two polls of a server's first check result


def apply_changes(api: RuntimeAPI, *changes: ServerChanges) -> list[str]:
    """Carry out the changes of one or more proxies, waiting for the first check of all new servers together.

    New servers are added before others are removed, so that a service always has a server. Returns the draining servers
    (``<proxy>/<name>``), which still have sessions; they accept no new ones, and a later run deletes them.
    Raises `CLIError` for the first command that HAProxy refuses, and if a check or the end of a session takes too long.
    """
    _add(api, [addition for each in changes for addition in each.additions])
    for each in changes:
        for command in each.settings:
            _do(api, command)
    _await_addresses(api, [command for each in changes for command in each.settings])
    removals = [removal for each in changes for removal in each.removals]
    _retire(api, removals)
    draining = [left for removal in removals if (left := _remove(api, removal))]
    replacements = [pair for each in changes for pair in each.replacements]
    for removal, addition in replacements:
        _check_idle(api, removal)
        _remove(api, removal)
        _begin(api, addition)
    _finish(api, [addition for _removal, addition in replacements])
    return draining


def _await_addresses(api: RuntimeAPI, commands: Collection[str]) -> None:
    """Wait until new addresses are effective, which HAProxy 3 sets after its answer. The caller checks the result."""
    wanted = {match[1]: (match[2], match[3]) for each in commands if (match := _SET_ADDRESS.fullmatch(each))}
    deadline = time.monotonic() + ADDRESSES
    while wanted:
        for row in api.servers_state():
            server = f"{row.be_name}/{row.srv_name}"
            address, port = wanted.get(server, ("", None))
            if address and same_address(row.addr, address) and port in (None, str(row.port)):
                del wanted[server]
        if not wanted or time.monotonic() > deadline:
            return
        time.sleep(_POLL_ADDRESSES)


def _add(api: RuntimeAPI, additions: Collection[Addition]) -> None:
    for addition in additions:
        _begin(api, addition)
    _finish(api, additions)


def _begin(api: RuntimeAPI, addition: Addition) -> None:
    """Add a server and start its checks. It gets no connections yet, as its weight is 0."""
    server = addition.server
    in_maintenance = addition.admin & FORCED_MAINT
    if addition.words:
        # HAProxy puts a new server into maintenance. One that stays there needs no further commands.
        weight = () if in_maintenance else ("weight", "0")
        _do(api, " ".join(("add server", server, *addition.words, *weight)), "New server registered.")
    if not in_maintenance:
        _do(api, f"set server {server} state ready")
    if addition.checked:
        _do(api, f"enable health {server}")


def _finish(api: RuntimeAPI, additions: Collection[Addition]) -> None:
    coming = [addition for addition in additions if not addition.admin & FORCED_MAINT]
    _await_verdicts(api, [addition for addition in coming if addition.checked])
    for addition in coming:
        if addition.admin & FORCED_DRAIN:
            _do(api, f"set server {addition.server} state drain")
        _do(api, f"set server {addition.server} weight {addition.weight}")


def _await_verdicts(api: RuntimeAPI, additions: Collection[Addition]) -> None:
    awaited = {addition.server for addition in additions}
    seen: set[str] = set()
    patience = min(max((addition.timeout for addition in additions), default=0.0), VERDICTS)
    deadline = time.monotonic() + patience
    while awaited:
        for row in api.servers_state():
            server = f"{row.be_name}/{row.srv_name}"
            # A result of 0 means that a check runs or that its result is being stored: it counts the second time.
            is_noted = row.check_result or server in seen
            if not row.check_state & CHECK_CONFIGURED or (is_noted and _is_in_its_state(row)):
                awaited.discard(server)
            elif row.check_status != NO_VERDICT:
                seen.add(server)
        if not awaited:
            break
        if time.monotonic() > deadline:
            late = ", ".join(sorted(awaited))
            raise CLIError(f"HAProxy has not checked {late} within {patience:g} seconds")
        time.sleep(_POLL)


def _is_in_its_state(row: ServerRow) -> bool:
    """Whether the state is that of the first check. HAProxy sets it after the result; until then it is RUNNING."""
    passed = verdict(row)
    return passed is not None and (passed or row.op_state == STOPPED)


def _retire(api: RuntimeAPI, removals: Collection[Removal]) -> None:
    """Give the servers no more connections, and wait for the ones under way if their sessions are to be cut."""
    for removal in removals:
        _do(api, f"set server {removal.server} weight 0")
    if any(removal.cut for removal in removals):
        time.sleep(UNDER_WAY)


def _remove(api: RuntimeAPI, removal: Removal) -> str:
    """Delete a server that has the weight 0. Returns its name if its sessions have to end first, else "".

    The checks are disabled if sessions are cut. If this run is killed here, a later one sees by this and by the weight
    that the server was not put into maintenance by an administrator.
    """
    server = removal.server
    if not removal.cut:
        _do(api, f"set server {server} state drain")
        if _sessions(api, server):
            return server
    if removal.checked:
        _do(api, f"disable health {server}")
    _do(api, f"set server {server} state maint")
    _delete(api, server)
    return ""


def _check_idle(api: RuntimeAPI, removal: Removal) -> None:
    """Raise `CLIError` if the server has accepted a session since the plan was made, which a reload does not cut."""
    _do(api, f"set server {removal.server} weight 0")
    if _sessions(api, removal.server):
        raise CLIError(f"server {removal.server} has accepted a session in the meantime")


def _delete(api: RuntimeAPI, server: str) -> None:
    deadline = time.monotonic() + CUT
    while True:
        _do(api, f"shutdown sessions server {server}")
        answer = api.command(f"del server {server}")
        if "Server deleted." in answer:
            return
        if "connection" not in answer or time.monotonic() > deadline:
            raise CLIError(f"HAProxy refuses to delete the server {server}: {answer.strip()}")
        time.sleep(_POLL)


def _sessions(api: RuntimeAPI, server: str) -> int:
    proxy, _separator, name = server.partition("/")
    rows = (row for row in api.stat() if (row["pxname"], row["svname"]) == (proxy, name))
    return sum(int(row["scur"] or 0) + int(row["qcur"] or 0) for row in rows)


_ADDRESS_CHANGED = re.compile(r"(no need to change|IP changed|port changed) .* by 'stats socket command'")


def _do(api: RuntimeAPI, command: str, expected: str = "") -> None:
    """Run a command. On success HAProxy answers nothing, except for ``add server`` and a new address."""
    answer = api.command(command).strip()
    if " addr " in command and command.startswith("set server ") and _ADDRESS_CHANGED.match(answer):
        return
    if answer != expected and not (expected and expected in answer):
        raise CLIError(f"HAProxy refuses {command!r}: {answer}")

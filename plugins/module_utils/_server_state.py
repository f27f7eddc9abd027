# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Server-state files: with what verdict each server of a service starts in a new worker (Configuration Manual 4.2
"load-server-state-from-file" and Management Guide 9.3 "show servers state").

A server that the file of its proxy does not name starts UP and takes connections before its first check. So a file
names every server, either *resting* (DOWN, for whatever starts HAProxy without us: boot, package upgrade, somebody's
reload) or *carried* (the verdict of the running worker, for our own reload).

Only verdict and maintenance are carried. Address, ports, TLS and weight come from the configuration: HAProxy prefers
what a state file says, and an older state would undo the change for which it reloads.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ansible_collections.pgsvc.access.plugins.module_utils._server_line import ServerLine, word_after

if TYPE_CHECKING:
    from ansible_collections.pgsvc.access.plugins.module_utils._cli import ServerRow

_HEADER = (
    "# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight"
    " srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state"
    " bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr"
    " srv_agent_addr srv_agent_port"
)

STOPPED, STARTING, RUNNING = 0, 1, 2  # srv_op_state
FORCED_MAINT, CONFIGURED_MAINT, FORCED_DRAIN = 0x01, 0x04, 0x08  # srv_admin_state
CHECK_CONFIGURED, CHECK_ENABLED = 0x02, 0x04  # srv_check_state
NO_VERDICT = 1  # srv_check_status: "INI", no check has ended yet


def resting(proxy: str, servers: Iterable[ServerLine], default_server: Sequence[str] = ()) -> str:
    """The file that lets no connection through to a server before its checks have passed.

    `default_server` are the words of that line. A server without checks is up, as nothing would ever bring it up.
    """
    return _file(_resting_line(proxy, line, default_server) for line in servers if _has_own_state(line, default_server))


def carried(
    proxy: str, servers: Iterable[ServerLine], rows: Iterable[ServerRow], default_server: Sequence[str] = ()
) -> str:
    """The file that gives each server the verdict that it has in the running worker; `rows` may be of all proxies.

    DOWN is what a server gets that the worker does not know, knows under another address, or has not checked yet.
    """
    known = {row.srv_name: row for row in rows if row.be_name == proxy}
    lines = []
    for line in servers:
        if _has_own_state(line, default_server):
            row = known.get(line.name)
            if row is None or not _same_verdict(line, row, default_server):
                lines.append(_resting_line(proxy, line, default_server))
            else:
                lines.append(_carried_line(line, row, default_server))
    return _file(lines)


def half_done(row: ServerRow, weight: int) -> bool:
    """Whether a run that was killed while it added or removed this server left it as it is, and nobody wants it so.

    `weight` is what the configuration gives it. We take a server to weight 0 before we drain it or put it into
    maintenance, and end its checks before the latter: an administrator's own maintenance or drain leaves both alone.
    """
    if row.uweight != 0 or weight == 0:
        return False
    if row.check_state & CHECK_CONFIGURED:
        return bool(row.admin_state & FORCED_DRAIN) or not row.check_state & CHECK_ENABLED
    return bool(row.admin_state & (FORCED_DRAIN | FORCED_MAINT))


def _has_own_state(line: ServerLine, default_server: Sequence[str]) -> bool:
    """A server that tracks another one takes over that one's state when it is loaded (5.2 "track")."""
    return "track" not in line.words(default_server)


def _same_verdict(line: ServerLine, row: ServerRow, default_server: Sequence[str]) -> bool:
    if half_done(row, line.effective_weight(default_server)):
        return False
    if row.fqdn != line.address and not same_address(row.addr, line.address):
        return False
    if line.port and row.port != line.port:
        return False
    if not line.checked(default_server):
        return True
    return bool(row.check_state & CHECK_CONFIGURED) and row.check_status != NO_VERDICT


def same_address(one: str, other: str) -> bool:
    """Whether two texts are one IP address: IPv6 has many spellings."""
    if one == other:
        return True
    if ":" not in one or ":" not in other:
        return False
    try:
        return ipaddress.ip_address(one) == ipaddress.ip_address(other)
    except ValueError:
        return False


def _resting_line(proxy: str, line: ServerLine, default_server: Sequence[str]) -> str:
    up = not line.checked(default_server)
    maintenance = FORCED_MAINT | CONFIGURED_MAINT if "disabled" in line.words(default_server) else 0
    return _line(
        line,
        default_server,
        be_name=proxy,
        op_state=RUNNING if up else STOPPED,
        admin_state=maintenance,
        check_status=NO_VERDICT,
        check_state=0 if up else CHECK_CONFIGURED | CHECK_ENABLED,
    )


def _carried_line(line: ServerLine, row: ServerRow, default_server: Sequence[str]) -> str:
    checked = line.checked(default_server)
    return _line(
        line,
        default_server,
        be_id=row.be_id,
        be_name=row.be_name,
        srv_id=row.srv_id,
        addr=row.addr or "-",
        # A server in its slow start is up. Said to be starting, it would begin its slow start anew.
        op_state=RUNNING if row.op_state == STARTING or not checked else row.op_state,
        admin_state=row.admin_state,
        last_change=row.last_change,
        check_status=row.check_status,
        check_result=row.check_result,
        check_health=row.check_health,
        check_state=row.check_state,
        fqdn=row.fqdn or "-",
    )


def _line(
    line: ServerLine,
    default_server: Sequence[str],
    *,
    be_name: str,
    op_state: int,
    admin_state: int,
    check_status: int,
    check_state: int,
    check_result: int = 0,
    check_health: int = 0,
    be_id: int = 0,
    srv_id: int = 0,
    addr: str = "-",
    last_change: int = 0,
    fqdn: str = "-",
) -> str:
    words = line.words(default_server)
    weight = line.effective_weight(default_server)
    tls = [word for word in words if word in ("ssl", "no-ssl")][-1:] == ["ssl"]
    check_port = word_after(words, "port") or "0"
    columns = (
        *(be_id, be_name, srv_id, line.name, addr, op_state, admin_state, weight, weight, last_change),
        *(check_status, check_result, check_health, check_state, 0, 0, 0, fqdn, line.port, "-", int(tls)),
        *(check_port, "-", "-", 0),
    )
    return " ".join(str(column) for column in columns)


def _file(lines: Iterable[str]) -> str:
    return "\n".join(("1", _HEADER, *lines)) + "\n"

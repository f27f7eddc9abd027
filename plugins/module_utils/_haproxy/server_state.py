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
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Optional

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.config import Section
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.server_line import ServerLine, word_after

if TYPE_CHECKING:
    from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.sockets import ServerRow

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
PASSED = 15  # srv_check_status: "L7OK"
CHECK_FAILED, CHECK_PASSED = 2, 3  # srv_check_result, 0 while another check is under way


def verdict(row: ServerRow) -> Optional[bool]:
    """Whether a server that HAProxy took for usable until its first check has passed it; None before that has ended.

    HAProxy notes the result of a check, and changes the state of the server a moment later: until then a server that
    has failed is RUNNING.
    """
    if row.check_status == NO_VERDICT:
        return None
    if row.check_result in (CHECK_FAILED, CHECK_PASSED):
        return row.check_result == CHECK_PASSED
    return row.op_state == RUNNING


class State(NamedTuple):
    """What a state file says of one server: at most one of the running worker's row and a verdict asked just now.

    `up` is the verdict where it is not the row's, `address` the one that it was asked at, `admin` the maintenance or
    drain that an administrator has put the server into.
    """

    row: Optional[ServerRow] = None
    up: bool = False
    address: str = ""
    admin: int = 0


DOWN = State()


def resting(service: Section) -> str:
    """The file that lets no connection through to a server before its checks have passed.

    A server without checks is up in it, as nothing would ever bring it up.
    """
    return carried(service, {})


def carried(service: Section, states: Mapping[str, State]) -> str:
    """The file that gives each server its state, by name; DOWN is what a server gets that `states` lacks.

    A server that tracks another one takes over its state, and has a line only where an administrator has put it into
    drain or maintenance. That line has to have the verdict of the other one, or HAProxy would not follow it.
    """
    lines = []
    for line in service.servers:
        if line.name in states or has_own_state(line, service.default_server):
            state = states.get(line.name, DOWN)
            if state.row is None:
                lines.append(_asked_line(service, line, state))
            else:
                lines.append(_known_line(service, line, state.row))
    return "\n".join(("1", _HEADER, *lines)) + "\n"


def has_own_state(line: ServerLine, default_server: Sequence[str]) -> bool:
    """A server that tracks another one takes over that one's state when it is loaded (5.2 "track")."""
    return not line.in_force(default_server).tracks


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


def _asked_line(service: Section, line: ServerLine, state: State) -> str:
    options = line.in_force(service.default_server)
    unchecked = not options.checked and not options.tracks
    disabled = FORCED_MAINT | CONFIGURED_MAINT if "disabled" in options.words else 0
    return _line(
        line,
        service.default_server,
        be_name=service.name,
        addr=state.address if state.address and line.by_name else "-",
        fqdn=line.address if state.address and line.by_name else "-",
        op_state=RUNNING if unchecked or state.up else STOPPED,
        admin_state=disabled | state.admin,
        check_status=PASSED if state.up and options.checked else NO_VERDICT,
        check_result=CHECK_PASSED if state.up and options.checked else 0,
        check_health=_full_health(line, service.default_server) if state.up else 0,
        check_state=CHECK_CONFIGURED | CHECK_ENABLED if options.checked else 0,
    )


def _full_health(line: ServerLine, default_server: Sequence[str]) -> int:
    """The health of a server none of whose checks has failed: `rise` + `fall` - 1 (5.2, defaults 2 and 3)."""
    words = line.words(default_server)
    rise, fall = (int(word_after(words, word) or default) for word, default in (("rise", "2"), ("fall", "3")))
    return rise + fall - 1


def _known_line(service: Section, line: ServerLine, row: ServerRow) -> str:
    checked = line.checked(service.default_server)
    return _line(
        line,
        service.default_server,
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
    options = line.in_force(default_server)
    return (
        f"{be_id} {be_name} {srv_id} {line.name} {addr} {op_state} {admin_state} {options.weight} {options.weight}"
        f" {last_change} {check_status} {check_result} {check_health} {check_state} 0 0 0 {fqdn} {line.port}"
        f" - {int(options.tls)} {options.check_port or 0} - - 0"
    )

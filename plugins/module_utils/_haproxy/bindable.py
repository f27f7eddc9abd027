# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks that HAProxy can bind the listeners of the new files.

`haproxy -c` does not bind them. A reload does, and if that fails, HAProxy retries for two seconds while the listeners
of the old worker are paused, so that clients are refused.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterable
from typing import Any, Optional

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.config import BindAddress
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.listening import (
    Address,
    Listening,
    address,
    listening,
)
from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import PublishError

_HINTS = {
    errno.EADDRNOTAVAIL: "give the service an address of this host, or allow addresses that are added later, such as a "
    "virtual one (sysctl net.ipv4.ip_nonlocal_bind=1)",
    errno.EADDRINUSE: "another program listens there: give the service another port, or stop that program (ss -ltnp)",
}


def check_bindable(found: Iterable[BindAddress], pid: int) -> None:
    """Raise `PublishError` for the first listener that the HAProxy with process id `pid` could not bind.

    Only certain failures are reported. The test sockets are bound like those of HAProxy, next to its present ones
    (SO_REUSEPORT), and never listen. A listener that HAProxy has already is always accepted. Nothing is checked if
    HAProxy runs in another network namespace, or if its process cannot be inspected by an unprivileged user.
    """
    if not _same_network(pid):
        return
    for listener in found:
        refused = None if listener.transparent else _refusal(listener, pid)
        if refused is not None:
            raise PublishError(
                f"HAProxy could not open {listener.section} on {listener}: {os.strerror(refused)}; {_HINTS[refused]}"
            )


def _same_network(pid: int) -> bool:
    try:
        return os.stat(f"/proc/{pid}/ns/net").st_ino == os.stat("/proc/self/ns/net").st_ino  # noqa: PTH116
    except OSError:
        return False


def _refusal(listener: BindAddress, pid: int) -> Optional[int]:
    """The error number with which HAProxy would certainly fail to bind a listener; None if that is not certain."""
    family = socket.AF_INET6 if listener.family == "ipv6" else socket.AF_INET
    host = ("::" if family == socket.AF_INET6 else "0.0.0.0") if listener.address == "*" else listener.address
    try:
        where = socket.getaddrinfo(host, listener.port, family, socket.SOCK_STREAM)[0][4]
    except OSError:
        return None
    refused = _bind(family, where)
    if refused not in _HINTS:
        return None
    around = listening(pid)
    return refused if around and _is_certain(refused, address(family, str(where[0]), listener.port), around) else None


def _bind(family: socket.AddressFamily, where: tuple[Any, ...]) -> Optional[int]:
    """The error number of bind(2) for this address in this process; None if it succeeds."""
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind(where)
    except OSError as error:
        return error.errno
    return None


def _is_certain(refused: int, where: Address, around: Listening) -> bool:
    """Whether an address that this process cannot bind cannot be bound by HAProxy either."""
    if around.holds(where):
        return False
    return refused != errno.EADDRINUSE or around.is_taken(where, os.geteuid())

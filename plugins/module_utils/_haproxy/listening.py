# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The listening TCP sockets in the network namespace of HAProxy, and which of them it owns (proc(5))."""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import struct
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Optional

from ansible_collections.pgsvc.access.plugins.module_utils._host.light_dataclass import dataclass

_LISTEN = "0A"
_MAPPED = b"\0" * 10 + b"\xff\xff"  # how IPv6 writes an IPv4 address (RFC 4291, 2.5.5.2)


@dataclass(frozen=True)
class Address:
    """The address of a socket: the packed IPv4 or IPv6 address (all zeros for any address), and the port."""

    packed: bytes
    port: int

    @property
    def is_any(self) -> bool:
        return not any(self.packed)

    def overlaps(self, other: Address) -> bool:
        """Whether both have the same family and some connections would match both."""
        if (len(self.packed), self.port) != (len(other.packed), other.port):
            return False
        return self.packed == other.packed or self.is_any or other.is_any

    def may_overlap(self, other: Address) -> bool:
        """Like `overlaps`, but an IPv6 socket on any address may accept IPv4, too: /proc does not show IPV6_V6ONLY."""
        dual = any(len(each.packed) == 16 and each.is_any for each in (self, other))
        return self.overlaps(other) or (dual and self.port == other.port)


@dataclass(frozen=True)
class Socket:
    """A listening socket. `uid` is the user that created it."""

    address: Address
    uid: int
    inode: int


@dataclass(frozen=True)
class Listening:
    """All listening sockets, the inodes of those of HAProxy, and the user that opens the sockets of HAProxy.

    `uid` is None if that is not known.
    """

    sockets: Sequence[Socket]
    own: Collection[int]
    uid: Optional[int]

    def holds(self, address: Address) -> bool:
        """Whether HAProxy already listens there. A new worker takes over the socket, so that binding cannot fail."""
        return any(each.address == address for each in self.sockets if each.inode in self.own)

    def is_taken(self, address: Address, uid: int) -> bool:
        """Whether bind(2), which failed with EADDRINUSE for the user `uid`, would certainly fail for HAProxy.

        The kernel lets sockets share an address if all of them have SO_REUSEPORT and belong to one user (socket(7)). So
        a socket of another user than that of HAProxy always conflicts. A socket of the same user may share the address:
        whether it does is known only if `uid` is that user and no socket of HAProxy can have caused the failure.
        """
        if self.uid is None:
            return False
        others = [each for each in self.sockets if each.inode not in self.own]
        if any(each.uid != self.uid for each in others if each.address.overlaps(address)):
            return True
        own = [each for each in self.sockets if each.inode in self.own]
        return uid == self.uid and not any(each.address.may_overlap(address) for each in own)


def listening(pid: int) -> Optional[Listening]:
    """The listening sockets in the network namespace of a process; None if they or its descriptors are unreadable."""
    process = Path("/proc") / str(pid)
    try:
        own = _open_sockets(process)
        sockets = _read(process / "net/tcp")
        with contextlib.suppress(FileNotFoundError):  # a kernel without IPv6
            sockets += _read(process / "net/tcp6")
        users = {each.uid for each in sockets if each.inode in own}
        return Listening(sockets, own, users.pop() if len(users) == 1 else _binding_user(process))
    except OSError:
        return None


def _read(path: Path) -> list[Socket]:
    with path.open(encoding="ascii") as table:
        return parse(table)


def parse(table: Iterable[str]) -> list[Socket]:
    """The listening sockets of the lines of `/proc/net/tcp` or `/proc/net/tcp6`.

    The kernel lists them first (proc_net_tcp.txt of its documentation). The connections behind them, of which a load
    balancer may have many thousands, are not read.
    """
    found: list[Socket] = []
    for line in itertools.islice(table, 1, None):
        row = line.split()
        if len(row) <= 9 or row[3] != _LISTEN:
            break
        found.append(Socket(_address(row[1]), int(row[7]), int(row[9])))
    return found


def _address(text: str) -> Address:
    """Parse `0100007F:1538`: 32-bit words in the byte order of the host, and the port."""
    words, _colon, port = text.partition(":")
    packed = b"".join(struct.pack("=I", int(words[start : start + 8], 16)) for start in range(0, len(words), 8))
    return Address(packed[12:] if packed.startswith(_MAPPED) else packed, int(port, 16))


def address(family: socket.AddressFamily, host: str, port: int) -> Address:
    """The `Address` of a numeric address, with or without a zone."""
    return Address(socket.inet_pton(family, host.partition("%")[0]), port)


def _open_sockets(process: Path) -> set[int]:
    """The inodes of the sockets that a process has open."""
    found: set[int] = set()
    for descriptor in os.listdir(process / "fd"):  # noqa: PTH208  descriptors may close meanwhile
        with contextlib.suppress(FileNotFoundError):
            target = os.readlink(process / "fd" / descriptor)  # noqa: PTH115
            if target.startswith("socket:["):
                found.add(int(target[8:-1]))
    return found


def _binding_user(process: Path) -> Optional[int]:
    """The user of a worker's master. Sockets are opened by the master, or by a worker before it drops privileges.

    None for a process without a master, which may have had another user when it opened them.
    """
    master = process.parent / _status(process, "PPid")[0]
    if os.readlink(master / "exe") != os.readlink(process / "exe"):  # noqa: PTH115
        return None
    return int(_status(master, "Uid")[1])


def _status(process: Path, field: str) -> list[str]:
    for line in process.joinpath("status").read_text(encoding="utf-8", errors="replace").splitlines():
        name, _colon, values = line.partition(":")
        if name == field:
            return values.split()
    raise FileNotFoundError(f"{process}/status: no {field}")

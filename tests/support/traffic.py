# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients of a service: many short connections that note who answered, and one held open that notes when it is cut."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import errno
import selectors
import socket
import threading
import time
from collections.abc import Iterable

Address = tuple[str, int]

_UNDER_WAY = 200
_PAUSE = 0.005  # seconds, at most, between two looks at the clock


@dataclasses.dataclass
class Tally:
    """What became of the connections. `answered` counts by role of the member at that moment, `members` by its name.

    `refused`: nobody listened. `reset`: cut before an answer. `closed`: taken by HAProxy and closed without an answer,
    which is what it does when no server is up. `late`: no answer within the `patience` of the traffic (10 seconds).
    """

    answered: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    members: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    refused: int = 0
    reset: int = 0
    closed: int = 0
    late: int = 0
    seconds: float = 0.0

    @property
    def total(self) -> int:
        return self.answered.total() + self.lost

    @property
    def lost(self) -> int:
        return self.refused + self.reset + self.closed + self.late

    def misrouted(self, roles: Iterable[str] = ("primary",)) -> int:
        """Answers by a member that had none of the `roles`."""
        return self.answered.total() - sum(self.answered[role] for role in roles)

    def __str__(self) -> str:
        rate = self.total / self.seconds if self.seconds else 0
        answered = ", ".join(f"{count} {role}" for role, count in sorted(self.answered.items())) or "none"
        return (
            f"{self.total} connections at {rate:.0f}/s: answered by {answered};"
            f" {self.refused} refused, {self.reset} reset, {self.closed} closed, {self.late} late"
        )


@dataclasses.dataclass(eq=False)
class _Connection:
    """A connection that awaits its answer. `is_late_at`: on the monotonic clock."""

    socket: socket.socket
    is_late_at: float
    line: bytes = b""


class Traffic:
    """`rate` new connections a second to `address` between ``with`` and its end, counted in `tally`.

    Connections start by the clock, whatever became of the ones before, as long as no more than 200 are under way: a
    machine that is too busy gives a lower rate, which the tally shows, and not connections that are late by themselves.
    """

    def __init__(self, address: Address, rate: int = 500, patience: float = 10) -> None:
        self.address = address
        self.patience = patience
        self.rate = rate
        self.tally = Tally()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"traffic to {address}")

    def _run(self) -> None:
        """One loop over sockets: a task for each connection would take three times the processor time."""
        start = time.monotonic()
        begun = 0
        with selectors.DefaultSelector() as selector:
            under_way: set[_Connection] = set()
            while under_way or not self._ended.is_set():
                now = time.monotonic()
                if not self._ended.is_set():
                    due = int((now - start) * self.rate)
                    for _each in range(min(due - begun, _UNDER_WAY - len(under_way))):
                        if connection := self._connect(now):
                            selector.register(connection.socket, selectors.EVENT_READ, connection)
                            under_way.add(connection)
                    begun = due
                ended = {key.data for key, _events in selector.select(_PAUSE) if self._read(key.data)}
                late = {each for each in under_way if each.is_late_at < now} - ended
                self.tally.late += len(late)
                for connection in ended | late:
                    under_way.remove(connection)
                    selector.unregister(connection.socket)
                    connection.socket.close()
        self.tally.seconds = time.monotonic() - start

    def _connect(self, now: float) -> _Connection | None:
        """A connection that is under way; None if it is lost at once, and counted."""
        opened = socket.socket(socket.AF_INET6 if ":" in self.address[0] else socket.AF_INET)
        opened.setblocking(False)
        error = opened.connect_ex(self.address)
        if error in (0, errno.EINPROGRESS):
            return _Connection(opened, now + self.patience)
        opened.close()
        self._count_lost(error)
        return None

    def _read(self, connection: _Connection) -> bool:
        """Read what has come; whether that is the end of the connection, which is counted then."""
        try:
            more = connection.socket.recv(4096)
        except BlockingIOError:
            return False
        except OSError as error:
            self._count_lost(error.errno)
            return True
        connection.line += more
        if more and not more.endswith(b"\n"):
            return False
        member, _separator, role = connection.line.decode().strip().partition(" ")
        if member:
            self.tally.answered[role] += 1
            self.tally.members[member] += 1
        else:
            self.tally.closed += 1
        return True

    def _count_lost(self, error: int | None) -> None:
        if error == errno.ECONNREFUSED:
            self.tally.refused += 1
        else:
            self.tally.reset += 1

    def __enter__(self) -> Tally:
        self._thread.start()
        return self.tally

    def __exit__(self, *_error: object) -> None:
        self._ended.set()
        self._thread.join()


class Session:
    """A connection that is held open. `member` and `role` say who answered; `cut_at` is when it ended (monotonic)."""

    def __init__(self, address: Address, timeout: float = 5.0) -> None:
        self._socket = socket.create_connection(address, timeout=timeout)
        self._lines = self._socket.makefile("rb")
        self.member, _separator, self.role = self._lines.readline().decode().strip().partition(" ")
        if not self.member:
            self.close()
            raise ConnectionError(f"{address} closed the connection without an answer")
        self._socket.settimeout(None)
        self.cut_at: float | None = None
        self._echoed = threading.Condition()
        self._echoes = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._read, name=f"session with {self.member}")
        self._thread.start()

    def _read(self) -> None:
        try:
            while self._lines.readline():
                with self._echoed:
                    self._echoes += 1
                    self._echoed.notify_all()
        except OSError:
            pass
        self.cut_at = time.monotonic()
        self._ended.set()

    def ping(self, timeout: float = 5.0) -> bool:
        """Does the member still answer on this connection?"""
        with self._echoed:
            awaited = self._echoes + 1
            try:
                self._socket.sendall(b"ping\n")
            except OSError:
                return False
            return self._echoed.wait_for(lambda: self._echoes >= awaited or self.cut_at is not None, timeout) and (
                self.cut_at is None
            )

    def wait_cut(self, timeout: float) -> float:
        """When the session was cut (monotonic seconds); an `AssertionError` when it outlives `timeout`."""
        assert self._ended.wait(timeout), f"the session with {self.member} is still open after {timeout:g} seconds"
        assert self.cut_at is not None
        return self.cut_at

    def close(self) -> None:
        """End it from this side."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        if hasattr(self, "_thread"):
            self._thread.join()
        self._lines.close()
        self._socket.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PostgreSQL clients: each asks the server that it reached who it is."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from pgsvc_lab import credentials

from .waiting import until

Connection = psycopg.Connection[tuple[Any, ...]]

#: The slowest a client is allowed to be about a dead server; libpq's smallest value is 2.
_CONNECT_SECONDS = 2


@dataclass(frozen=True)
class Answer:
    """Who served a connection: its address, whether it is in recovery, and the address it saw its client at."""

    server: str
    in_recovery: bool
    client: str


def connect(host: str, port: int, user: str = "test", database: str = "test", **options: Any) -> Connection:
    """A connection that a transaction pool does not disturb: no prepared statements, each statement by itself.

    A client that waits for an answer learns from keepalives alone that an address has moved to another machine.
    """
    return psycopg.connect(
        host=host, port=port, user=user, password=credentials.passwords()[user], dbname=database, autocommit=True,
        prepare_threshold=None, connect_timeout=_CONNECT_SECONDS, tcp_user_timeout=3000,
        keepalives_idle=1, keepalives_interval=1, keepalives_count=3, **options,
    )  # fmt: skip


def ask(connection: Connection) -> Answer:
    row = connection.execute(
        "SELECT host(inet_server_addr()), pg_is_in_recovery(), host(inet_client_addr())"
    ).fetchone()
    assert row is not None
    return Answer(*row)


def who(host: str, port: int, user: str = "test", **options: Any) -> Answer:
    """Connect, ask, leave. Raises psycopg.OperationalError when nobody serves."""
    with connect(host, port, user, **options) as connection:
        return ask(connection)


def servers(host: str, port: int, count: int, user: str = "test") -> dict[str, int]:
    """Address to number of connections, of `count` connections made one after the other."""
    found: dict[str, int] = {}
    for _each in range(count):
        server = who(host, port, user).server
        found[server] = found.get(server, 0) + 1
    return found


def answers_of_all(host: str, port: int, expected: Set[str]) -> list[Answer]:
    """Answers to connections made one after the other, until each expected server has answered; no other one may.

    A server that was down a moment ago gets few connections at first: its weight rises over 30 s (`slowstart`).
    """
    answers: list[Answer] = []

    def all_have_answered() -> bool:
        answers.extend(who(host, port) for _each in range(6))
        return {answer.server for answer in answers} >= expected

    until(f"all of {sorted(expected)} serve through {host}:{port}", all_have_answered)
    assert {answer.server for answer in answers} == expected, f"{host}:{port}"
    return answers


def is_refused(host: str, port: int, user: str = "test") -> bool:
    """Whether the service has nobody who serves: HAProxy takes the connection and closes it again."""
    try:
        who(host, port, user)
    except psycopg.OperationalError:
        return True
    return False


def write(connection: Connection, client: str) -> str:
    """Write a row; returns the address of the server that took it."""
    row = connection.execute(
        "INSERT INTO writes (client) VALUES (%s) RETURNING host(server)", (client,), prepare=False
    ).fetchone()
    assert row is not None
    return str(row[0])


def can_write(host: str, port: int) -> bool:
    """Whether a write succeeds through the port."""
    with connect(host, port) as connection:
        try:
            write(connection, f"{host}:{port}")
        except psycopg.errors.ReadOnlySqlTransaction:
            return False
    return True


def queries_through_pool(host: str) -> int:
    """How many queries the pool on a node has passed on to database test: pgbouncer's own count."""
    with connect(host, 6432, "dbuser_stats", "pgbouncer") as connection:
        cursor = connection.execute("SHOW STATS_TOTALS")
        names = [column.name for column in cursor.description or []]
        for row in cursor:
            values = dict(zip(names, row, strict=True))
            if values["database"] == "test":
                return int(values["query_count"])
    return 0


@dataclass
class Writer:
    """A client that keeps writing through one address, each time with a new connection, and notes what happened."""

    host: str
    port: int
    #: (time of the acknowledgement, address of the server that took the write)
    taken: list[tuple[float, str]] = field(default_factory=list)
    failed: list[tuple[float, str]] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    @property
    def name(self) -> str:
        return f"{self.host}:{self.port}"

    def run(self) -> None:
        while not self._stop.is_set():
            try:
                with connect(self.host, self.port) as connection:
                    server = write(connection, self.name)
                self.taken.append((time.monotonic(), server))
            except psycopg.Error as error:
                self.failed.append((time.monotonic(), str(error).strip()))
            self._stop.wait(0.05)

    def stop(self) -> None:
        self._stop.set()

    def taken_by(self, server: str, after: float = 0.0) -> list[float]:
        """Times at which a server took writes."""
        return [when for when, who_took in self.taken if who_took == server and when > after]


@contextmanager
def writers(*addresses: tuple[str, int]) -> Iterator[list[Writer]]:
    """Writers at (host, port), each in a thread of its own, for as long as the block runs."""
    running = [Writer(host, port) for host, port in addresses]
    threads = [threading.Thread(target=writer.run, name=writer.name) for writer in running]
    for thread in threads:
        thread.start()
    try:
        yield running
    finally:
        for writer in running:
            writer.stop()
        for thread in threads:
            thread.join()

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many clients in one process, each of which writes again and again.

Every other client makes a new connection for each write. The others keep theirs, and make a new one when it is cut.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg
from pgsvc_lab import credentials

_PAUSE = 0.5  # seconds between two connections of a client
_PATIENCE = 30  # seconds that a client waits for its connection
_INSERT = "INSERT INTO writes (client) VALUES (%s) RETURNING host(server)"


@dataclass
class Crowd:
    """What became of the connections: ``taken`` are acknowledged writes (when, and by which server).

    ``refused`` are connections that failed, ``cut`` those that had been made and failed before their write was
    acknowledged.
    """

    taken: list[tuple[float, str]] = field(default_factory=list)
    refused: list[tuple[float, str]] = field(default_factory=list)
    cut: list[tuple[float, str]] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    async def run(self, addresses: Sequence[tuple[str, int]], size: int) -> None:
        password = credentials.passwords()["test"]
        await asyncio.gather(*(self._write(addresses[n % len(addresses)], n, size, password) for n in range(size)))

    async def _write(self, address: tuple[str, int], number: int, size: int, password: str) -> None:
        await asyncio.sleep(_PAUSE * number / size)
        keeps = number % 2 == 0
        connection: psycopg.AsyncConnection[tuple[object, ...]] | None = None
        while not self._stop.is_set():
            connection = connection or await self._connect(address, password)
            if connection is not None:
                is_open = await self._insert(connection, f"crowd-{number}")
                if not (keeps and is_open):
                    await connection.close()
                    connection = None
            await asyncio.sleep(_PAUSE)
        if connection is not None:
            await connection.close()

    async def _connect(
        self, address: tuple[str, int], password: str
    ) -> psycopg.AsyncConnection[tuple[object, ...]] | None:
        host, port = address
        try:
            return await psycopg.AsyncConnection.connect(
                host=host, port=port, user="test", password=password, dbname="test", autocommit=True,
                prepare_threshold=None, connect_timeout=_PATIENCE,
            )  # fmt: skip
        except psycopg.Error as error:
            self.refused.append((time.monotonic(), str(error).strip()))
            return None

    async def _insert(self, connection: psycopg.AsyncConnection[tuple[object, ...]], name: str) -> bool:
        """Write a row; whether the connection is of further use."""
        try:
            cursor = await connection.execute(_INSERT, (name,), prepare=False)
            row = await cursor.fetchone()
        except psycopg.Error as error:
            self.cut.append((time.monotonic(), str(error).strip()))
            return False
        assert row is not None
        self.taken.append((time.monotonic(), str(row[0])))
        return True

    def taken_by(self, server: str) -> list[float]:
        return [when for when, by in self.taken if by == server]

    def gap(self, old: str, new: str) -> float:
        """Seconds from the last write that the old primary took until the first one that the new primary took."""
        return min(self.taken_by(new)) - max(self.taken_by(old))


@contextmanager
def crowd(addresses: Sequence[tuple[str, int]], size: int) -> Iterator[Crowd]:
    """So many clients write within the block, evenly spread over the addresses."""
    found = Crowd()
    thread = threading.Thread(target=lambda: asyncio.run(found.run(addresses, size)), name=f"{size} clients")
    thread.start()
    try:
        yield found
    finally:
        found._stop.set()
        thread.join()

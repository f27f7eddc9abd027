# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster without a primary, and clients that connect to it meanwhile."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import dataclasses
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

from ansible_collections.pgsvc.access.tests.integration.staying.site import CLUSTER, Balancer
from ansible_collections.pgsvc.access.tests.support.haproxy import wait_until

PRIMARY = f"{CLUSTER}-primary"
# What a client of PostgreSQL sends first (SSLRequest), and the end of a line for the stand-in.
_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16/\n"
_PATIENCE = 90.0


def publish(balancer: Balancer, **variables: Any) -> dict[str, Any]:
    """Publish with these variables of the cluster, and wait for the verdicts of all servers."""
    site = balancer.site.copy()
    site.cluster.update(variables)
    result = balancer.apply(site)
    balancer.settle()
    return result


def demote(balancer: Balancer) -> None:
    """There is no primary from now on, and HAProxy knows it."""
    balancer.patroni.role(**{f"{CLUSTER}-1": "replica"})
    wait_until(lambda: set(balancer.haproxy.statuses(PRIMARY).values()) == {"DOWN"})


def promote(balancer: Balancer, seq: int = 2) -> None:
    balancer.patroni.role(**{f"{CLUSTER}-{seq}": "primary"})


def held(balancer: Balancer, proxy: str = PRIMARY) -> int:
    """How many connections the service has."""
    return int(balancer.haproxy.all_columns(proxy)["FRONTEND"]["scur"])


def alerts(balancer: Balancer) -> list[str]:
    """What HAProxy has complained of, but that a service has no server."""
    lines = balancer.haproxy.log.read_text().splitlines()
    return [line for line in lines if "[ALERT]" in line and "has no server available" not in line]


@dataclasses.dataclass
class Crowd:
    """Clients that connected at once: who answered them, how many got no answer, and after how many seconds each.

    Each keeps its session until all have an answer or none.
    """

    answers: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    failed: int = 0
    hanging: int = 0
    seconds: list[float] = dataclasses.field(default_factory=list)
    _open: list[asyncio.StreamWriter] = dataclasses.field(default_factory=list)

    async def connect_all(self, address: tuple[str, int], size: int) -> None:
        await asyncio.gather(*(self.connect(address) for _each in range(size)))
        for writer in self._open:
            writer.close()

    async def connect(self, address: tuple[str, int]) -> None:
        began = time.monotonic()
        try:
            line = await asyncio.wait_for(self._ask(address), _PATIENCE)
        except asyncio.TimeoutError:
            self.hanging += 1
        except OSError:
            self.failed += 1
        else:
            self.answers.update([line.decode().strip()] if line else [])
            self.failed += not line
        self.seconds.append(time.monotonic() - began)

    async def _ask(self, address: tuple[str, int]) -> bytes:
        reader, writer = await asyncio.open_connection(*address)
        self._open.append(writer)
        writer.write(_REQUEST)
        return await reader.readline()


@contextlib.contextmanager
def crowd(balancer: Balancer, size: int) -> Iterator[Crowd]:
    """So many clients connect to the service of the primary at once; behind the block each has its answer or none."""
    found = Crowd()
    address = balancer.endpoint("primary")
    thread = threading.Thread(target=lambda: asyncio.run(found.connect_all(address, size)), name=f"{size} clients")
    thread.start()
    try:
        yield found
    finally:
        thread.join()


def leave(balancer: Balancer, size: int) -> Sequence[socket.socket]:
    """Clients that connect and wait; every second one has sent its request."""
    clients = [socket.create_connection(balancer.endpoint("primary")) for _each in range(size)]
    for client in clients[::2]:
        client.sendall(_REQUEST)
    return clients

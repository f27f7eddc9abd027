# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process behind `patroni.Patroni`: REST API and "PostgreSQL" of every member in one event loop. Run as a script.

The first line on stdin lists the members, each further one is an order; every line is answered on stdout by one line
of JSON. The process ends with its stdin, so it cannot outlive the test that started it.

The "PostgreSQL" port greets with ``<member> <role>`` and then echoes lines. Sessions survive a change of role: what
cuts them must be the load balancer, as with PgBouncer in front of a demoted primary.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import http
import json
import os
import ssl
import sys
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

PRIMARY, REPLICA, SYNC, STANDBY_LEADER = "primary", "replica", "sync", "standby_leader"
_POLL = 0.5  # seconds between the end of a switchover and the answer
STANDBYS = frozenset({REPLICA, SYNC})

# https://patroni.readthedocs.io/en/latest/rest_api.html, "Health check endpoints"
ENDPOINTS: dict[str, frozenset[str]] = {
    **dict.fromkeys(("/", "/primary", "/read-write", "/master"), frozenset({PRIMARY})),
    "/leader": frozenset({PRIMARY, STANDBY_LEADER}),
    "/standby-leader": frozenset({STANDBY_LEADER}),
    "/replica": STANDBYS,
    "/read-only": STANDBYS | {PRIMARY},
    **dict.fromkeys(("/sync", "/synchronous"), frozenset({SYNC})),
    "/read-only-sync": frozenset({PRIMARY, SYNC}),
    **dict.fromkeys(("/async", "/asynchronous"), frozenset({REPLICA})),
    "/health": STANDBYS | {PRIMARY, STANDBY_LEADER},
}


class Member:
    """One member. `role` may also be ``stopped``: alive, and 503 to every check. `delay`: seconds before an answer."""

    def __init__(
        self,
        name: str,
        addresses: list[str],
        rest: list[tuple[int, list[str] | None]],
        ports: list[int],
        cluster: str,
    ) -> None:
        self.name = name
        self.scope = cluster
        self.addresses = addresses
        self.rest = [(port, _context(tls)) for port, tls in rest]
        self.ports = ports
        self.role = "stopped"
        self.delay = 0.0
        self.greeting = 0.0  # seconds before the first line of a session
        self.lag = 0  # bytes
        self.tags: dict[str, Any] = {}
        self.pause = False  # of the cluster
        self.credentials = ""  # user:password that a change requires
        self.stopping = 0.5  # seconds that PostgreSQL takes to stop in a switchover
        self.refusal: list[Any] = []  # status and text with which it refuses a switchover
        self.is_stopping = False
        self.checks = 0
        self.members: Mapping[str, Member] = {}  # of all clusters
        self._servers: list[asyncio.Server] = []
        self.sessions: set[asyncio.Transport] = set()

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        for address in self.addresses:
            for port, tls in self.rest:
                self._servers.append(await asyncio.start_server(self._check, address, port, ssl=tls))
            for port in self.ports:
                self._servers.append(await loop.create_server(lambda: _Session(self), address, port, backlog=1024))

    async def stop(self) -> None:
        """As a machine that is switched off: nothing listens, every session ends."""
        for server in self._servers:
            server.close()
        self._servers = []
        for transport in list(self.sessions):
            transport.abort()

    async def _check(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            request = await reader.readuntil(b"\r\n\r\n")
            if request.startswith(b"POST /switchover "):
                status, words = await self._switch_over(request, reader)
                await _answer(writer, status, words)
                return
            self.checks += 1
            await asyncio.sleep(self.delay)
            method, target, _rest = request.decode().split(" ", 2)
            path, _mark, query = target.partition("?")
            passes = self.role in ENDPOINTS.get(path, ()) and not self._lags(parse_qs(query))
            state = "stopped" if self.role == "stopped" else "stopping" if self.is_stopping else "running"
            body = json.dumps({"state": state, "role": self.role}) if method == "GET" else ""
            if path == "/cluster" and method == "GET":
                passes, body = True, json.dumps(self.cluster())
            await _answer(writer, 200 if passes else 503, body)
        with contextlib.suppress(OSError):
            writer.close()
            await writer.wait_closed()

    async def _switch_over(self, request: bytes, reader: asyncio.StreamReader) -> tuple[int, str]:
        """``POST /switchover`` as Patroni's api.py has it: status and text.

        The old leader passes its checks until its PostgreSQL has stopped, and takes no connection meanwhile.
        """
        fields = dict(line.lower().split(": ", 1) for line in request.decode().split("\r\n")[1:] if ": " in line)
        body = json.loads(await reader.readexactly(int(fields["content-length"])))
        token = base64.b64encode(self.credentials.encode()).decode()
        if self.credentials and f"authorization: basic {token}".lower() not in request.decode().lower():
            return 401, "no auth header received"
        if not body:
            return 400, "<html>Bad Request</html>"
        leader = next((each for each in self.members.values() if each.role in (PRIMARY, STANDBY_LEADER)), None)
        if leader is None or leader.name != body.get("leader"):
            return 412, "leader name does not match"
        able = [each for each in self.members.values() if each.role in STANDBYS]
        candidates = [each for each in able if each.name == body.get("candidate", each.name)]
        if not candidates:
            return 412, "switchover is not possible: no good candidates have been found"
        if self.refusal:
            return int(self.refusal[0]), str(self.refusal[1])
        leader.is_stopping = True
        for transport in list(leader.sessions):
            transport.abort()
        await asyncio.sleep(self.stopping)
        leader.is_stopping, leader.role, candidates[0].role = False, REPLICA, PRIMARY
        await asyncio.sleep(_POLL)
        return 200, f'Successfully switched over to "{candidates[0].name}"'

    def cluster(self) -> dict[str, Any]:
        """The answer to ``GET /cluster`` (Patroni's REST API, "Cluster status endpoint")."""
        paused = {"pause": True} if self.pause else {}
        members = [member.described() for member in self.members.values() if member.scope == self.scope]
        return {"members": members, "scope": self.scope, **paused}

    def described(self) -> dict[str, Any]:
        scheme, (port, tls) = "http", self.rest[0]
        if tls is not None:
            scheme = "https"
        leads = self.role in (PRIMARY, STANDBY_LEADER)
        role = {PRIMARY: "leader", SYNC: "sync_standby"}.get(self.role, self.role)
        return {
            "name": self.name,
            "role": "replica" if self.role == "stopped" else role,
            "state": "stopped" if self.role == "stopped" else "running" if leads else "streaming",
            "api_url": f"{scheme}://{self.addresses[0]}:{port}/patroni",
            "host": self.addresses[0],
            "port": 5432,
            "timeline": 1,
            **({} if leads else {"lag": self.lag}),
            **({"tags": self.tags} if self.tags else {}),
        }

    def _lags(self, query: dict[str, list[str]]) -> bool:
        """Whether the member lags by more than `lag=` allows; the leader never does."""
        limits = query.get("lag", [])
        return self.role in STANDBYS and any(self.lag > int(each.removesuffix("MB")) * 2**20 for each in limits)


class _Session(asyncio.Protocol):
    """A session with a member: the greeting, and then an echo."""

    def __init__(self, member: Member) -> None:
        self._member = member

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if self._member.is_stopping:
            transport.abort()
            return
        self._member.sessions.add(transport)
        if self._member.greeting:
            asyncio.get_running_loop().call_later(self._member.greeting, self._greet)
        else:
            self._greet()

    def _greet(self) -> None:
        self._transport.write(f"{self._member.name} {self._member.role}\n".encode())

    def data_received(self, data: bytes) -> None:
        self._transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._member.sessions.discard(self._transport)


async def _answer(writer: asyncio.StreamWriter, status: int, body: str) -> None:
    reason = http.HTTPStatus(status).phrase
    head = f"HTTP/1.0 {status} {reason}\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write((head + body).encode())
    await writer.drain()


def _context(tls: list[str] | None) -> ssl.SSLContext | None:
    if tls is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*tls)
    return context


async def obey(members: dict[str, Member], order: dict[str, Any]) -> dict[str, Any]:
    """``add`` a member, ``set`` its attributes, ``start`` or ``stop`` it by name; or ask for ``checks``."""
    if "add" in order:
        member = Member(**order["add"])
        members[member.name] = member
        member.members = members
        await member.start()
    for name, values in order.get("set", {}).items():
        vars(members[name]).update(values)
    if "stop" in order:
        await members[order["stop"]].stop()
    if "start" in order:
        await members[order["start"]].start()
    return {name: member.checks for name, member in members.items()}


async def serve() -> None:
    loop = asyncio.get_running_loop()
    members: dict[str, Member] = {}
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        print(json.dumps(await obey(members, json.loads(line))), flush=True)
    os._exit(0)  # what is under way is of no interest any more, and cancelling it is noisy


if __name__ == "__main__":
    asyncio.run(serve())

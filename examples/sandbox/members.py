# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-ins for the members of the sandbox: Patroni's REST API, and ports that send the name of the member.

usage: members.py SANDBOX < members.json

Each member has ``cluster``, ``address``, ``name``, ``patroni_port``, ``ports`` (a mapping of name to number) and
``login`` (``user:password`` of the REST API, or empty). The file ``SANDBOX/<address>/role`` contains its role: primary,
replica, or sync (a synchronous standby). Change the files to simulate a failover, or ask a member for a switchover:

    curl -u postgres:sandbox http://127.10.10.11:8008/switchover -d '{"leader": "pg-test-1", "candidate": "pg-test-2"}'
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

# The roles that pass each check (Patroni manual, "Patroni REST API", health check endpoints).
PASSES = {
    "/": ("primary",),
    "/primary": ("primary",),
    "/read-write": ("primary",),
    "/leader": ("primary",),
    "/replica": ("replica", "sync"),
    "/read-only": ("primary", "replica", "sync"),
    "/read-only-sync": ("primary", "sync"),
    "/sync": ("sync",),
    "/async": ("replica",),
    "/health": ("primary", "replica", "sync"),
    "/patroni": ("primary", "replica", "sync"),
}
# The names of the roles in the answer to GET /cluster.
IN_CLUSTER = {"primary": "leader", "sync": "sync_standby"}
SECONDS_OF_A_SWITCHOVER = 1.0

Answer = tuple[HTTPStatus, str]


@dataclass(frozen=True)
class Member:
    cluster: str
    address: str
    name: str
    patroni_port: int
    ports: dict[str, int]
    login: str
    role_file: Path

    @property
    def role(self) -> str:
        return self.role_file.read_text().strip()

    def become(self, role: str) -> None:
        self.role_file.write_text(f"{role}\n")


class Cluster:
    """The members of one cluster, and what Patroni answers for them."""

    def __init__(self, members: Iterable[Member]) -> None:
        self.members = {member.name: member for member in members}
        self.timeline = 1
        self.is_moving = False

    async def answer(self, member: Member, method: str, path: str, login: str, body: str) -> Answer:
        if method == "POST" and path == "/switchover":
            if member.login not in ("", login):
                return HTTPStatus.UNAUTHORIZED, "not authenticated"
            return await self.switchover(body)
        if method == "GET" and path == "/cluster":
            return HTTPStatus.OK, json.dumps({"members": [self.described(each) for each in self.members.values()]})
        passes = member.role in PASSES.get(path, ())
        role = "primary" if member.role == "primary" else "replica"
        text = json.dumps({"state": "running", "role": role, "timeline": self.timeline}) if method == "GET" else ""
        return HTTPStatus.OK if passes else HTTPStatus.SERVICE_UNAVAILABLE, text

    def described(self, member: Member) -> dict[str, Any]:
        leads, runs = member.role == "primary", member.role in PASSES["/health"]
        return {
            "name": member.name,
            "role": IN_CLUSTER.get(member.role, "replica"),
            "state": "running" if leads else "streaming" if runs else "stopped",
            "api_url": f"http://{member.address}:{member.patroni_port}/patroni",
            "host": member.address,
            "port": member.ports["postgres"],
            "timeline": self.timeline,
            **({} if leads else {"lag": 0 if runs else "unknown"}),
        }

    async def switchover(self, body: str) -> Answer:
        """Move the primary, as Patroni's ``POST /switchover`` does: the old one is the primary until the end."""
        request = json.loads(body)
        leader, candidate = request.get("leader"), request.get("candidate")
        roles = {name: member.role for name, member in self.members.items()}
        # Of a cluster with a synchronous standby, only this one can become the primary.
        able = [name for name, role in roles.items() if role == "sync"] or [name for name in roles if name != leader]
        bad, impossible = HTTPStatus.BAD_REQUEST, HTTPStatus.PRECONDITION_FAILED
        refusals = (
            (bad, "Switchover could be performed only from a specific leader", not leader),
            (bad, "Switchover target and source are the same", leader == candidate),
            (impossible, "leader name does not match", roles.get(leader) != "primary"),
            (impossible, "candidate does not exists", candidate and candidate not in roles),
            (impossible, "candidate name does not match with sync_standby", candidate and candidate not in able),
            (impossible, "switchover is not possible: cluster does not have members except leader", not able),
        )
        for status, reason, applies in refusals:
            if applies:
                return status, reason
        if self.is_moving:
            return HTTPStatus.SERVICE_UNAVAILABLE, "failed to write failover key into DCS"
        new = candidate or able[0]
        self.is_moving = True
        await asyncio.sleep(SECONDS_OF_A_SWITCHOVER)
        self.members[leader].become(roles[new])
        self.members[new].become("primary")
        self.timeline += 1
        self.is_moving = False
        return HTTPStatus.OK, f'Successfully switched over to "{new}"'


async def respond(cluster: Cluster, member: Member, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer one request to the REST API of a member."""
    try:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _colon, value in (line.partition(":") for line in lines)}
        body = (await reader.readexactly(int(headers.get("content-length", 0)))).decode()
        login = base64.b64decode(headers.get("authorization", "").removeprefix("Basic ")).decode()
        method, target, _version = first.split(" ", 2)
        status, text = await cluster.answer(member, method, target.partition("?")[0], login, body)
        head = f"HTTP/1.0 {status.value} {status.phrase}\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n"
        writer.write(f"{head}{text}".encode())
        await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError, ValueError):
        pass
    finally:
        writer.close()


async def greet(greeting: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send the name of the member, then keep the session open until the client ends it."""
    try:
        writer.write(f"{greeting}\n".encode())
        await writer.drain()
        await reader.read()
    except ConnectionError:
        pass
    finally:
        writer.close()


async def serve(members: list[Member]) -> None:
    for name in dict.fromkeys(member.cluster for member in members):
        cluster = Cluster(member for member in members if member.cluster == name)
        for member in cluster.members.values():
            await asyncio.start_server(partial(respond, cluster, member), member.address, member.patroni_port)
            for port_name, port in member.ports.items():
                await asyncio.start_server(partial(greet, f"{member.name} {port_name}"), member.address, port)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    files = Path(sys.argv[1])
    asyncio.run(serve([Member(**each, role_file=files / each["address"] / "role") for each in json.load(sys.stdin)]))

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-ins for the members of the sandbox: Patroni's health checks, and ports that send the name of the member.

usage: members.py SANDBOX < members.json

Each member has ``address``, ``name``, ``patroni_port`` and ``ports`` (a mapping of name to number). The file
``SANDBOX/<address>/role`` contains its role: primary, replica, or sync (a synchronous standby). Change the file to
simulate a switchover.
"""

from __future__ import annotations

import asyncio
import json
import sys
from functools import partial
from pathlib import Path
from typing import TypedDict

# The roles that pass each check (Patroni manual, "Patroni REST API", health check endpoints).
PASSES = {
    "/": ("primary",),
    "/primary": ("primary",),
    "/read-write": ("primary",),
    "/replica": ("replica", "sync"),
    "/read-only": ("primary", "replica", "sync"),
    "/sync": ("sync",),
    "/health": ("primary", "replica", "sync"),
}


class Member(TypedDict):
    address: str
    name: str
    patroni_port: int
    ports: dict[str, int]


async def check(role: Path, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer one health check, with 200 if the role passes it and 503 if not."""
    try:
        request = await reader.readuntil(b"\r\n\r\n")
        path = request.split(b" ", 2)[1].decode().partition("?")[0]
        status = "200 OK" if role.read_text().strip() in PASSES.get(path, ()) else "503 Service Unavailable"
        writer.write(f"HTTP/1.0 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError, IndexError):
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


async def serve(sandbox: Path, members: list[Member]) -> None:
    for member in members:
        address, role = member["address"], sandbox / member["address"] / "role"
        await asyncio.start_server(partial(check, role), address, member["patroni_port"])
        for name, port in member["ports"].items():
            await asyncio.start_server(partial(greet, f"{member['name']} {name}"), address, port)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), json.load(sys.stdin)))

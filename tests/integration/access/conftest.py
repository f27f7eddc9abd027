# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-ins for PostgreSQL and a running dnsmasq, on loopback."""

from __future__ import annotations

import json
import os
import socket
import socketserver
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgsvc.access.tests.conftest import ROOT
from ansible_collections.pgsvc.access.tests.support.fixtures import new_address

__all__ = ["new_address"]

_SSL_REQUEST, _GSS_REQUEST = 80877103, 80877104


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


def _status(name: str, value: str) -> bytes:
    return _message(b"S", f"{name}\0{value}\0".encode())


class _Session(socketserver.StreamRequestHandler):
    """Enough of the protocol (PostgreSQL 53.2) for libpq: any login succeeds, any query tells who answered whom."""

    def handle(self) -> None:
        parameters = self._startup()
        if parameters is None:
            return
        server: PostgreSQL = self.server  # type: ignore[assignment]
        self.wfile.write(
            _message(b"R", struct.pack("!I", 0))
            + _status("server_version", "15.6")
            + _status("client_encoding", "UTF8")
            + _status("in_hot_standby", "on" if server.standby else "off")
            + _status("default_transaction_read_only", "off")
            + _message(b"Z", b"I")
        )
        while (kind := self.rfile.read(1)) == b"Q":
            self._body()
            answer = f"{server.name} {parameters.get('user')} {parameters.get('database')}".encode()
            field = struct.pack("!IhIhih", 0, 0, 25, -1, -1, 0)
            self.wfile.write(
                _message(b"T", struct.pack("!H", 1) + b"who\0" + field)
                + _message(b"D", struct.pack("!HI", 1, len(answer)) + answer)
                + _message(b"C", b"SELECT 1\0")
                + _message(b"Z", b"I")
            )
        assert kind in (b"X", b""), kind

    def _startup(self) -> dict[str, str] | None:
        while len(body := self._body()) >= 4:
            version = struct.unpack("!I", body[:4])[0]
            if version not in (_SSL_REQUEST, _GSS_REQUEST):
                words = body[4:].decode().split("\0")
                return dict(zip(words[::2], words[1::2], strict=False))
            self.wfile.write(b"N")
        return None

    def _body(self) -> bytes:
        length = self.rfile.read(4)
        return self.rfile.read(struct.unpack("!I", length)[0] - 4) if len(length) == 4 else b""


class PostgreSQL(socketserver.ThreadingTCPServer):
    """A server that says its name."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, name: str, address: str, port: int, standby: bool) -> None:
        super().__init__((address, port), _Session)
        self.name = name
        self.standby = standby


Postgres = Callable[[str, str, int, bool], PostgreSQL]


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    """Start a stand-in: (name, address, port, whether it is a standby)."""
    with ExitStack() as started:

        def start(name: str, address: str, port: int, standby: bool) -> PostgreSQL:
            server = started.enter_context(PostgreSQL(name, address, port, standby))
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
            thread.start()
            started.callback(thread.join)
            started.callback(server.shutdown)
            return server

        yield start


@pytest.fixture
def inventory(tmp_path: Path) -> Callable[[Mapping[str, Any]], Path]:
    """Write an inventory in which every host is this machine."""

    def write(groups: Mapping[str, Any]) -> Path:
        path = tmp_path / "inventory.json"
        common = {
            "ansible_connection": "local",
            "ansible_become": False,
            "ansible_python_interpreter": "/usr/bin/python3",
        }
        path.write_text(json.dumps({"all": {"vars": common, "children": dict(groups)}}), encoding="utf-8")
        return path

    return write


def pg_test(node: str, members: list[str], **variables: Any) -> dict[str, Any]:
    """Groups of an inventory: a DNS node, and the example cluster whose first member is its primary."""
    hosts = {
        address: {"pg_seq": number, "pg_role": "primary" if number == 1 else "replica"}
        for number, address in enumerate(members, 1)
    }
    return {
        "infra": {"hosts": {node: {}}},
        "pg-test": {"hosts": hosts, "vars": {"pg_cluster": "pg-test", **variables}},
    }


def run(command: list[str | Path], **environment: str) -> subprocess.CompletedProcess[str]:
    words = [str(word) for word in command]
    return subprocess.run(words, capture_output=True, text=True, check=False, env={**os.environ, **environment})


def playbook(inventory: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return run(["ansible-playbook", "-i", inventory, *options], ANSIBLE_NOCOLOR="1")


def changed(done: subprocess.CompletedProcess[str]) -> int:
    """How many tasks changed something; the run must have succeeded."""
    assert done.returncode == 0, done.stdout + done.stderr
    recap = done.stdout.partition("PLAY RECAP")[2]
    return sum(int(word.partition("=")[2]) for word in recap.split() if word.startswith("changed="))


def urls(inventory: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return run([ROOT / "bin/pgsql-svc", "-i", inventory, *options, "--urls"], **environment)


def free_port(address: str) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])

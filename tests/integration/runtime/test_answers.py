# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever else answers on HAProxy's sockets: one short sentence that names the socket, in bounded time and memory."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy import process, sockets
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.sockets import RuntimeAPI
from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import CLIError, PublishError

LONGEST = 500  # characters of a message
MEBIBYTE = 2**20

SERVERS = "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state\n"

#: What is answered to every command of `find`, which asks `show proc` of the master and `show info` of a worker.
ODD = {
    "nothing": b"",
    "an empty line": b"\n",
    "no text": bytes(range(256)) * 16,
    "one line of a megabyte": b"x" * MEBIBYTE + b"\n",
    "a megabyte without an end": b"\0" * MEBIBYTE,
    "another protocol": b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
    "no process id": b"Name: HAProxy\nVersion: 2.6.12\n",
    "a process id in words": b"Name: HAProxy\nVersion: 2.6.12\nPid: one\n",
    "a process id of 5,000 digits": b"Name: HAProxy\nVersion: 2.6.12\nPid: " + b"9" * 5_000 + b"\n",
    "other digits": "Name: HAProxy\nVersion: 2.6.12\nPid: ٣\n".encode(),
    "no version": b"Name: HAProxy\nPid: 1\n",
    "a version of 100,000 letters": b"Name: HAProxy\nVersion: " + b"v" * 100_000 + b"\nPid: 1\n",
    "a master in words": b"#<PID> <type> <reloads>\none master [one]\n# workers\ntwo worker 0 0d00h00m01s\n",
    "a worker of 5,000 digits": b"1 master 0 0d00h00m01s\n# workers\n" + b"9" * 5_000 + b" worker 0 0d00h00m01s\n",
}

#: What is answered to `show stat` and `show servers state`.
TABLES = {
    "text for a number": SERVERS + "1 a 1 s1 127.0.0.1 two 0\n",
    "5,000 digits": SERVERS + f"1 a 1 s1 127.0.0.1 {'9' * 5_000} 0\n",
    "a column less": SERVERS + "1 a 1\n",
    "an oversized row": SERVERS + f"1 {'a' * MEBIBYTE} 1 s1 127.0.0.1 two 0\n",
    "an oversized field": f'# pxname,svname,status,\na,"{"b" * MEBIBYTE},UP,\n',
}


class Impostor:
    """Something that listens on a Unix socket and answers every connection with the same bytes, `endless` or once."""

    def __init__(self, path: Path, answer: bytes, endless: bool = False) -> None:
        self._answer, self._endless = answer, endless
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_exception: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _address = self._listener.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                connection.recv(4096)
                connection.sendall(self._answer)
                while self._endless:
                    connection.sendall(self._answer)


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A master that re-executes itself is waited for; these never come back."""
    monkeypatch.setattr(process, "MASTER_BACK", 0.3)
    monkeypatch.setattr(process, "_SOCKET_BACK", 0.3)


@contextlib.contextmanager
def refused(path: Path) -> Iterator[None]:
    with pytest.raises((CLIError, PublishError)) as caught:
        yield
    said = str(caught.value)
    assert len(said) < LONGEST, said[:LONGEST]
    assert said.isprintable(), ascii(said)
    assert str(path) in said or "HAProxy" in said or "the server state" in said


@pytest.mark.parametrize("which", ["master", "stats"])
@pytest.mark.parametrize("answer", ODD)
def test_odd_answers(tmp_path: Path, which: str, answer: str) -> None:
    path = tmp_path / which
    other = tmp_path / "absent"
    with Impostor(path, ODD[answer]), refused(path):
        process.find(*map(str, (path, other) if which == "master" else (other, path)))


@pytest.mark.parametrize("answer", TABLES)
def test_odd_tables(tmp_path: Path, answer: str) -> None:
    path, text = tmp_path / "stats", TABLES[answer]
    with Impostor(path, text.encode()), refused(path):
        api = RuntimeAPI(str(path))
        if text.startswith("1"):
            api.servers_state()
        else:
            api.stat()


def test_a_flood_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound is 256 MiB; here it is a megabyte, so that the test needs no more memory than that."""
    monkeypatch.setattr(sockets, "_LARGEST", MEBIBYTE)
    path = tmp_path / "stats"
    with Impostor(path, b"x" * 65_536, endless=True), refused(path):
        RuntimeAPI(str(path)).info()


def test_a_drip_ends(tmp_path: Path) -> None:
    """Something that goes on answering, byte by byte, has as long as one answer may take, and not that for each."""
    path = tmp_path / "stats"
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    listener.listen()

    def drip() -> None:
        connection, _address = listener.accept()
        with connection, contextlib.suppress(OSError):
            while not stop.wait(0.05):
                connection.sendall(b"x")

    stop, thread = threading.Event(), threading.Thread(target=drip)
    thread.start()
    try:
        with refused(path):
            RuntimeAPI(str(path), timeout=0.5).info()
    finally:
        stop.set()
        thread.join()
        listener.close()

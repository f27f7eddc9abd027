# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A HAProxy that is too old: the one that runs, and the one that validates."""

from __future__ import annotations

import os
import socketserver
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy import process
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.version import check_binary, check_running
from ansible_collections.pgsvc.access.tests.integration.publish.node import Node, statuses
from ansible_collections.pgsvc.access.tests.support.haproxy import HAProxy

WORKS_WITH = "pgsvc.access works with HAProxy 2.6 and later"
INFO = (
    "Name: HAProxy\nVersion: {version}\nRelease_date: 2023/02/14\nNbthread: 2\nNbproc: 1\nProcess_num: 1\nPid: {pid}\n"
)
# The columns and the old worker of the management guide of 2.4, 9.4.
PROC = """\
#<PID>          <type>          <relative PID>  <reloads>       <uptime>        <version>
{pid}            master          0               5               0d00h02m07s     {version}
# workers
{pid}            worker          1               1               0d00h00m00s     {version}
# old workers
1233            worker          [was: 1]        3               0d00h00m43s     {version}
# programs

"""


class Old:
    """A process that answers both sockets of a HAProxy as 2.4 does, by `path`; `asked` has what it was asked."""

    def __init__(self, path: Path, version: str) -> None:
        self.path = str(path)
        self.asked: list[str] = []
        values = {"version": version, "pid": os.getpid()}
        answers = {"show proc": PROC.format(**values), "show info": INFO.format(**values)}
        asked = self.asked

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                line = self.rfile.readline().decode().strip()
                asked.append(line)
                self.wfile.write(answers.get(line.removeprefix("@1 "), "Unknown command.\n").encode())

        self._server = socketserver.ThreadingUnixStreamServer(self.path, Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Old]:
    process = Old(tmp_path / "old.sock", "2.4.22-f8e3218")
    yield process
    process.close()


@pytest.mark.spread
@pytest.mark.parametrize("behind", ["master_socket", "stats_socket"])
@pytest.mark.parametrize("check", [False, True])
def test_the_running_one(node: Node, old: Old, behind: str, check: bool) -> None:
    sockets = {"master_socket": "/nonexistent.sock", "stats_socket": "/nonexistent.sock", behind: old.path}
    before = node.snapshot()

    result = node.begin([node.service("a", 5440)], check=check, **sockets).result()

    assert result["msg"] == (
        f"the HAProxy at {old.path} is 2.4.22-f8e3218; {WORKS_WITH}. Install such a version and restart HAProxy. "
        "Nothing was changed"
    )
    assert result["rolled_back"] is False
    assert node.snapshot() == before
    assert old.asked == (["show proc", "@1 show info"] if behind == "master_socket" else ["show info"])


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str], tuple[Path, Path]]:
    """A function that makes a program which prints a banner and accepts all files, and the log of its arguments."""

    def make(banner: str) -> tuple[Path, Path]:
        path, log = tmp_path / "haproxy", tmp_path / "log"
        path.write_text(f"#!/bin/sh\necho \"$1\" >>'{log}'\n[ \"$1\" != -v ] || echo '{banner}'\n")
        path.chmod(0o755)
        return path, log

    return make


@pytest.mark.spread
@pytest.mark.parametrize("apply", [False, True])
@pytest.mark.parametrize(
    ("banner", "what"),
    [
        (
            "HAProxy version 2.4.24-0ubuntu0.22.04.1 2023/10/31 - https://haproxy.org/",
            "is HAProxy 2.4.24-0ubuntu0.22.04.1",
        ),
        ("HA-Proxy version 2.2.9-2+deb11u6 2023/12/28 - https://haproxy.org/", "is HAProxy 2.2.9-2+deb11u6"),
        ("true (GNU coreutils) 9.1", "-v does not print a version of HAProxy ('true (GNU coreutils) 9.1')"),
    ],
)
def test_the_one_that_validates(
    node: Node, program: Callable[[str], tuple[Path, Path]], banner: str, what: str, apply: bool
) -> None:
    path, log = program(banner)
    before = node.snapshot()

    result = node.publish([node.service("a", 5440)], binary=str(path), apply=apply)

    assert result["msg"] == (
        f"{path} {what}; {WORKS_WITH}. Install such a version, or set binary to one. Nothing was changed"
    )
    assert result["rolled_back"] is False
    assert node.snapshot() == before
    assert log.read_text() == "-v\n"


def test_the_real_ones(node: Node, haproxy: HAProxy) -> None:
    """Both are accepted, and a run that changes nothing starts none."""
    banner = subprocess.run([haproxy.binary, "-v"], check=True, capture_output=True, text=True).stdout
    check_binary(str(haproxy.binary), banner)
    check_running(haproxy.api.info(), str(haproxy.stats_socket))
    assert process.find(str(haproxy.master_socket), "/nonexistent.sock") is not None
    assert process.find("/nonexistent.sock", str(haproxy.stats_socket)) is not None

    assert statuses(node.publish([node.service("a", 5440)])) == {"a": "created"}
    assert node.publish([node.service("a", 5440)], binary="/bin/false")["changed"] is False

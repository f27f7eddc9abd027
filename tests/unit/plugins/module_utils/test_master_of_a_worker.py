# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a worker has a master, also while processes come and go."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.process import has_master

# Starts a child that runs until its standard input is closed.
PARENT = "import subprocess, sys; subprocess.run(['cat'], check=True) if sys.argv[1:] else None"
SOCKET = "/run/haproxy-master.sock"


@pytest.fixture
def worker(request: pytest.FixtureRequest) -> Iterator[int]:
    """The child of a process with the arguments of the parameter."""
    command = [sys.executable, "-c", PARENT, *request.param]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as parent:
        children = f"/proc/{parent.pid}/task/{parent.pid}/children"
        found = ""
        while not found:
            with open(children, encoding="ascii") as stream:  # noqa: PTH123  read again and again
                found = stream.read()
        yield int(found)
        parent.communicate()


@pytest.mark.parametrize(
    ("worker", "expected"),
    [(["-Ws", "-S", f"{SOCKET},mode,600"], True), (["-Ws", "-S", "/run/other.sock"], False), (["-Ws"], False)],
    ids=["this socket", "another socket", "no socket"],
    indirect=["worker"],
)
def test_a_worker(worker: int, expected: bool) -> None:
    assert has_master(worker, SOCKET) is expected


def test_one_that_has_just_ended_may_have_one() -> None:
    """A worker that a reload replaces, for instance: it is looked for again."""
    with subprocess.Popen(["true"]) as ended:
        pass
    assert has_master(ended.pid, SOCKET)

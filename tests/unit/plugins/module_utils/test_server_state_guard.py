# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carried state files never outlive the run that wrote them."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.pgsvc.access.plugins.module_utils._publish.state_guard import carried_states
from ansible_collections.pgsvc.access.tests.support.haproxy import wait_until

# Takes the lock, holds the carried files, says so, and waits to be killed.
HOLDER = """
import fcntl, sys
from pathlib import Path
from ansible_collections.pgsvc.access.plugins.module_utils._publish.state_guard import carried_states

folder = Path(sys.argv[1])
with (folder / "lock").open("w") as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)
    paths = [folder / "a.state", folder / "b.state"]
    for path in paths:
        path.write_text("resting")
    with carried_states({p: "carried" for p in paths}, keep=[lock.fileno()]):
        print("held", flush=True)
        sys.stdin.read()
"""


@pytest.fixture
def state(tmp_path: Path) -> Path:
    path = tmp_path / "a.state"
    path.write_text("resting")
    return path


def files(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_carried_within_resting_behind(state: Path) -> None:
    before = state.stat()
    with carried_states({state: "carried"}):
        assert state.read_text() == "carried"
        assert state.stat().st_mode & 0o777 == 0o600
    assert files(state.parent) == {"a.state": "resting"}
    assert (state.stat().st_ino, state.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_resting_after_an_error_within(state: Path) -> None:
    with pytest.raises(RuntimeError, match="no reload"), carried_states({state: "carried"}):
        raise RuntimeError("no reload")
    assert files(state.parent) == {"a.state": "resting"}


def test_a_file_that_cannot_be_written_leaves_no_carried_one(state: Path) -> None:
    beyond = state.parent / "nowhere" / "b.state"
    with pytest.raises(FileNotFoundError), carried_states({state: "c", beyond: "c"}):
        pytest.fail("held without its files")
    assert files(state.parent) == {"a.state": "resting"}


@pytest.mark.parametrize("group", [False, True], ids=["the process", "its process group"])
def test_resting_after_a_sigkill(tmp_path: Path, group: bool) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    pipe = subprocess.PIPE
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, text=True, start_new_session=True, env=environment
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert files(tmp_path)["a.state"] == files(tmp_path)["b.state"] == "carried"
        (os.killpg if group else os.kill)(holder.pid, signal.SIGKILL)
        with (tmp_path / "lock").open("w") as lock:  # the next run: it waits for the guard
            fcntl.flock(lock, fcntl.LOCK_EX)
            assert files(tmp_path) == {"a.state": "resting", "b.state": "resting", "lock": ""}


def test_the_guard_ends_with_its_work(state: Path) -> None:
    def children() -> str:
        return Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text()

    before = children()
    with carried_states({state: "carried"}):
        assert children() != before
    wait_until(lambda: children() == before)

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lock that allows one run at a time on a configuration directory."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import PublishError

_POLL = 0.1


@contextlib.contextmanager
def locked(directory: Path, timeout: float) -> Iterator[int]:
    """Hold the lock of `directory`, waiting up to `timeout` seconds for it. Yields the descriptor that holds it.

    The directory itself is locked (flock(2)), not a file in it: this needs no write, so it works in check mode and on a
    read-only file system. The kernel releases the lock when the last process with the descriptor ends, including
    children that inherit it.
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        hold(descriptor, directory, timeout)
        yield descriptor
    finally:
        os.close(descriptor)


def hold(descriptor: int, directory: Path, timeout: float) -> None:
    """Lock the directory by its descriptor, until that is closed."""
    deadline = time.monotonic() + timeout
    while not _try(descriptor):
        if time.monotonic() >= deadline:
            raise PublishError(
                f"{directory} has been locked by another run ({_holder(descriptor)}) for {timeout:g} seconds: "
                "run again when it has ended"
            )
        time.sleep(_POLL)


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(descriptor: int) -> str:
    """The process id and command line of the process that holds the lock, from /proc/locks (proc(5))."""
    inode = os.fstat(descriptor).st_ino
    with contextlib.suppress(OSError):
        for line in Path("/proc/locks").read_text(encoding="ascii").splitlines():
            words = line.split()
            if words[1] == "FLOCK" and words[5].rpartition(":")[2] == str(inode):
                return f"process {words[4]}{_command_line(words[4])}"
    return "process unknown"


def _command_line(pid: str) -> str:
    with contextlib.suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
        return ", " + " ".join(words).strip()
    return ""

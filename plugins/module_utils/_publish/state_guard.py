# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts carried state files in place for one reload only, even if the run is killed.

A carried state file that is left behind would, at the next boot, send writes to the server that was the primary when it
was written. So copies of the resting files are prepared before the first carried one is put in place. If this process
is killed, a small process in its own session renames them back. It only needs rename(2), which works on a full disk.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from ansible_collections.pgsvc.access.plugins.module_utils._host.files import (
    sync_directory,
    temporary,
    write_new,
)

_MODE = 0o600


@contextlib.contextmanager
def carried_states(carried: Mapping[Path, str], keep: Collection[int] = ()) -> Iterator[None]:
    """Put the `carried` files in place within the block, and restore the present files after it.

    The present files are kept by a hard link, so that restoring them writes nothing. The carried files are not flushed
    to disk, as they are of no use after a power failure. `keep` are descriptors that the guard inherits: with that of
    the lock (flock(2)), the next run waits until the guard has finished. Raises `OSError` if a file cannot be written;
    the present files are restored then.
    """
    with contextlib.ExitStack() as undo:
        renames = [(temporary(path, "rest"), path) for path in carried]
        undo.callback(_discard, [source for source, _path in renames])
        for source, path in renames:
            source.unlink(missing_ok=True)
            os.link(path, source, follow_symlinks=False)
        for directory in {path.parent for path in carried}:
            sync_directory(directory)
        with _guard(renames, keep):
            for path, text in carried.items():
                new = temporary(path, "write")
                new.unlink(missing_ok=True)
                write_new(new, text.encode(), _MODE, sync=False)
                new.replace(path)
            yield


@contextlib.contextmanager
def _guard(renames: Sequence[tuple[Path, Path]], keep: Collection[int]) -> Iterator[None]:
    """Carry out the renames at the end of the block, even if this process is killed.

    The guard is a fork of this process, because starting another program would take longer than the rest of the reload.
    It reads from a pipe that this process writes to. End of file without data means that this process was killed.
    """
    reading, orders = os.pipe()
    ready, answers = os.pipe()
    guard = os.fork()
    if guard == 0:
        _run_guard(renames, reading, answers, keep)
    os.close(reading)
    os.close(answers)
    try:
        if not os.read(ready, 1):
            raise OSError("the guard of the server-state files ended at once")
        try:
            yield
        finally:
            for source, target in renames:
                source.replace(target)
            for directory in {target.parent for _source, target in renames}:
                sync_directory(directory)
            os.write(orders, b"done")
    finally:
        os.close(ready)
        os.close(orders)
        os.waitpid(guard, 0)


def _run_guard(renames: Sequence[tuple[Path, Path]], reading: int, answers: int, keep: Collection[int]) -> NoReturn:
    """Run the guard in its own session until the end of its pipe."""
    try:
        os.setsid()
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        _close_all_but({reading, answers, *keep})
        os.write(answers, b"ready")
        if not os.read(reading, 1):
            for source, target in renames:
                with contextlib.suppress(OSError):
                    source.replace(target)
    finally:
        os._exit(0)  # without the exit handlers of the parent


def _close_all_but(kept: Collection[int]) -> None:
    """Close all other descriptors, in particular the one through which Ansible waits for the module's output."""
    null = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(null, standard)
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208  the names are all that is needed
        if int(name) > 2 and int(name) not in kept:
            with contextlib.suppress(OSError):
                os.close(int(name))


def _discard(paths: list[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hold carried state files for the length of one reload, and no longer, whatever ends the run.

A carried state that is left behind would, at the next boot, send writes to whoever was the primary back then. So the
resting files are ready beside them before the first carried one appears, and a small process of its own session puts
them in place should this one be killed: all it needs is rename(2), so a full disk does not stop it.
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
    """Have the `carried` files in place within the block, and the files that are there now behind it.

    Those are kept by a second link, so putting them back writes nothing. The carried ones are not brought to the disk:
    they are of no use to a machine that has lost its power. `keep` are descriptors that the guard inherits: given the
    lock's (flock(2)), the next run waits until the guard has done its work. Raises `OSError` when a file cannot be
    written; then the earlier ones are in place.
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
    """Carry out the renames at the end of the block, whatever ends it.

    The guard is a fork of this process: to start another program would cost more than the rest of the reload. It reads
    a pipe whose other end this process has. The end of the pipe without a word means that this process was killed.
    """
    reading, orders = os.pipe()
    ready, answers = os.pipe()
    guard = os.fork()
    if guard == 0:
        _stand_guard(renames, reading, answers, keep)
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


def _stand_guard(renames: Sequence[tuple[Path, Path]], reading: int, answers: int, keep: Collection[int]) -> NoReturn:
    """What the guard does, in a session of its own, until its pipe ends."""
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
        os._exit(0)  # nothing of what the parent would do at its end


def _close_all_but(kept: Collection[int]) -> None:
    """Close every descriptor but these, above all the one by which Ansible waits for the output of the module."""
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

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one way to write a file, and what the writing may leave behind when it is killed."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path

TEMPORARY_PREFIX = ".pgsvc-"
TEMPORARY_SUFFIX = ".tmp"


def temporary(target: Path, kind: str) -> Path:
    """The name beside `target` for something that is not yet, or no longer, `target`: HAProxy loads no such name.

    There is one per target and kind: whoever writes holds the lock of the directory, and leftovers are found by their
    names.
    """
    return target.with_name(f"{TEMPORARY_PREFIX}{kind}.{target.name}{TEMPORARY_SUFFIX}")


def leftovers(directory: Path) -> list[Path]:
    """The temporary files of a run that was killed; nothing when the directory is not there."""
    try:
        names = os.listdir(directory)  # noqa: PTH208  a list of names is all that is needed, and this runs every time
    except FileNotFoundError:
        return []
    return [directory / n for n in sorted(names) if n.startswith(TEMPORARY_PREFIX) and n.endswith(TEMPORARY_SUFFIX)]


def read_regular(path: Path, most: int) -> bytes:
    """Up to `most` bytes of a regular file. Raises `OSError` for anything else: a FIFO would never end to be read."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise OSError(errno.EINVAL, "is not a regular file", str(path))
        return stream.read(most)


def write_new(path: Path, content: bytes, mode: int, *, sync: bool = True) -> None:
    """Write a file that is not there yet, with `sync` down to the disk. A failure (disk full) leaves none behind.

    The error names the file, also where the system's own does not (a write to a full disk).
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fchmod(stream.fileno(), mode)
            if sync:
                os.fsync(stream.fileno())
    except OSError as error:
        with contextlib.suppress(OSError):
            path.unlink()
        raise OSError(error.errno, error.strerror, str(path)) from error


def write_file(path: Path, content: bytes, mode: int) -> None:
    """Create or replace a file at once: who reads it sees all of the old or all of the new, also after a power cut."""
    replace_file(path, content, mode)
    sync_directory(path.parent)


def replace_file(path: Path, content: bytes, mode: int) -> None:
    """The same for one of several files: it outlives a power cut when its directory has been brought to the disk."""
    new = temporary(path, "write")
    new.unlink(missing_ok=True)
    write_new(new, content, mode)
    new.replace(path)


def sync_directory(directory: Path) -> None:
    """Bring renames and removals in a directory down to the disk (fsync(2))."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

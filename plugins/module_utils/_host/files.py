# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes files, and finds the temporary files that a killed run leaves behind."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path

TEMPORARY_PREFIX = ".pgsvc-"
TEMPORARY_SUFFIX = ".tmp"


def temporary(target: Path, kind: str) -> Path:
    """The path, next to `target`, of its future or former content. HAProxy does not load files with such a name.

    There is one per target and kind, because a writer holds the lock of the directory. Leftovers are found by the name.
    """
    return target.with_name(f"{TEMPORARY_PREFIX}{kind}.{target.name}{TEMPORARY_SUFFIX}")


def leftovers(directory: Path) -> list[Path]:
    """The temporary files of a run that was killed; empty if the directory does not exist."""
    try:
        names = os.listdir(directory)  # noqa: PTH208  a list of names is all that is needed, and this runs every time
    except FileNotFoundError:
        return []
    return [directory / n for n in sorted(names) if n.startswith(TEMPORARY_PREFIX) and n.endswith(TEMPORARY_SUFFIX)]


def read_regular(path: Path, most: int) -> bytes:
    """Read up to `most` bytes of a regular file. Raises `OSError` for other files: reading a FIFO may never end."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise OSError(errno.EINVAL, "is not a regular file", str(path))
        return stream.read(most)


def write_new(path: Path, content: bytes, mode: int, *, sync: bool = True) -> None:
    """Write a file that does not exist yet; with `sync`, flush it to disk. A failure (disk full) leaves no file behind.

    The error names the file, also if that of the system does not (a write to a full disk).
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
    """Create or replace a file atomically: readers see the old or the new content, also after a power failure."""
    replace_file(path, content, mode)
    sync_directory(path.parent)


def replace_file(path: Path, content: bytes, mode: int) -> None:
    """Like `write_file`, for one of several files: the caller has to call `sync_directory` afterwards."""
    new = temporary(path, "write")
    new.unlink(missing_ok=True)
    write_new(new, content, mode)
    new.replace(path)


def sync_directory(directory: Path) -> None:
    """Flush renames and removals in a directory to disk (fsync(2))."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

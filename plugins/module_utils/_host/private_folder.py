# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A temporary folder for one process. Folders of killed runs are removed by a later run."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

_PREFIX = "pgsvc-"
_REMOTE_TMP = "ansible-"  # the prefix of Ansible's folder for one module, beside those of other runs


@contextlib.contextmanager
def private_folder(temporary: str) -> Iterator[tuple[Path, int]]:
    """A folder for this process, removed afterwards, and the descriptor that holds its lock.

    The lock (flock(2)) ends with the last process that has the descriptor. It distinguishes folders in use from those
    that killed runs have left behind, which are removed here. A child that uses the folder must inherit the descriptor.
    """
    for leftover in _leftovers(Path(temporary)):
        _remove_unused(leftover)
    folder, descriptor = _locked_folder(temporary)
    try:
        yield folder, descriptor
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def _locked_folder(temporary: str) -> tuple[Path, int]:
    while True:
        Path(temporary).mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=temporary))
        # Until it is locked, another run may treat it as a leftover and remove it.
        with contextlib.suppress(FileNotFoundError):
            descriptor = _open(folder)
            if _lock(descriptor) and folder.exists():
                return folder, descriptor
            os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Lock a folder; false where another run has the lock, which is about to remove the folder."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks: then nothing is treated as a leftover
        return True
    return True


def _open(folder: Path) -> int:
    return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)


def _leftovers(temporary: Path) -> Iterable[Path]:
    """The folders of this user from other runs in Ansible's remote_tmp; empty if `temporary` is not in one."""
    if not temporary.name.startswith(_REMOTE_TMP):
        return
    for run in entries(temporary.parent):
        if run.name.startswith(_REMOTE_TMP) and run.name != temporary.name and run.is_dir(follow_symlinks=False):
            for entry in entries(Path(run.path)):
                if entry.name.startswith(_PREFIX) and _is_own_folder(entry):
                    yield Path(entry.path)


def _is_own_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False) and entry.stat(follow_symlinks=False).st_uid == os.geteuid()
    except OSError:
        return False


def _remove_unused(folder: Path) -> None:
    try:
        descriptor = _open(folder)
    except OSError:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.rmdir()  # fails if Ansible has left other files there, which are kept
    except OSError:
        return  # in use, or next to files of Ansible
    finally:
        os.close(descriptor)


def entries(directory: Path) -> list[os.DirEntry[str]]:
    """The entries of a directory; empty if it cannot be read."""
    try:
        with os.scandir(directory) as entries:
            return list(entries)
    except OSError:
        return []

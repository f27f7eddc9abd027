# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Opens the folder of a path without following symbolic links that an unprivileged user may have created."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import PublishError
from ansible_collections.pgsvc.access.plugins.module_utils._host.light_dataclass import dataclass

_MOST_LINKS = 40  # as the kernel (path_resolution(7))


class FolderMissingError(PublishError):
    """The folder of a file does not exist."""


class NotRegularError(PublishError):
    """A path that should be a regular file is something else."""


@dataclass(frozen=True)
class Place:
    """A name in an open folder. `descriptor` refers to that folder, even if a user replaces its path."""

    path: Path
    descriptor: int

    @property
    def name(self) -> str:
        return self.path.name


@dataclass(frozen=True)
class _Folder:
    """A folder on the path, opened with O_PATH, which does not need permission to read it."""

    path: Path
    descriptor: int

    def distrust(self) -> str:
        """Why a link in this folder may have been created by another user; empty if only root or this user can write.

        With an access control list, the group bits are its mask, so they cover the users that it names (acl(5)).
        """
        status = os.fstat(self.descriptor)
        if status.st_uid not in (0, os.geteuid()):
            return f"{self.path} belongs to user {status.st_uid}"
        if status.st_mode & 0o022:
            return f"users other than its owner may write to {self.path} (mode {stat.S_IMODE(status.st_mode):04o})"
        return ""


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Place]:
    """Open the folder of a path. The file itself need not exist. Raises `PublishError`, `OSError`.

    Each folder is opened relative to its parent. A symbolic link is followed only if all folders up to it belong to
    root (or this user) and no other user can write to them: elsewhere, such as in /tmp, it may point anywhere.
    """
    whole = Path.cwd() / path
    with contextlib.ExitStack() as stack:
        folder, name = _walk(whole, stack)
        descriptor = _open(".", os.O_RDONLY | os.O_DIRECTORY, folder)
        stack.callback(os.close, descriptor)
        yield Place(folder.path / name, descriptor)


def _walk(whole: Path, stack: contextlib.ExitStack) -> tuple[_Folder, str]:
    root = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    stack.callback(os.close, root)
    way = [_Folder(Path("/"), root)]
    ahead = list(reversed(whole.parts[1:]))
    links = 0
    while ahead:
        name, folder = ahead.pop(), way[-1]
        if name == "..":
            way = way[:-1] or way
            continue
        try:
            descriptor = _open(name, os.O_PATH | os.O_NOFOLLOW, folder)
        except FileNotFoundError:
            if ahead:
                raise _missing(whole) from None
            return folder, name
        stack.callback(os.close, descriptor)
        kind = os.fstat(descriptor).st_mode
        if stat.S_ISLNK(kind):
            links += 1
            target = _follow(way, name)
            if links > _MOST_LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(whole))
            way = way[:1] if target.is_absolute() else way
            ahead += reversed(target.parts[target.is_absolute() :])
        elif not ahead:
            return folder, name
        elif not stat.S_ISDIR(kind):
            raise _missing(whole)
        else:
            way.append(_Folder(folder.path / name, descriptor))
    raise NotRegularError(f"{whole} is a folder, not a regular file: give the path of a file")


def _follow(way: list[_Folder], name: str) -> Path:
    distrust = next(filter(None, (folder.distrust() for folder in way)), "")
    link = way[-1].path / name
    if distrust:
        raise PublishError(
            f"{link} is a symbolic link, which is not followed because {distrust}: give the path that it leads to"
        )
    return Path(os.readlink(name, dir_fd=way[-1].descriptor))


def _open(name: str, flags: int, folder: _Folder) -> int:
    try:
        return os.open(name, flags | os.O_CLOEXEC, dir_fd=folder.descriptor)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(folder.path / name)) from error


def _missing(whole: Path) -> FolderMissingError:
    return FolderMissingError(
        f"{whole.parent} is not a directory: install the program that reads {whole}, or create the directory"
    )

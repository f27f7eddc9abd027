# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a path leads, found without following a symbolic link that an unprivileged user may have set."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import PublishError

_MOST_LINKS = 40  # as the kernel (path_resolution(7))


class FolderMissingError(PublishError):
    """The folder that a file is to stand in is not there."""


class NotRegularError(PublishError):
    """Something that is no regular file stands where one is expected."""


@dataclass(frozen=True)
class Place:
    """A name in an open folder. Work by `descriptor` stays in that folder, also when a user exchanges its path."""

    path: Path
    descriptor: int

    @property
    def name(self) -> str:
        return self.path.name


@dataclass(frozen=True)
class _Folder:
    """A folder on the way, opened without rights to read it (O_PATH), as passing through it needs none."""

    path: Path
    descriptor: int

    def distrust(self) -> str:
        """Why a link in this folder may be the work of somebody else; empty when only root (or this user) writes there.

        With an access control list the group's bits are its mask, so they cover the users it names (acl(5)).
        """
        status = os.fstat(self.descriptor)
        if status.st_uid not in (0, os.geteuid()):
            return f"{self.path} belongs to user {status.st_uid}"
        if status.st_mode & 0o022:
            return f"others than its owner may write to {self.path} (mode {stat.S_IMODE(status.st_mode):04o})"
        return ""


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Place]:
    """The place that a path leads to; whether there is a file is left open. Raises `PublishError`, `OSError`.

    Each folder is opened from the one before it. A symbolic link is followed only when all folders up to it are root's
    (or this user's) and nobody else can write to them: in a folder of another user, or in /tmp, it may lead anywhere.
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
    return FolderMissingError(f"{whole.parent} is not a directory: install what reads {whole}, or make the directory")

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A file that is not only ours, perhaps a user's: read, and replaced with its owner, mode and attributes kept."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import PublishError
from ansible_collections.pgsvc.access.plugins.module_utils._host.files import temporary
from ansible_collections.pgsvc.access.plugins.module_utils._host.place import NotRegularError, Place

_LARGEST = 64 * 1024 * 1024  # a user may make a file of any size; this much is read into memory
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFBLK: "a device",
    stat.S_IFCHR: "a device",
}
# The kernel computes these of the content itself (evm(5)).
_OF_THE_CONTENT = {"security.evm", "security.ima"}
# Who may read: losing one of these silently would open the file, or close it.
_ACCESS = {"system.posix_acl_access", "system.nfs4_acl"}
_UNSUPPORTED = {errno.ENOTSUP, errno.ENODATA, errno.EPERM, errno.EACCES, errno.EINVAL}


@dataclass(frozen=True)
class Original:
    """A file as it was read: its content, and what its replacement is to have as well."""

    content: bytes
    status: os.stat_result
    attributes: Mapping[str, bytes]


def read(place: Place) -> Original | None:
    """The file, None when there is none. Raises `PublishError` for what is no regular file with one name."""
    descriptor = _open(place)
    if descriptor is None:
        return None
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        _refuse_special(place, status)
        if status.st_nlink != 1:
            raise PublishError(
                f"{place.path} is one of {status.st_nlink} names (hard links) of a file, and would be separated from"
                " the others: remove the other names, or put a copy in its place"
            )
        return Original(_content(place, stream.fileno()), status, _attributes(descriptor))


def read_only(place: Place) -> bytes:
    """The content of a file that is only looked at, empty when there is none. Raises `NotRegularError`."""
    descriptor = _open(place)
    if descriptor is None:
        return b""
    with os.fdopen(descriptor, "rb") as stream:
        _refuse_special(place, os.fstat(descriptor))
        return _content(place, stream.fileno())


def replace(place: Place, content: bytes, original: Original | None, mode: int) -> None:
    """Replace the file at once: who reads it sees all of the old or all of the new, also after a power cut.

    The new one has the owner, the group, the mode and the attributes of the original; without one it has `mode`, and
    belongs to the owner of its folder. Raises `PublishError`, with nothing replaced, when the file is no longer the
    original.
    """
    new = temporary(Path(place.name), "write").name
    folder = place.descriptor
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(new, dir_fd=folder)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(new, flags, 0o600, dir_fd=folder)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(content)
                stream.flush()
                _dress(stream.fileno(), folder, original, mode)
                os.fsync(stream.fileno())
                _refuse_changed(place, original)
                os.rename(new, place.name, src_dir_fd=folder, dst_dir_fd=folder)
                _refuse_other(place, stream.fileno())
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(new, dir_fd=folder)
            raise
        os.fsync(folder)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(place.path)) from error


def _open(place: Place) -> int | None:
    """A descriptor of the file. Looked at before it is opened, as opening a device may already do something."""
    try:
        _refuse_special(place, os.stat(place.name, dir_fd=place.descriptor, follow_symlinks=False))
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        return os.open(place.name, flags, dir_fd=place.descriptor)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _changed(place) from error
        raise OSError(error.errno, error.strerror, str(place.path)) from error


def _refuse_special(place: Place, status: os.stat_result) -> None:
    kind = stat.S_IFMT(status.st_mode)
    if kind != stat.S_IFREG:
        raise NotRegularError(
            f"{place.path} is {_KINDS.get(kind, 'of an unknown kind')}, not a regular file: remove it, or give"
            " another path"
        )


def _content(place: Place, descriptor: int) -> bytes:
    parts, size = [], 0
    while part := os.read(descriptor, 1 << 20):
        parts.append(part)
        size += len(part)
        if size > _LARGEST:
            raise PublishError(f"{place.path} is larger than {_LARGEST >> 20} MiB: see what has written to it")
    return b"".join(parts)


def _attributes(descriptor: int) -> dict[str, bytes]:
    """The extended attributes that can be read: labels of SELinux, access control lists, a user's own."""
    found: dict[str, bytes] = {}
    with contextlib.suppress(OSError):
        for name in os.listxattr(descriptor):
            if name not in _OF_THE_CONTENT:
                with contextlib.suppress(OSError):
                    found[name] = os.getxattr(descriptor, name)
    return found


def _dress(descriptor: int, folder: int, original: Original | None, mode: int) -> None:
    """Give a new file what it is to have. Until the last step it is not more open than it may be."""
    if original is None:
        parent = os.fstat(folder)
        if os.geteuid() == 0 != parent.st_uid:
            os.fchown(descriptor, parent.st_uid, parent.st_gid)
        os.fchmod(descriptor, mode)
        return
    wanted, now = original.status, os.fstat(descriptor)
    if (wanted.st_uid, wanted.st_gid) != (now.st_uid, now.st_gid):
        os.fchown(descriptor, wanted.st_uid, wanted.st_gid)
    _set_attributes(descriptor, original.attributes)
    # A list sets the mode. Changing the mode before it would give its mask's rights to the group for a moment.
    if stat.S_IMODE(os.fstat(descriptor).st_mode) != stat.S_IMODE(wanted.st_mode):
        os.fchmod(descriptor, stat.S_IMODE(wanted.st_mode))


def _set_attributes(descriptor: int, attributes: Mapping[str, bytes]) -> None:
    inherited = _attributes(descriptor)
    for name in inherited.keys() - attributes.keys():
        with contextlib.suppress(OSError):
            os.removexattr(descriptor, name)
    for name, value in attributes.items():
        if inherited.get(name) != value:
            try:
                os.setxattr(descriptor, name, value)
            except OSError as error:
                if name in _ACCESS or error.errno not in _UNSUPPORTED:
                    raise


def _refuse_changed(place: Place, original: Original | None) -> None:
    """What happens between this look and the renaming is lost, but it is never followed: a rename replaces a link."""
    try:
        now = os.stat(place.name, dir_fd=place.descriptor, follow_symlinks=False)
    except FileNotFoundError:
        if original is None:
            return
        raise _changed(place) from None
    if original is None or _identity(now) != _identity(original.status):
        raise _changed(place)


def _refuse_other(place: Place, descriptor: int) -> None:
    """The owner of the folder may have exchanged the new file before it was renamed."""
    with contextlib.suppress(FileNotFoundError):
        now = os.stat(place.name, dir_fd=place.descriptor, follow_symlinks=False)
        if os.path.samestat(now, os.fstat(descriptor)):
            return
    raise _changed(place)


def _identity(status: os.stat_result) -> tuple[int, ...]:
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _changed(place: Place) -> PublishError:
    return PublishError(
        f"{place.path} was changed by another program during this run, and is left as that one made it: run again"
    )

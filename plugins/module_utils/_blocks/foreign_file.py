# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads and replaces a file that may belong to a user, keeping its owner, mode and attributes."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import PublishError
from ansible_collections.pgsvc.access.plugins.module_utils._host.files import temporary
from ansible_collections.pgsvc.access.plugins.module_utils._host.light_dataclass import dataclass
from ansible_collections.pgsvc.access.plugins.module_utils._host.place import NotRegularError, Place

_LARGEST = 64 * 1024 * 1024  # bytes that are read into memory; a user may create a file of any size
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFBLK: "a device",
    stat.S_IFCHR: "a device",
}
# The kernel computes these from the content (evm(5)).
_OF_THE_CONTENT = {"security.evm", "security.ima"}
# Access control lists: without them other users could read the file, or its users could not.
_ACCESS = {"system.posix_acl_access", "system.nfs4_acl"}
_UNSUPPORTED = {errno.ENOTSUP, errno.ENODATA, errno.EPERM, errno.EACCES, errno.EINVAL}


@dataclass(frozen=True)
class Original:
    """A file as it was read: its content, and the metadata that its replacement gets, too."""

    content: bytes
    status: os.stat_result
    attributes: Mapping[str, bytes]


def read(place: Place) -> Original | None:
    """Read the file; None if it does not exist. Raises `PublishError` unless it is a regular file with one link."""
    descriptor = _open(place)
    if descriptor is None:
        return None
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        _refuse_special(place, status)
        if status.st_nlink != 1:
            raise PublishError(
                f"{place.path} is one of {status.st_nlink} hard links to a file, and replacing it would separate it"
                " from the others: remove the other links, or replace this one by a copy"
            )
        return Original(_content(place, stream.fileno()), status, _attributes(descriptor))


def read_only(place: Place) -> bytes:
    """The content of a file that is not replaced; empty if it does not exist. Raises `NotRegularError`."""
    descriptor = _open(place)
    if descriptor is None:
        return b""
    with os.fdopen(descriptor, "rb") as stream:
        _refuse_special(place, os.fstat(descriptor))
        return _content(place, stream.fileno())


def replace(place: Place, content: bytes, original: Original | None, mode: int) -> None:
    """Replace the file atomically: readers see the old or the new content, also after a power failure.

    The new file has the owner, group, mode and attributes of the original; without an original it has `mode` and the
    owner of its folder. Raises `PublishError`, with nothing replaced, if the file has changed since it was read.
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
                _set_metadata(stream.fileno(), folder, original, mode)
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
    """Open the file. Its type is checked before, as opening a device may have side effects."""
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
            raise PublishError(f"{place.path} is larger than {_LARGEST >> 20} MiB: check which program writes to it")
    return b"".join(parts)


def _attributes(descriptor: int) -> dict[str, bytes]:
    """The readable extended attributes: SELinux labels, access control lists, attributes of the user."""
    found: dict[str, bytes] = {}
    with contextlib.suppress(OSError):
        for name in os.listxattr(descriptor):
            if name not in _OF_THE_CONTENT:
                with contextlib.suppress(OSError):
                    found[name] = os.getxattr(descriptor, name)
    return found


def _set_metadata(descriptor: int, folder: int, original: Original | None, mode: int) -> None:
    """Set owner, attributes and mode of a new file, in an order that never gives more access than intended."""
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
    # An access control list sets the mode. Setting the mode first would give the group the rights of its mask.
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
    """Check for a change since `read`. A later change is lost, but a rename never follows a symbolic link."""
    try:
        now = os.stat(place.name, dir_fd=place.descriptor, follow_symlinks=False)
    except FileNotFoundError:
        if original is None:
            return
        raise _changed(place) from None
    if original is None or _identity(now) != _identity(original.status):
        raise _changed(place)


def _refuse_other(place: Place, descriptor: int) -> None:
    """Check that the renamed file is the one that was written: the folder's owner may have replaced it before."""
    with contextlib.suppress(FileNotFoundError):
        now = os.stat(place.name, dir_fd=place.descriptor, follow_symlinks=False)
        if os.path.samestat(now, os.fstat(descriptor)):
            return
    raise _changed(place)


def _identity(status: os.stat_result) -> tuple[int, ...]:
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _changed(place: Place) -> PublishError:
    return PublishError(
        f"{place.path} was changed by another program during this run, and that change was kept: run again"
    )

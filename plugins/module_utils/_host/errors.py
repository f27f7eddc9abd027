# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Errors on a load balancer, with messages that say what to do."""

from __future__ import annotations

import errno

_HINTS = {
    errno.ENOSPC: "free space on that file system and run again",
    errno.EDQUOT: "raise the quota or free space, and run again",
    errno.EROFS: "it is on a read-only file system: remount it writable and run again",
    errno.EACCES: "run as root (become: true)",
    errno.EPERM: "run as root (become: true), and check whether the file is immutable (lsattr)",
}


class PublishError(Exception):
    """A failure with a message for the user. `rolled_back`: files were changed and have been restored."""

    def __init__(self, message: str, rolled_back: bool = False) -> None:
        super().__init__(message)
        self.rolled_back = rolled_back


class CLIError(Exception):
    """A socket of HAProxy does not answer, or HAProxy refused a command; the message names the socket."""


class CutOffError(CLIError):
    """No connection, or one that was closed without an answer. Both occur while a master re-executes itself."""


class NotRunningError(CutOffError):
    """No process listens on a socket of HAProxy, or the socket does not exist. No command was sent."""


class ApplyError(Exception):
    """HAProxy failed to load the files, or does not run what they define."""


def not_undone(error: OSError, again: OSError) -> PublishError:
    """The error for a failed change that could not be undone either."""
    return PublishError(f"{file_error(error)}. What had been written could not be undone: {file_error(again)}")


def file_error(error: OSError) -> str:
    """A message for a failed file operation: the file, the system's error, and what to do.

    >>> file_error(OSError(errno.ENOSPC, "No space left on device", "/etc/haproxy/a.cfg"))
    '/etc/haproxy/a.cfg: No space left on device; free space on that file system and run again'
    """
    where = f"{error.filename}: " if error.filename else ""
    hint = _HINTS.get(error.errno or 0)
    return f"{where}{error.strerror or error}" + (f"; {hint}" if hint else "")

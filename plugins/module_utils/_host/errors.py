# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can go wrong on a load balancer, in words that say how to mend it."""

from __future__ import annotations

import errno

_HINTS = {
    errno.ENOSPC: "make room on that file system and run again",
    errno.EDQUOT: "raise the quota or make room, and run again",
    errno.EROFS: "it is on a read-only file system: remount it writable and run again",
    errno.EACCES: "run as root (become: true)",
    errno.EPERM: "run as root (become: true), and see whether the file is immutable (lsattr)",
}


class PublishError(Exception):
    """A failure with one message for the user. `rolled_back` says that files were changed and put back."""

    def __init__(self, message: str, rolled_back: bool = False) -> None:
        super().__init__(message)
        self.rolled_back = rolled_back


class CLIError(Exception):
    """A socket of HAProxy that does not answer, or an answer that is a refusal; the message names the socket."""


class CutOffError(CLIError):
    """No connection, or one cut before an answer came: a master that re-executes itself does both for a moment."""


class NotRunningError(CutOffError):
    """No process listens on a socket of HAProxy, or the socket does not exist. No command was sent."""


class ApplyError(Exception):
    """HAProxy did not come to what the files say."""


def not_undone(error: OSError, again: OSError) -> PublishError:
    """What to say when a failed change could not be undone either."""
    return PublishError(f"{file_error(error)}. What had been written could not be undone: {file_error(again)}")


def file_error(error: OSError) -> str:
    """A failed file operation in words: which file, what the system says, and what helps.

    >>> file_error(OSError(errno.ENOSPC, "No space left on device", "/etc/haproxy/a.cfg"))
    '/etc/haproxy/a.cfg: No space left on device; make room on that file system and run again'
    """
    where = f"{error.filename}: " if error.filename else ""
    hint = _HINTS.get(error.errno or 0)
    return f"{where}{error.strerror or error}" + (f"; {hint}" if hint else "")

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The folder of this collection's own state. Only root may write to it, as its files decide which servers are up."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Optional

from ansible_collections.pgsvc.access.plugins.module_utils._host import selinux
from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import PublishError

_MODE = 0o700
_TYPE = "haproxy_var_lib_t"


def inspect(directory: Path) -> None:
    """Raise `PublishError` if another user may control the folder or something in it. It need not exist yet."""
    problem = _problem(directory)
    if problem is not None:
        raise PublishError(
            f"{directory} {problem}: set haproxy_state_dir (state_dir) to a folder that only root may write to, or let "
            "this collection create it. Nothing was changed"
        )


def prepare(directory: Path) -> list[str]:
    """Create the folder if it does not exist, with the label that lets HAProxy read it. Raises `OSError`.

    Returns a warning if the label could not be set. A new file gets the type of its folder.
    """
    directory.mkdir(mode=_MODE, parents=True, exist_ok=True)
    try:
        if selinux.set_type(directory, _TYPE):
            for path in directory.iterdir():
                selinux.set_type(path, _TYPE)
    except OSError as error:
        return [
            f"{directory} could not get the SELinux type {_TYPE} ({error.strerror}): HAProxy may not be allowed to "
            "read the states of servers"
        ]
    return []


def _problem(directory: Path) -> Optional[str]:
    try:
        status = directory.lstat()
    except FileNotFoundError:
        return None
    return _problem_itself(status) or _problem_inside(directory)


def _problem_itself(status: os.stat_result) -> Optional[str]:
    if stat.S_ISLNK(status.st_mode):
        return "is a symbolic link"
    if not stat.S_ISDIR(status.st_mode):
        return "is not a folder"
    if status.st_uid != os.geteuid():
        return f"belongs to user {status.st_uid}"
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return f"is writable by other users (mode {stat.S_IMODE(status.st_mode):04o})"
    return None


def _problem_inside(directory: Path) -> Optional[str]:
    with os.scandir(directory) as entries:
        for entry in entries:
            if not entry.is_file(follow_symlinks=False):
                return f"contains {entry.name!r}, which is not a regular file"
    return None

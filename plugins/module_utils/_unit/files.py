# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compares and replaces configuration files of a service, and restores them if the service rejects the new ones.

The earlier file is kept next to the new one, under a hidden name, until the service runs with the new one. So a later
run can restore the files of a run that was killed or did not apply them. HAProxy, systemd and dnsmasq do not read files
with such a name.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Optional

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.secrets import may_hold_secret
from ansible_collections.pgsvc.access.plugins.module_utils._host.files import sync_directory, write_new
from ansible_collections.pgsvc.access.plugins.module_utils._host.light_dataclass import dataclass

_OTHERS = 0o007


@dataclass(frozen=True)
class Wanted:
    """A wanted file. If it may contain a secret, it is not readable by others, whatever `mode` is."""

    path: Path
    content: str
    mode: int = 0o644

    @property
    def permissions(self) -> int:
        """The mode of the file."""
        return self.mode & ~_OTHERS if may_hold_secret(self.content) else self.mode

    @property
    def is_unit(self) -> bool:
        """Whether the file is a systemd unit or a drop-in of one."""
        return self.path.suffix == ".service" or self.path.parent.name.endswith(".service.d")

    @property
    def earlier(self) -> Path:
        """The path of the earlier file that this one replaced."""
        return self._beside("before")

    @property
    def absent(self) -> Path:
        """The path of a mark which means that there was no earlier file."""
        return self._beside("absent")

    @property
    def temporary(self) -> Path:
        """The path of the new file until it is complete."""
        return self._beside("new")

    def _beside(self, kind: str) -> Path:
        return self.path.with_name(f".{self.path.name}.pgsvc-{kind}")

    def present(self) -> Optional[str]:
        """The present text of the file; None if it does not exist."""
        try:
            return self.path.read_bytes().decode("utf-8", "surrogateescape")
        except FileNotFoundError:
            return None

    def has_attributes(self) -> bool:
        """Whether the present file has the wanted mode and belongs to the user of this process."""
        status = self.path.stat()
        return stat.S_IMODE(status.st_mode) == self.permissions and status.st_uid == os.geteuid()


@dataclass(frozen=True)
class Change:
    """A file that has to be replaced, with its present text."""

    wanted: Wanted
    before: Optional[str]

    def difference(self) -> dict[str, Any]:
        """The change for `--diff`, without the text if the old or the new file may contain a secret."""
        path = str(self.wanted.path)
        if may_hold_secret(self.before or "") or may_hold_secret(self.wanted.content):
            return {"prepared": f"{path} changes; its text may contain a secret and is not shown\n"}
        return {
            "before": self.before or "",
            "after": self.wanted.content,
            "before_header": "/dev/null" if self.before is None else path,
            "after_header": path,
        }


def compare(files: Iterable[Wanted]) -> list[Change]:
    """The files that do not have the wanted text."""
    found = (Change(wanted, wanted.present()) for wanted in files)
    return [change for change in found if change.before != change.wanted.content]


def set_attributes(files: Iterable[Wanted], check: bool) -> bool:
    """Set mode and owner of files that have the wanted text. Returns whether one was (or would be) changed."""
    different = [wanted for wanted in files if not wanted.has_attributes()]
    for wanted in different if not check else ():
        os.chown(wanted.path, os.geteuid(), os.getegid())
        wanted.path.chmod(wanted.permissions)
    return bool(different)


def replace(changes: Sequence[Change]) -> None:
    """Write the new files. The earlier ones are kept for `put_back`, until `discard`."""
    try:
        for change in changes:
            change.wanted.path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            change.wanted.temporary.unlink(missing_ok=True)
            content = change.wanted.content.encode("utf-8", "surrogateescape")
            write_new(change.wanted.temporary, content, change.wanted.permissions)
    except OSError:
        for change in changes:
            with contextlib.suppress(OSError):
                change.wanted.temporary.unlink()
        raise
    for change in changes:
        _keep(change.wanted)
    for change in changes:
        change.wanted.temporary.replace(change.wanted.path)
    _sync(change.wanted for change in changes)


def _keep(wanted: Wanted) -> None:
    """Keep the present file, unless an earlier one is already kept, with which the service runs."""
    if wanted.earlier.exists() or wanted.absent.exists():
        return
    try:
        os.link(wanted.path, wanted.earlier, follow_symlinks=False)
    except FileNotFoundError:
        wanted.absent.touch(mode=0o600)


def kept(files: Iterable[Wanted]) -> list[Wanted]:
    """The files that were replaced and not yet applied."""
    return [wanted for wanted in files if wanted.earlier.exists() or wanted.absent.exists()]


def put_back(files: Sequence[Wanted]) -> list[Wanted]:
    """Restore the earlier files with their times and modes. Returns the files that had an earlier one."""
    found = kept(files)
    for wanted in found:
        if wanted.earlier.exists():
            wanted.earlier.replace(wanted.path)
        else:
            wanted.path.unlink(missing_ok=True)
        # rename(2) does nothing if both names are hard links to the same file.
        for path in (wanted.earlier, wanted.absent):
            path.unlink(missing_ok=True)
    _sync(found)
    return found


def discard(files: Iterable[Wanted]) -> None:
    """Remove the earlier files, because the service runs with the new ones."""
    for wanted in files:
        for path in (wanted.earlier, wanted.absent, wanted.temporary):
            path.unlink(missing_ok=True)


def _sync(files: Iterable[Wanted]) -> None:
    for folder in {wanted.path.parent for wanted in files}:
        sync_directory(folder)

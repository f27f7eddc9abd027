# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Replaces several files of a directory as one change, even if the process is killed in the middle.

New files are written next to their targets under temporary names, and old files are kept by a hard link. When all of
them are on disk, a journal is written with the names to remove and the temporary names to rename; only then the first
file is changed. A run that finds a journal completes it (`recover`). To undo a change, the same is done with the old
files.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Optional

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.config import SUFFIX
from ansible_collections.pgsvc.access.plugins.module_utils._host import steps
from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import not_undone
from ansible_collections.pgsvc.access.plugins.module_utils._host.files import (
    leftovers,
    read_regular,
    sync_directory,
    temporary,
    write_file,
    write_new,
)
from ansible_collections.pgsvc.access.plugins.module_utils._host.light_dataclass import dataclass
from ansible_collections.pgsvc.access.plugins.module_utils._publish.directory import Entry
from ansible_collections.pgsvc.access.plugins.module_utils._publish.service_file import (
    parse_content,
    valid_name,
)

_MODE = 0o644
_LARGEST_JOURNAL = 64 * 2**20  # bytes


class Swap:
    """One change of a directory: `prepare`, `commit`, then `undo` or `finish`.

    `contents` maps names to their new content, None for a file that is removed.
    """

    def __init__(self, directory: Path, contents: Mapping[str, Optional[bytes]]) -> None:
        self._directory = directory
        self._contents = contents
        new = {name: content for name, content in contents.items() if content is not None}
        old = {name: _content(directory, name) for name in contents if os.path.lexists(_target(directory, name))}
        # HAProxy requires that a tracked server exists, so check backends come before the services that track them.
        self._new_ranks = {name: _rank(name, content) for name, content in new.items()}
        self._old_ranks = {name: _rank(name, content) for name, content in old.items()}
        self._new = sorted(new, key=self._new_ranks.__getitem__)
        self._old = sorted(old, key=self._old_ranks.__getitem__)
        self._movers = _movers(old, new)

    def prepare(self) -> None:
        """Write all that the change needs to disk. A failure leaves the directory unchanged."""
        try:
            for name, content in self._contents.items():
                if content is not None:
                    write_new(_waiting(self._directory, "new", name), content, _MODE)
                    steps.done(f"write {name}")
            for name in self._old:
                old = _waiting(self._directory, "old", name)
                os.link(_target(self._directory, name), old, follow_symlinks=False)
                steps.done(f"keep {name}")
        except OSError:
            clean(self._directory)
            raise

    def commit(self) -> None:
        """Make the change. Raises `OSError` if it failed and was undone, `PublishError` if it could not be undone."""
        gone = [name for name in self._old if name not in self._new_ranks]
        journal = Journal("new", self._removed(gone, self._old_ranks), self._new)
        try:
            journal.write(self._directory)
            steps.done("write the journal")
            journal.carry_out(self._directory)
        except OSError as error:
            try:
                self.undo()
            except OSError as again:
                raise not_undone(error, again) from error
            raise

    def undo(self) -> None:
        """Restore the old files: the same inodes, with their content, owners, modes and times."""
        created = [name for name in self._new if name not in self._old_ranks]
        journal = Journal("old", self._removed(created, self._new_ranks), self._old)
        try:
            journal.write(self._directory)
        except OSError:  # a full disk: continue without, but remove the journal of the change that is undone
            _journal(self._directory).unlink(missing_ok=True)
        journal.carry_out(self._directory)
        clean(self._directory)

    def _removed(self, names: Sequence[str], ranks: Mapping[str, int]) -> list[str]:
        """The files to remove first, ordered so that tracking services come before the backends that they track."""
        return sorted([*names, *self._movers], key=lambda name: -ranks[name])

    def finish(self) -> None:
        """Remove the old files after the change has succeeded."""
        clean(self._directory)
        steps.done("drop the old files")


@dataclass(frozen=True)
class Journal:
    """The rest of a change: remove the files `remove`, then rename the temporary files of `kind` (new or old)."""

    kind: str
    remove: list[str]
    rename: list[str]

    def write(self, directory: Path) -> None:
        write_file(_journal(directory), json.dumps(vars(self)).encode(), 0o600)

    def carry_out(self, directory: Path) -> None:
        """Make the change, or the rest of it after a killed run."""
        waiting = [name for name in self.rename if os.path.lexists(_waiting(directory, self.kind, name))]
        for name in self.remove:
            if name in waiting or name not in self.rename:
                _target(directory, name).unlink(missing_ok=True)
                steps.done(f"remove {name}")
        for name in waiting:
            _waiting(directory, self.kind, name).replace(_target(directory, name))
            steps.done(f"rename {name}")
        sync_directory(directory)
        _journal(directory).unlink(missing_ok=True)
        steps.done("remove the journal")


class DamagedJournalError(ValueError):
    """A journal that this collection cannot have written."""


def pending(directory: Path) -> Optional[Journal]:
    """The journal of a run that was killed during a change, or None. Raises `DamagedJournalError`."""
    try:
        stored = json.loads(read_regular(_journal(directory), _LARGEST_JOURNAL))
        kind, remove, rename = stored["kind"], stored["remove"], stored["rename"]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise DamagedJournalError(str(error)) from error
    if kind not in ("new", "old") or not all(isinstance(names, list) for names in (remove, rename)):
        raise DamagedJournalError("it has an unknown format")
    if not all(isinstance(name, str) and valid_name(name) for name in [*remove, *rename]):
        raise DamagedJournalError("it has names of files that cannot be services")
    return Journal(kind, remove, rename)


def recover(directory: Path) -> list[str]:
    """Complete the change of a killed run and remove its temporary files. Returns warnings.

    A damaged journal is moved away. Nothing is lost, as the files are compared with the wanted ones in any case.
    """
    warnings: list[str] = []
    try:
        journal = pending(directory)
    except DamagedJournalError as error:
        aside = directory / "pgsvc-damaged-journal"
        _journal(directory).replace(aside)
        warnings.append(
            f"The journal of a killed run is damaged ({error}) and was moved to {aside}; it was not applied"
        )
    else:
        if journal is not None:
            journal.carry_out(directory)
    clean(directory)
    return warnings


def overlay(directory: Path, disk: Mapping[str, Entry]) -> dict[str, Entry]:
    """The files that the directory would have after `recover`; nothing is written."""
    view = dict(disk)
    try:
        journal = pending(directory)
    except DamagedJournalError:
        return view
    if journal is not None:
        for name in journal.remove:
            if name not in journal.rename:
                view.pop(name, None)
        for name in journal.rename:
            waiting = _waiting(directory, journal.kind, name)
            if waiting.exists():
                view[name] = Entry(waiting.read_bytes(), waiting.stat().st_ctime, in_place=False)
    return dict(sorted(view.items()))


def clean(directory: Path) -> None:
    """Remove temporary files."""
    for path in leftovers(directory):
        path.unlink(missing_ok=True)


def _target(directory: Path, name: str) -> Path:
    return directory / f"{name}{SUFFIX}"


def _waiting(directory: Path, kind: str, name: str) -> Path:
    return temporary(_target(directory, name), kind)


def _journal(directory: Path) -> Path:
    return temporary(directory / "swap", "journal")


def _movers(old: Mapping[str, bytes], new: Mapping[str, bytes]) -> list[str]:
    """Files that are removed before their new content takes their place, so that HAProxy can start in between.

    Those are files whose listeners change, as no two files may listen on one port, and files that track servers of a
    backend that changes, as it may lack some.
    """
    backends = any(parse_content(name, content).is_backend for files in (old, new) for name, content in files.items())
    found: list[str] = []
    for name in old:
        if name in new:
            before, after = parse_content(name, old[name]), parse_content(name, new[name])
            if before.binds != after.binds or (backends and (before.tracks or after.tracks)):
                found.append(name)
    return found


def _rank(name: str, content: bytes) -> int:
    service = parse_content(name, content)
    return 2 if service.tracks else 0 if service.is_backend else 1


def _content(directory: Path, name: str) -> bytes:
    """The content of a file that is replaced; none of a link, whose target stays as it is."""
    target = _target(directory, name)
    return target.read_bytes() if target.is_file() else b""

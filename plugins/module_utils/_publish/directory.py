# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The configuration directory: its files, and the changes that a call asks for."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Optional

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.config import SUFFIX, BindAddress, bind_addresses
from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import PublishError
from ansible_collections.pgsvc.access.plugins.module_utils._host.light_dataclass import dataclass
from ansible_collections.pgsvc.access.plugins.module_utils._publish.service_file import (
    Owners,
    adoptable,
    owner_line,
    owner_of,
    valid_name,
    valid_owner,
)

CREATED = "created"
UPDATED = "updated"
REMOVED = "removed"
UNCHANGED = "unchanged"


@dataclass(frozen=True)
class Entry:
    """A `.cfg` file on disk. `changed` is the time of its last change (ctime, seconds).

    `in_place`: whether it has its name yet (a killed run may have left it under a temporary one).
    """

    content: bytes
    changed: float
    in_place: bool = True

    @property
    def text(self) -> str:
        return self.content.decode(errors="surrogateescape")


@dataclass(frozen=True)
class Wanted:
    """A service file that a call asks for.

    `cut_removed`: whether sessions of a removed server are closed at once. `may_be_empty`: whether the service may lose
    all of its servers (`shrink`).
    """

    name: str
    owner: str
    content: str
    cut_removed: bool = True
    may_be_empty: bool = False


@dataclass(frozen=True)
class FileChange:
    """The change of one file; `before` and `after` are None if there is no file."""

    name: str
    owner: str
    status: str
    before: Optional[bytes]
    after: Optional[bytes]


def read(directory: Path) -> dict[str, Entry]:
    """The files that HAProxy loads from a directory (manual, `-f`): regular, not hidden, ending in `.cfg`; by stem."""
    found: dict[str, Entry] = {}
    with os.scandir(directory) as entries:
        for entry in entries:
            name = entry.name
            if name.endswith(SUFFIX) and not name.startswith(".") and entry.is_file():
                with open(entry.path, "rb") as stream:  # noqa: PTH123  a Path is slow for thousands of files
                    found[name[: -len(SUFFIX)]] = Entry(stream.read(), entry.stat().st_ctime)
    return dict(sorted(found.items()))


def compare(disk: Mapping[str, Entry], wanted: Sequence[Wanted], owners: Sequence[str]) -> list[FileChange]:
    """The changes of a call, one entry per file, by name.

    Raises `PublishError` for files that may not be replaced and for invalid arguments.
    """
    own = Owners(owners)
    _check_arguments(wanted, owners, own)
    changes = [_change(file, disk.get(file.name), own) for file in wanted]
    names = {file.name for file in wanted}
    for name, entry in disk.items():
        owner = owner_of(entry.text)
        if name not in names and owner is not None and owner in own:
            changes.append(FileChange(name, owner, REMOVED, entry.content, None))
    return sorted(changes, key=lambda change: change.name)


def _check_arguments(wanted: Sequence[Wanted], owners: Sequence[str], own: Owners) -> None:
    seen: set[str] = set()
    for file in wanted:
        if not valid_name(file.name):
            raise PublishError(
                f"files: {file.name!r} cannot be the name of a service file; allowed: letters, digits, '-', '_', '.', "
                "not a leading '.', and not 'haproxy'"
            )
        if file.name in seen:
            raise PublishError(f"files: {file.name} is given twice; allowed: each name once")
        if not valid_owner(file.owner):
            raise PublishError(f"files: {file.name} has the owner {file.owner!r}; allowed: no blank, ':' or '*'")
        if owner_of(file.content) != file.owner:
            raise PublishError(
                f"files: the content of {file.name} does not name its owner; allowed: a line '{owner_line(file.owner)}'"
            )
        if file.owner not in own:
            raise PublishError(
                f"files: {file.name} has the owner {file.owner}, which is not in owners ({', '.join(owners)})"
            )
        seen.add(file.name)


def _change(file: Wanted, entry: Optional[Entry], own: Owners) -> FileChange:
    after = file.content.encode()
    if entry is None:
        return FileChange(file.name, file.owner, CREATED, None, after)
    if entry.content == after:
        return FileChange(file.name, file.owner, UNCHANGED, entry.content, after)
    owner = owner_of(entry.text)
    if owner is None and not adoptable(file.name, entry.text):
        raise PublishError(
            f"{file.name}{SUFFIX} already exists, was not written by pgsvc.access and contains more than "
            f"'listen {file.name}': move it away, or give the service another name"
        )
    if owner is not None and owner not in own:
        raise PublishError(
            f"{file.name}{SUFFIX} already exists and belongs to {owner}, not to {file.owner}: "
            "give one of the two services another name, or remove the file if its owner no longer exists"
        )
    return FileChange(file.name, file.owner, UPDATED, entry.content, after)


def after(disk: Mapping[str, Entry], changes: Iterable[FileChange]) -> dict[str, bytes]:
    """The contents of the whole directory after the changes, by stem."""
    view = {name: entry.content for name, entry in disk.items()}
    for change in changes:
        if change.after is None:
            view.pop(change.name, None)
        else:
            view[change.name] = change.after
    return dict(sorted(view.items()))


def check_listeners(view: Mapping[str, bytes], names: Iterable[str]) -> None:
    """Raise `PublishError` if a file of `names` would share an address and port with another listener.

    HAProxy accepts that (SO_REUSEPORT) and splits the connections between the two listeners.
    """
    own = set(names)
    by_port: dict[int, list[tuple[str, BindAddress]]] = {}
    for name, content in view.items():
        for each in bind_addresses(content.decode(errors="replace")):
            by_port.setdefault(each.port, []).append((name, each))
    for name, mine in (found for same in by_port.values() for found in same if found[0] in own):
        for other, theirs in by_port[mine.port]:
            if theirs is not mine and mine.overlaps(theirs):
                raise PublishError(
                    f"{name}{SUFFIX} and {other}{SUFFIX} would both listen on port {mine.port} "
                    f"({mine.section} on {mine}, {theirs.section} on {theirs}) and HAProxy would split the connections "
                    "between them: give one of them another port or address, or remove the file that is not needed"
                )

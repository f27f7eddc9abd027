# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Updates the blocks of this collection in a file and replaces the file atomically."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.pgsvc.access.plugins.module_utils._blocks.blocks import BlockError, Line, content_lines, merge
from ansible_collections.pgsvc.access.plugins.module_utils._blocks.foreign_file import read, replace
from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import PublishError, file_error
from ansible_collections.pgsvc.access.plugins.module_utils._host.light_dataclass import dataclass
from ansible_collections.pgsvc.access.plugins.module_utils._host.lock import hold
from ansible_collections.pgsvc.access.plugins.module_utils._host.place import FolderMissingError, Place, opened

_PATIENCE = 60.0  # seconds to wait for another run on the same directory


def _as_they_are(before: str, after: str) -> tuple[str, str]:
    return before, after


@dataclass(frozen=True)
class BlockFile:
    """The wanted blocks of a file by owner. `check_others` raises `PublishError` if other lines conflict with them.

    `shown` converts the texts before and after for a diff; `mode` is that of a new file.
    """

    path: Path
    blocks: Mapping[str, Sequence[str]]
    purge: bool
    check_others: Callable[[Path, Sequence[Line]], None]
    shown: Callable[[str, str], tuple[str, str]] = _as_they_are
    mode: int = 0o644


def write_blocks(wanted: BlockFile, check: bool, diff: bool) -> dict[str, Any]:
    """Update the file, unless `check`, and return the module's result. After a `PublishError` nothing is changed."""
    try:
        with opened(wanted.path) as place:
            hold(place.descriptor, place.path.parent, _PATIENCE)
            return _update(wanted, place, check, diff)
    except FolderMissingError:
        if not check:
            raise
        # In check mode the task that creates the directory has not run.
        return _result(wanted, "", merge("", wanted.blocks).text, diff, _created(wanted))
    except OSError as error:
        raise PublishError(file_error(error)) from error


def _update(wanted: BlockFile, place: Place, check: bool, diff: bool) -> dict[str, Any]:
    original = read(place)
    before = original.content.decode("utf-8", "surrogateescape") if original else ""
    try:
        merged = merge(before, wanted.blocks, wanted.purge)
        staying = [line for line in content_lines(merged.text) if line.owner not in wanted.blocks]
    except BlockError as error:
        raise PublishError(f"{place.path}: {error}") from error
    wanted.check_others(place.path, staying)
    if merged.text != before and not check:
        replace(place, merged.text.encode("utf-8", "surrogateescape"), original, wanted.mode)
    return _result(wanted, before, merged.text, diff, merged.statuses)


def _created(wanted: BlockFile) -> dict[str, str]:
    return {owner: "created" for owner, lines in wanted.blocks.items() if lines}


def _result(wanted: BlockFile, before: str, after: str, diff: bool, statuses: Mapping[str, str]) -> dict[str, Any]:
    result: dict[str, Any] = {
        "changed": before != after,
        "clusters": [{"name": owner, "status": status} for owner, status in statuses.items()],
    }
    if diff and before != after:
        header = str(wanted.path)
        before, after = wanted.shown(before, after)
        result["diff"] = [{"before": before, "after": after, "before_header": header, "after_header": header}]
    return result

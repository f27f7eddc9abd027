# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A file with blocks of ours, read, merged and replaced at once."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.pgsvc.access.plugins.module_utils._blocks import BlockError, Line, content_lines, merge
from ansible_collections.pgsvc.access.plugins.module_utils._errors import PublishError, file_error
from ansible_collections.pgsvc.access.plugins.module_utils._files import write_file
from ansible_collections.pgsvc.access.plugins.module_utils._lock import locked

_PATIENCE = 60.0  # seconds to wait for another run on the same directory
_MODE = 0o644


@dataclass(frozen=True)
class BlockFile:
    """What is wanted of a file: blocks by owner, and what else `check_others` has to say of the lines that stay."""

    path: Path
    blocks: Mapping[str, Sequence[str]]
    purge: bool
    check_others: Callable[[Path, Sequence[Line]], None]


def bring(wanted: BlockFile, check: bool, diff: bool) -> dict[str, Any]:
    """Make the file so, unless `check`; what a module returns of it. Raises `PublishError` with nothing changed."""
    path = Path(os.path.realpath(wanted.path))
    if not path.parent.is_dir():
        if check:
            # What makes the directory has not run, as this run only looks.
            return _result(wanted, "", merge("", wanted.blocks).text, diff, _created(wanted))
        raise PublishError(f"{path.parent} is not a directory: install what reads {path}, or make the directory")
    try:
        with locked(path.parent, _PATIENCE):
            return _bring(wanted, path, check, diff)
    except OSError as error:
        raise PublishError(file_error(error)) from error


def _bring(wanted: BlockFile, path: Path, check: bool, diff: bool) -> dict[str, Any]:
    before, mode = _read(path)
    try:
        merged = merge(before, wanted.blocks, wanted.purge)
        staying = [line for line in content_lines(merged.text) if line.owner not in wanted.blocks]
    except BlockError as error:
        raise PublishError(f"{path}: {error}") from error
    wanted.check_others(path, staying)
    if merged.text != before and not check:
        write_file(path, merged.text.encode("utf-8", "surrogateescape"), mode)
    return _result(wanted, before, merged.text, diff, merged.statuses)


def _read(path: Path) -> tuple[str, int]:
    try:
        return path.read_bytes().decode("utf-8", "surrogateescape"), stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return "", _MODE


def _created(wanted: BlockFile) -> dict[str, str]:
    return {owner: "created" for owner, lines in wanted.blocks.items() if lines}


def _result(wanted: BlockFile, before: str, after: str, diff: bool, statuses: Mapping[str, str]) -> dict[str, Any]:
    result: dict[str, Any] = {
        "changed": before != after,
        "clusters": [{"name": owner, "status": status} for owner, status in statuses.items()],
    }
    if diff and before != after:
        header = str(wanted.path)
        result["diff"] = [{"before": before, "after": after, "before_header": header, "after_header": header}]
    return result

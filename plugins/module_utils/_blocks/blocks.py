# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Blocks of this collection in a file that others write to as well, one per cluster. All other bytes are kept."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ansible_collections.pgsvc.access.plugins.module_utils._host.light_dataclass import dataclass

_BEGIN = re.compile(r"# BEGIN pgsvc\.access (\S+?):? .*|# BEGIN pgsvc\.access (\S+?):?")
_END = re.compile(r"# END pgsvc\.access (\S+)")


class BlockError(Exception):
    """The file has damaged blocks; the message says in which line, and what to do."""


@dataclass(frozen=True)
class Line:
    """A line of a file: its number from 1, its text without the line feed, and the owner of its block ('' for none)."""

    number: int
    text: str
    owner: str


@dataclass(frozen=True)
class Merged:
    """The new text, and the status of each block: created, updated, removed or unchanged."""

    text: str
    statuses: dict[str, str]


def block(owner: str, lines: Sequence[str]) -> list[str]:
    """The lines of a block with its begin and end marks."""
    return [
        f"# BEGIN pgsvc.access {owner}: changes made here are overwritten",
        *lines,
        f"# END pgsvc.access {owner}",
    ]


def is_mark(line: str) -> bool:
    """Whether a line begins or ends a block."""
    return bool(_BEGIN.fullmatch(line) or _END.fullmatch(line))


def content_lines(text: str) -> list[Line]:
    """All lines outside and inside blocks, except begin and end marks."""
    return [line for line, marks in _read(text) if not marks]


def merge(text: str, blocks: Mapping[str, Sequence[str]], purge: bool = False) -> Merged:
    """The text with these blocks: present ones are replaced, new ones appended, empty ones removed.

    Other blocks are kept, or removed with `purge`.
    """
    found: dict[str, list[str]] = {}
    for line, marks in _read(text):
        if line.owner and not marks:
            found.setdefault(line.owner, []).append(line.text)
        elif line.owner:
            found.setdefault(line.owner, [])
    wanted = {owner: list(lines) for owner, lines in blocks.items()}
    wanted.update({owner: [] if purge else lines for owner, lines in found.items() if owner not in wanted})
    statuses = {owner: _status(found.get(owner), lines) for owner, lines in wanted.items() if lines or owner in found}
    # Manual edits may leave two blocks of one owner, which are merged into one.
    changed = any(status != "unchanged" for status in statuses.values())
    return Merged(_write(text, wanted) if changed else text, statuses)


def _status(before: list[str] | None, after: list[str]) -> str:
    if before is None:
        return "created"
    if not after:
        return "removed"
    return "unchanged" if before == after else "updated"


def _write(text: str, wanted: Mapping[str, Sequence[str]]) -> str:
    written: set[str] = set()
    result: list[str] = []
    for line, _marks in _read(text):
        if not line.owner:
            result.append(f"{line.text}\n")
        elif line.owner not in written:
            written.add(line.owner)
            if wanted[line.owner]:
                result += _ended(block(line.owner, wanted[line.owner]))
            elif result and result[-1] == "\n":
                result.pop()  # the blank line that was put before the block
    if result and not text.endswith("\n") and not _read(text)[-1][0].owner:
        result[-1] = result[-1][:-1]
    for owner, lines in wanted.items():
        if lines and owner not in written:
            result += _gap("".join(result[-1:]))
            result += _ended(block(owner, lines))
    return "".join(result)


def _ended(lines: Sequence[str]) -> list[str]:
    return [f"{line}\n" for line in lines]


def _gap(last: str) -> list[str]:
    """The line feeds between the last line before a new block and the block."""
    if last in ("", "\n"):
        return []
    return ["\n"] if last.endswith("\n") else ["\n", "\n"]


def _read(text: str) -> list[tuple[Line, bool]]:
    """All lines, each with whether it is a begin or end mark. Only a line feed ends a line."""
    lines: list[tuple[Line, bool]] = []
    owner, opened = "", 0
    for number, line in enumerate(text.removesuffix("\n").split("\n") if text else [], 1):
        begin, end = _BEGIN.fullmatch(line), _END.fullmatch(line)
        if begin:
            if owner:
                raise BlockError(
                    f"line {number} begins a block within the one of line {opened}; correct the file by hand"
                )
            owner, opened = begin[1] or begin[2], number
        if end and end[1] != owner:
            raise BlockError(f"line {number} ends a block that does not begin; correct the file by hand")
        lines.append((Line(number, line, owner), bool(begin or end)))
        owner = "" if end else owner
    if owner:
        raise BlockError(f"the block that begins in line {opened} has no end; correct the file by hand")
    return lines

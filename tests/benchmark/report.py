# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the benchmark reports: tables, measured values with their limits, and their places in docs/performance.md."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ansible_collections.pgsvc.access.tests.benchmark.turns import Run


@dataclass(frozen=True)
class Verdict:
    """A measured value and the highest that is allowed."""

    what: str
    measured: float
    limit: float

    @property
    def kept(self) -> bool:
        """Whether the limit is kept."""
        return self.measured <= self.limit


@dataclass(frozen=True)
class Section:
    """The figures of one part; `how` is what else they depend on, such as the number of forks."""

    part: str
    how: str
    lines: Sequence[str]
    verdicts: Sequence[Verdict]

    def text(self, machine: str) -> str:
        """The section in Markdown."""
        found = ((each.what, f"{each.measured:.2f}", f"{each.limit:.1f}") for each in self.verdicts)
        head = f"Measured on {machine}; {self.how}."
        return "\n".join([head, "", *self.lines, "", *table(("value", "measured", "limit"), found)])


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table in Markdown."""
    return [_line(head), "|" + "---|" * len(head), *map(_line, rows)]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def cell(run: Run | None) -> str:
    """Return seconds, and how many pings that is."""
    return "" if run is None else f"{run.wall:.1f} s, {run.pings:.2f} pings"


def growth(few: tuple[int, float], many: tuple[int, float]) -> float:
    """Return how much dearer one of many is than one of few; each is a number and the cost of all of them."""
    return (many[1] / many[0]) / (few[1] / few[0])


def exceeded(sections: Iterable[Section]) -> list[str]:
    """Return a sentence for each limit that is not kept."""
    return [
        f"{section.part}: {each.what}: {each.measured:.2f}, which is above the limit of {each.limit:.1f}"
        for section in sections
        for each in section.verdicts
        if not each.kept
    ]


def placed(page: str, part: str, text: str) -> str:
    """Return the page with `text` between the markers of a part. Raises `ValueError` when it has none."""
    begin, end = (f"<!-- measured {part}: {edge} -->" for edge in ("begin", "end"))
    found, count = re.subn(
        f"{re.escape(begin)}.*?{re.escape(end)}", lambda _: f"{begin}\n{text}\n{end}", page, flags=re.DOTALL
    )
    if count != 1:
        raise ValueError(f"the page has {count} pairs of {begin} and {end}; allowed: one")
    return found

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mistakes in an inventory: collected while planning, told all at once."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

_LONGEST_VALUE = 80
_ADDRESS = re.compile(r"[0-9.]+|[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*")
_MOST_PLACES = 4


@dataclass(frozen=True)
class Problem:
    """One mistake, with what a person needs to find and mend it.

    ``where`` is a cluster, a load balancer or a host; ``service`` and ``field`` are empty where the
    mistake is not in one.
    """

    where: str
    message: str
    service: str = ""
    field: str = ""

    def __str__(self) -> str:
        parts = [printable(self.where)]
        if self.service:
            parts.append(f"service {self.service}")
        if self.field:
            parts.append(self.field)
        return ": ".join([*parts, self.message])


class PlanError(Exception):
    """The inventory cannot be planned; ``problems`` lists every reason, cluster by cluster."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(dict.fromkeys(problems))
        super().__init__(str(self))

    def __str__(self) -> str:
        lines = merged_lines(self.problems)
        noun = "problem" if len(lines) == 1 else "problems"
        title = f"{len(lines)} {noun} in the inventory, no host was touched:"
        return "\n".join([title, *(f"- {line}" for line in lines)])


class ValueProblem(ValueError):  # noqa: N818  a finding, told among others
    """A value is not what its field allows. The text says what it is and what is allowed, without naming the field."""


@dataclass
class Report:
    """What planning has found so far. Problems end the plan when it is complete, warnings do not."""

    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def problem(self, where: str, message: str, service: str = "", field: str = "") -> None:
        self.problems.append(Problem(where, message, service, field))

    def warning(self, where: str, message: str, service: str = "", field: str = "") -> None:
        self.warnings.append(Problem(where, message, service, field))

    def raise_problems(self) -> None:
        """Raise `PlanError` when anything was found."""
        if self.problems:
            raise PlanError(self.problems)


def merged_lines(problems: Iterable[Problem]) -> list[str]:
    """One line for each problem; what is the same in many places is told once with the places."""
    places: dict[Problem, list[str]] = {}
    for problem in problems:
        places.setdefault(replace(problem, where=""), []).append(problem.where)
    return [str(replace(problem, where=_places(list(dict.fromkeys(where))))) for problem, where in places.items()]


def _places(where: list[str]) -> str:
    if len(where) <= _MOST_PLACES:
        return ", ".join(where)
    return f"{', '.join(where[:_MOST_PLACES])} and {len(where) - _MOST_PLACES} more"


def shown(value: Any) -> str:
    """A value as an error message shows it: quoted when it is text, shortened when long, on one line."""
    text = repr(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"


def printable(text: Any) -> str:
    """Foreign text on one line, with what would not print as it is written as an escape."""
    line = " ".join(str(text).split())
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in line)


def not_allowed(value: Any, what: str, allowed: str) -> ValueProblem:
    """``70000 is not a port; allowed: 1 to 65535``."""
    return ValueProblem(f"{shown(value)} is not {what}; allowed: {allowed}")


def nearest(word: str, known: Iterable[str]) -> str:
    """``, did you mean 'port'?`` for a near miss, nothing otherwise. An address is never guessed."""
    if _ADDRESS.fullmatch(word):
        return ""
    names = list(known)
    in_other_case = [name for name in names if name.lower() == word.lower()]
    found = in_other_case or difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    return f", did you mean {found[0]!r}?" if found else ""


def listed(words: Iterable[str]) -> str:
    """Words as an error message lists them: ``a, b, c``, or ``none``."""
    return ", ".join(words) or "none"

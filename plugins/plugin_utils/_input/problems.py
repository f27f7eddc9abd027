# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mistakes in an inventory, which are collected during planning and reported together."""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

_LONGEST_VALUE = 80
_ADDRESS = re.compile(r"[0-9.]+|[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*")
_MOST_PLACES = 4

# What kind of mistake a problem is.
Code = Literal[
    "bad-expression",  # a selector is no JMESPath expression
    "bad-result",  # a selector cannot be evaluated, or yields something other than members
    "clash",  # the same name, port, address or option is used twice
    "conflict",  # a value is allowed, but not with, or without, another one
    "disagree",  # members of a cluster, or a member and its group, have different values
    "empty",  # a list, a group or a variable has nothing in it
    "misplaced",  # a variable is set where it is not read
    "misread",  # YAML reads a number as another one than was written
    "missing",  # a value or a requirement is not there
    "not-allowed",  # a value is not one of those that its field takes
    "secret",  # a secret is written where everybody may read it
    "undecided",  # there is no single answer
    "unknown-field",  # a service or a server has no such field
    "unknown-name",  # there is no cluster, host, group, variable, option or preset of this name
    "unprintable",  # text has a line break or another unprintable character
    "untemplatable",  # a template cannot be evaluated
]


@dataclass(frozen=True)
class Problem:
    """One mistake: where it is, what is wrong, and what is allowed.

    ``where`` is a cluster, a load balancer or a host; ``service`` and ``field`` are empty if the mistake is not in one.
    ``value`` is the wrong part of what the user wrote; None for a secret, and where nothing is written. Two problems
    with the same place and message are equal.
    """

    where: str
    message: str
    service: str = ""
    field: str = ""
    code: Code = dataclasses.field(kw_only=True, compare=False)
    value: Any = dataclasses.field(default=None, kw_only=True, compare=False)

    def __str__(self) -> str:
        parts = [printable(self.where)]
        if self.service:
            parts.append(f"service {self.service}")
        if self.field:
            parts.append(self.field)
        return ": ".join([*parts, self.message])


class PlanError(Exception):
    """The inventory has mistakes; ``problems`` are all of them, cluster by cluster."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(dict.fromkeys(problems))
        super().__init__(str(self))

    def __str__(self) -> str:
        lines = merged_lines(self.problems)
        noun = "problem" if len(lines) == 1 else "problems"
        title = f"{len(lines)} {noun} in the inventory, no host was touched:"
        return "\n".join([title, *(f"- {line}" for line in lines)])


class ValueProblem(ValueError):  # noqa: N818  a finding, reported with others
    """A value is not allowed in its field. The message has the value and what is allowed, without the field's name.

    ``code`` and ``value`` are those of the `Problem` that it is reported as.
    """

    def __init__(self, message: str, code: Code, value: Any = None) -> None:
        super().__init__(message)
        self.code: Code = code
        self.value = value

    def prefixed(self, prefix: str) -> ValueProblem:
        """The same problem with words before its message, such as those that say which part of a value is wrong."""
        return ValueProblem(f"{prefix}{self}", self.code, self.value)


@dataclass
class Report:
    """The problems and warnings found so far. Problems fail the plan after all of them are collected."""

    problems: list[Problem] = dataclasses.field(default_factory=list)
    warnings: list[Problem] = dataclasses.field(default_factory=list)

    def problem(
        self, where: str, message: str, service: str = "", field: str = "", *, code: Code, value: Any = None
    ) -> None:
        self.problems.append(Problem(where, message, service, field, code=code, value=value))

    def value_problem(self, where: str, problem: ValueProblem, service: str = "", field: str = "") -> None:
        self.problem(where, str(problem), service, field, code=problem.code, value=problem.value)

    def warning(
        self, where: str, message: str, service: str = "", field: str = "", *, code: Code, value: Any = None
    ) -> None:
        self.warnings.append(Problem(where, message, service, field, code=code, value=value))

    def raise_problems(self) -> None:
        """Raise `PlanError` if there are problems."""
        if self.problems:
            raise PlanError(self.problems)


def merged_lines(problems: Iterable[Problem]) -> list[str]:
    """One line for each problem; the same problem in several places is one line with the places."""
    places: dict[Problem, list[str]] = {}
    for problem in problems:
        places.setdefault(replace(problem, where=""), []).append(problem.where)
    return [str(replace(problem, where=_places(list(dict.fromkeys(where))))) for problem, where in places.items()]


def _places(where: list[str]) -> str:
    if len(where) <= _MOST_PLACES:
        return ", ".join(where)
    return f"{', '.join(where[:_MOST_PLACES])} and {len(where) - _MOST_PLACES} more"


def shown(value: Any) -> str:
    """A value for an error message: text is quoted, a long value is shortened to one line."""
    text = repr(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"


def printable(text: Any) -> str:
    """Text from elsewhere on one line, with unprintable characters as escapes."""
    line = " ".join(str(text).split())
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in line)


def not_allowed(value: Any, what: str, allowed: str) -> ValueProblem:
    """``70000 is not a port; allowed: 1 to 65535``."""
    return ValueProblem(f"{shown(value)} is not {what}; allowed: {allowed}", "not-allowed", value)


def nearest(word: str, known: Iterable[str]) -> str:
    """``, did you mean 'port'?`` for a similar word, empty otherwise. Addresses are never suggested."""
    if _ADDRESS.fullmatch(word):
        return ""
    names = list(known)
    in_other_case = [name for name in names if name.lower() == word.lower()]
    found = in_other_case or difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    return f", did you mean {found[0]!r}?" if found else ""


def listed(words: Iterable[str]) -> str:
    """A list for an error message: ``a, b, c``, or ``none``."""
    return ", ".join(words) or "none"

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parses lines of HAProxy's configuration: words, quotes, times (Configuration Manual 2)."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

Words = tuple[str, ...]

# The keywords that open a section (Configuration Manual 2.4 to 12, up to HAProxy 3.2).
SECTIONS = frozenset(
    (
        *("acme", "backend", "cache", "crt-store", "defaults", "fcgi-app", "frontend", "global", "http-errors"),
        *("listen", "log-forward", "log-profile", "mailers", "peers", "program", "resolvers", "ring", "traces"),
        "userlist",
    )
)

_SPECIAL = re.compile(r"[\"'\\]")
# A word, a blank, or a comment. A quote that is not closed extends to the end of the line.
_TOKEN = re.compile(r"""((?:\\.|"(?:\\.|[^"\\])*(?:"|$)|'[^']*(?:'|$)|[^\s"'\\#]|\\$)+)|(\s+)|(\#.*)""")
_QUOTED = re.compile(r"""\\(.)|"((?:\\.|[^"\\])*)"?|'([^']*)'?|([^"'\\]+)|(\\$)""")
_IN_QUOTES = re.compile(r"""\\(["\\$])""")
_CLOSED = re.compile(r"""\\.|"(?:\\.|[^"\\])*"|'[^']*'""")
_TIME = re.compile(r"(\d+)(us|ms|s|m|h|d)?", re.ASCII)
#: Milliseconds of each unit of time (Configuration Manual 2.5); a number without one is in milliseconds.
MILLISECONDS = {"us": 0.001, "ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


@functools.lru_cache(maxsize=2**16)
def words(line: str) -> Words:
    """The words of one line as they are written, with their quotes and without a comment at the end.

    Blanks and `#` within quotes belong to their word, so two lines have the same words only if they mean the same.
    Most lines are the same in all files of a load balancer, and are parsed once.
    """
    if not is_quoted(line):
        return tuple(line.partition("#")[0].split())
    return tuple(match[1] for match in _TOKEN.finditer(line) if match[1])


def directives(text: str) -> Iterator[Words]:
    """The words of every line that is neither blank nor a comment."""
    for line in text.splitlines():
        found = words(line)
        if found:
            yield found


def is_quoted(text: str) -> bool:
    """Whether the text contains a quote or an escape."""
    return _SPECIAL.search(text) is not None


def unquoted(word: str) -> str:
    """The word as HAProxy reads it: quotes and escapes resolved, variables unchanged.

    >>> unquoted('a"b c"\\\\ d')
    'ab c d'
    """
    if not is_quoted(word):
        return word
    return "".join(
        match[1] or (_IN_QUOTES.sub(r"\1", match[2]) if match[2] else "") or match[3] or match[4] or match[5] or ""
        for match in _QUOTED.finditer(word)
    )


def has_open_quote(word: str) -> bool:
    """Whether a quote of this word is not closed. HAProxy rejects such a line."""
    return re.search(r"[\"']", _CLOSED.sub("", word)) is not None


def seconds(time: str) -> float:
    """Seconds of a time in the configuration (Configuration Manual 2.5; default unit: milliseconds); 0 if invalid."""
    match = _TIME.fullmatch(time)
    return int(match[1]) * MILLISECONDS[match[2] or "ms"] / 1000 if match else 0.0

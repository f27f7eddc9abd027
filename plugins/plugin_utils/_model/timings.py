# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The timings of health checks that ``pg_rto`` stands for (Pigsty's presets), as options of a ``default-server`` line.

A plan of Pigsty has ten values, ``[ttl, loop, retry, start, margin, inter, fastinter, downinter, rise, fall]``. The
first five are Patroni's and nothing here; the last five are those of the health checks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.grammar import MILLISECONDS
from ansible_collections.pgsvc.access.plugins.plugin_utils._input import defaults, values
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import (
    ValueProblem,
    listed,
    nearest,
    not_allowed,
    shown,
)
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.patroni import ENDPOINTS
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.server_options import TIMINGS, timings_of

_OF_PATRONI = 5
_TIME = re.compile(r"(\d{1,7}(?:\.\d{1,3})?)(ms|s|m)", re.ASCII)
_LONGEST = 3_600_000  # milliseconds
_CHECKS = (1, 100)


def preset(rto: Any, plans: Any) -> str:
    """The options of a server by a preset: ``inter 2s fastinter 1s ...``, empty where ``rto`` names none.

    ``plans`` are further presets by name, or others in the place of Pigsty's. A number, which is what ``pg_rto`` was
    before Pigsty 4, says nothing about health checks. Raises `ValueProblem`.
    """
    if rto is None or rto == "" or (isinstance(rto, int) and not isinstance(rto, bool)):
        return ""
    known = {**defaults.RTO_PLANS, **({} if plans is None else values.mapping(plans, "a mapping of presets"))}
    word = values.text(rto, "a preset").strip()
    if word.isdigit():
        return ""
    if word not in known:
        said = f"{shown(rto)} is not a preset{nearest(word, map(str, known))}; allowed: {listed(known)}"
        raise ValueProblem(said, "unknown-name", rto)
    return _options(word, known[word])


def verifies_role(timings: str, check: str) -> bool:
    """Whether a health check looks at the role in Patroni's answer, too, with these timings of a preset.

    Patroni answers ``/primary`` with 200 as soon as a member has the leader lock, before PostgreSQL has left recovery.
    Where one passed check is enough (``rise 1``), the answer has to say that the member is the primary.
    """
    return timings_of(timings).get("rise") == "1" and ENDPOINTS[check.partition("?")[0]].leading == "/primary"


def with_timings(options: str, timings: str) -> str:
    """A ``default-server`` line in which the words of ``timings`` stand in the place of its own."""
    own = timings.split()
    replaced: Mapping[str, str] = dict(zip(own[::2], own[1::2], strict=True))
    words = options.split()
    for place, word in enumerate(words[:-1]):
        if word in replaced:
            words[place + 1] = replaced[word]
    return " ".join(words)


def _options(name: str, plan: Any) -> str:
    declared = values.sequence(plan, f"the preset {name!r}")
    if len(declared) != _OF_PATRONI + len(TIMINGS):
        raise ValueProblem(
            f"the preset {name!r} has {len(declared)} values; allowed: ten, ttl, loop, retry, start, margin, inter, "
            "fastinter, downinter, rise and fall",
            "not-allowed",
            plan,
        )
    own = declared[_OF_PATRONI:]
    times = [_time(value, name, word) for value, word in zip(own[:3], TIMINGS, strict=False)]
    counts = [_count(value, name, word) for value, word in zip(own[3:], TIMINGS[3:], strict=True)]
    return " ".join(f"{word} {value}" for word, value in zip(TIMINGS, [*times, *counts], strict=True))


def _time(value: Any, name: str, keyword: str) -> str:
    """A time as HAProxy takes it, which knows no fractions (manual 2.5)."""
    match = _TIME.fullmatch(str(value).strip())
    milliseconds = float(match[1]) * MILLISECONDS[match[2]] if match else 0.0
    if not milliseconds.is_integer() or not 1 <= milliseconds <= _LONGEST:
        allowed = "a number with ms, s or m, such as 2s or 0.5s, up to an hour"
        raise not_allowed(value, "a time", allowed).prefixed(f"{keyword} of the preset {name!r}: ")
    whole = int(milliseconds)
    return f"{whole}ms" if whole % 1000 else f"{whole // 1000}s"


def _count(value: Any, name: str, keyword: str) -> int:
    try:
        return values.integer(value, _CHECKS, "a number of checks")
    except ValueProblem as problem:
        raise problem.prefixed(f"{keyword} of the preset {name!r}: ") from None

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A switchover as text for people: what is about to be done, and what clients saw. Values in, values out."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import printable
from ansible_collections.pgsvc.access.plugins.plugin_utils._report.findings import size
from ansible_collections.pgsvc.access.plugins.plugin_utils._report.switchover import Move, Obstacle

OK, ATTENTION, CRITICAL, NOT_SEEN = 0, 1, 2, 3
"""Exit codes: moved; not moved, or something is left to do; a service does not use the primary; could not look."""

_WIDTH = 118
_HEADER = ("LOAD BALANCER", "WAITED", "GAP", "HELD", "CUT", "SERVES")
_LEGEND = (
    "WAITED: the longest that a new connection can have waited.  GAP: from the end of writes on the old primary until",
    "connections went to the new one.  HELD: connections that waited then.  CUT: sessions of the old primary.",
)


def planned(move: Move) -> list[str]:
    """What a switchover is going to do, and what stands in its way."""
    lines: list[str] = []
    if move.leader is not None and move.candidate is not None:
        said = move.candidate.patroni
        lag = size(said["lag"]) if isinstance(said.get("lag"), int) else "?"
        lines += [
            f"{move.cluster}: the primary moves from {move.leader.member.name} to {move.candidate.member.name} "
            f"(timeline {printable(said.get('timeline'))}, lag {lag})",
            f"  load balancers: {', '.join(move.services)}",
            "  services whose new connections wait: " + (", ".join(_holds(move)) or "none"),
        ]
    for obstacle in move.obstacles:
        lines += _obstacle(obstacle)
    return lines


def _holds(move: Move) -> Iterator[str]:
    for name, seconds in move.holds.items():
        if seconds:
            yield f"{name} (up to {seconds} s)"


def _obstacle(obstacle: Obstacle) -> list[str]:
    mark = "!!" if obstacle.is_final else "! "
    return [
        *_wrapped(obstacle.text, f"  {mark} {obstacle.code}: ", "     "),
        *_wrapped(obstacle.fix, "     -> ", "        "),
    ]


def _wrapped(text: str, first: str, others: str) -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent=first, subsequent_indent=others, break_long_words=False, break_on_hyphens=False
    )


@dataclass(frozen=True)
class Seen:
    """What a load balancer returned: when it closed its gates, followed, and opened them. None for what failed."""

    closed: Mapping[str, Any] | None
    followed: Mapping[str, Any] | None
    opened: Mapping[str, Any] | None
    error: str = ""

    @property
    def leader(self) -> str:
        return str(self.followed["leader"]) if self.followed else ""

    @property
    def serves(self) -> Mapping[str, Sequence[str]] | None:
        last = self.opened or self.followed
        return None if last is None else last["serves"]

    def milliseconds(self, since: str) -> int | None:
        """From ``closed`` or ``stopped`` until connections went to the new leader."""
        if not self.followed or not self.leader or self.closed is None:
            return None
        began = self.closed["at"] if since == "closed" else self.followed["stopped_at"]
        return round((self.followed["at"] - began) * 1000) if began else None


@dataclass(frozen=True)
class Result:
    """A switchover that was asked for: where it went, and what each load balancer saw. ``answer`` is Patroni's."""

    move: Mapping[str, Any]
    asked: bool
    answer: str
    seen: Mapping[str, Seen]

    @property
    def leader(self) -> str:
        """The new leader; empty when the old one was not replaced, as far as load balancers know."""
        return next((seen.leader for seen in self.seen.values() if seen.leader), "")

    def code(self) -> int:
        leader = self.leader or str(self.move["leader"])
        if any(seen.serves is not None and _others(seen, leader) for seen in self.seen.values()):
            return CRITICAL
        if any(seen.serves is None for seen in self.seen.values()):
            return NOT_SEEN
        is_done = self.leader == self.move["candidate"] and all(seen.leader for seen in self.seen.values())
        return OK if is_done else ATTENTION

    def lines(self) -> list[str]:
        """A row for each load balancer, what needs attention, and the summary."""
        lines: list[str] = []
        if self.leader:
            rows = [_HEADER, *(tuple(_row(host, seen)) for host, seen in sorted(self.seen.items()))]
            widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
            lines += ["  ".join(t.ljust(w) for t, w in zip(row, widths, strict=True)).rstrip() for row in rows]
            lines += _LEGEND
        lines += [f"pgsql-svc: {line}" for line in self._attention()]
        return [*lines, f"pgsql-svc: {self._summary()}"]

    def _attention(self) -> Iterator[str]:
        leader = self.leader or str(self.move["leader"])
        for host, seen in sorted(self.seen.items()):
            if seen.error:
                yield f"failed ({host}): {' '.join(seen.error.split())}"
            if seen.serves is None:
                look = f"pgsql-svc {self.move['cluster']} --status"
                yield f"{host}: its gates open by themselves within a minute; see {look}"
            for service, members in _others(seen, leader).items():
                yield f"{service} on {host} is served by {', '.join(members) or 'no member'}, and not by {leader}"
            for service in (seen.closed or {}).get("without_gate", ()):
                yield f"new connections of {service} on {host} did not wait: it has no hold"

    def _summary(self) -> str:
        old, new = self.move["leader"], self.leader
        words = f"; Patroni: {printable(self.answer)}" if self.answer else ""
        if not self.asked:
            return f"{old} is still the primary: Patroni was not asked{words}"
        if not new:
            return f"{old} was not replaced{words}; new connections do not wait any more"
        instead = "" if new == self.move["candidate"] else f" instead of {self.move['candidate']}"
        waits = [ms for seen in self.seen.values() if (ms := seen.milliseconds("closed")) is not None]
        gaps = [ms for seen in self.seen.values() if (ms := seen.milliseconds("stopped")) is not None]
        cut = sum(seen.closed["sessions"] for seen in self.seen.values() if seen.closed)
        gap = f"{max(gaps)} ms without a primary" if gaps else "the old primary was not seen to stop"
        return (
            f"{new} is the primary{instead}, {old} was: {gap}, new connections waited {max(waits, default=0)} ms at "
            f"most, {cut} session{'' if cut == 1 else 's'} cut"
        )


def _others(seen: Seen, leader: str) -> dict[str, Sequence[str]]:
    """The services that do not use this leader alone."""
    return {service: members for service, members in (seen.serves or {}).items() if list(members) != [leader]}


def _row(host: str, seen: Seen) -> Iterator[str]:
    yield host
    for since in ("closed", "stopped"):
        milliseconds = seen.milliseconds(since)
        yield "?" if milliseconds is None else f"{milliseconds} ms"
    yield str(seen.followed["waiting"]) if seen.leader and seen.followed else "?"
    yield str(seen.closed["sessions"]) if seen.closed else "?"
    members = dict.fromkeys(member for names in (seen.serves or {}).values() for member in names)
    yield ", ".join(members) or "?"

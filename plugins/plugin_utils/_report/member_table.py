# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run that takes a member out, or brings it back, has come to on each load balancer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.pgsvc.access.plugins.plugin_utils._report.outcomes import names, part

MEMBER_STATE = "pgsvc.access.haproxy_member_state"
OK, ATTENTION, WITHOUT_SERVER, NOT_SEEN = 0, 1, 2, 3
"""Exit codes: as asked; something is left to do; a service has no usable server; a load balancer was not changed."""

_MOST_ROWS = 40
_HEADER = ("LOAD BALANCER", "SERVICE", "SERVER", "STATE", "STATUS", "SESSIONS")


@dataclass(frozen=True)
class Seen:
    """The last that is known of a load balancer. ``trouble`` is why it is not as asked, perhaps ``refused``."""

    services: tuple[Mapping[str, Any], ...] = ()
    sessions: int = 0
    settled: bool = True
    changed: bool = False
    trouble: str = ""
    refused: bool = False


@dataclass
class Members:
    """Of a run: the ``member`` of a ``cluster``, its wanted ``state``, and what was seen of each load balancer."""

    cluster: str = ""
    member: str = ""
    state: str = ""
    foretold: bool = False
    waited: bool = False
    of: dict[str, Seen] = field(default_factory=dict)

    def asked(self, cluster: str, member: str, state: str) -> None:
        """What the run is for, should it end before a load balancer says so."""
        self.cluster, self.member, self.state = self.cluster or cluster, self.member or member, self.state or state

    def note(self, result: Any, *, failed: bool = False, again: bool = False) -> str | None:
        """The load balancer that a task's result is about; None when it is about none.

        ``again``: the result is one of several looks, and there will be another one.
        """
        task, values = part(result, "task"), part(result, "result")
        if task.action != MEMBER_STATE or "results" in values or values.get("skipped"):
            return None
        # An action that could not template its arguments has no result of its own.
        host = str(values.get("load_balancer") or part(result, "host").get_name())
        self.foretold = bool(task.check_mode)
        self.cluster = str(values.get("cluster", self.cluster))
        self.member = str(values.get("member", self.member))
        self.state = str(values.get("state", self.state))
        before = self.of.get(host, Seen())
        self.waited = self.waited or again or "attempts" in values
        knows = "services" in values
        is_late = failed and knows and not values.get("refused") and not again
        words = str(values.get("msg") or values.get("censored") or "failed")
        self.of[host] = Seen(
            services=tuple(values["services"]) if knows else before.services,
            sessions=values["sessions"] if knows else before.sessions,
            settled=bool(values["settled"]) if knows else before.settled,
            changed=before.changed or bool(values.get("changed")),
            trouble="" if again or is_late or not failed else words,
            refused=bool(values.get("refused")),
        )
        return host

    def sessions(self) -> int:
        return sum(seen.sessions for seen in self.of.values())

    def progress(self) -> str:
        """``pg-test-2: 3 sessions left (10.10.10.11 2, 10.10.10.12 1)``"""
        if self.state == "ready":
            waiting = sorted(host for host, seen in self.of.items() if not seen.settled)
            return f"{self.member}: its health checks are awaited on {names(waiting) or 'no load balancer any more'}"
        left = sorted((host, seen.sessions) for host, seen in self.of.items() if seen.sessions)
        where = f" ({names(f'{host} {count}' for host, count in left)})" if left else ""
        return f"{self.member}: {_counted(self.sessions(), 'session')} left{where}"

    def table(self) -> list[str]:
        """A row for each server of the member; of many, those that still have sessions or are not in the state."""
        rows = list(self._rows())
        if len(rows) > _MOST_ROWS:
            rows = [row for row in rows if row[-1] != "0" or row[3] != self.state][:_MOST_ROWS]
        if not rows:
            return []
        widths = [max(map(len, column)) for column in zip(_HEADER, *rows, strict=True)]
        lines = (zip(row, widths, strict=True) for row in (_HEADER, *rows))
        return ["  ".join(text.ljust(width) for text, width in line).rstrip() for line in lines]

    def _rows(self) -> Iterator[tuple[str, ...]]:
        for host, seen in sorted(self.of.items()):
            for service in seen.services:
                for server in service["servers"]:
                    own = (server["server"], server["state"], server["status"], str(server["sessions"]))
                    yield (host, service["service"], *own)

    def findings(self) -> list[str]:
        """What needs attention, a line each."""
        lines: list[str] = []
        for host, seen in sorted(self.of.items()):
            if seen.trouble:
                lines.append(f"{'refused' if seen.refused else 'failed'} ({host}): {' '.join(seen.trouble.split())}")
            lines += [f"{service} has no usable server on {host}" for service in _without_server(seen)]
        return lines

    def summary(self, planned: int) -> str:
        """The last line of a run; ``planned`` load balancers carry the cluster."""
        done = [seen for seen in self.of.values() if not seen.trouble]
        changed = sum(seen.changed for seen in done)
        would = "would be " if self.foretold else ""
        count = _counted(max(planned, len(self.of)), "load balancer")
        parts = [f"{changed} {would}changed", f"{len(done) - changed} unchanged"]
        refused = sum(seen.refused for seen in self.of.values())
        failed = max(planned, len(self.of)) - len(done) - refused
        parts += [f"{refused} refused"] if refused else []
        parts += [f"{failed} failed"] if failed else []
        return f"{self.member} {self.state} on {count}: {', '.join(parts)}; {self._left()}"

    def _left(self) -> str:
        if self.state != "ready":
            return f"{_counted(self.sessions(), 'session')} left"
        up = sum(_is_up(seen) for seen in self.of.values())
        return f"it can get connections on {up} of {len(self.of)}"

    def report(self, planned: int) -> dict[str, Any]:
        """All of this for programs (docs/maintenance.md)."""
        return {
            "cluster": self.cluster,
            "member": self.member,
            "state": self.state,
            "check_mode": self.foretold,
            "load_balancers": [
                {
                    "load_balancer": host,
                    "changed": seen.changed,
                    "refused": seen.refused,
                    "error": seen.trouble,
                    "settled": seen.settled,
                    "sessions": seen.sessions,
                    "services": list(seen.services),
                }
                for host, seen in sorted(self.of.items())
            ],
            "findings": self.findings(),
            "exit_code": self.code(planned),
        }

    def code(self, planned: int) -> int:
        """The exit code of the command, see above."""
        seen = self.of.values()
        if len(self.of) < max(planned, 1) or any(each.trouble and not each.refused for each in seen):
            return NOT_SEEN
        if any(map(_without_server, seen)) and not self.foretold:
            return WITHOUT_SERVER
        if any(each.refused for each in seen):
            return ATTENTION
        if self.foretold:
            return OK
        late = self.waited and not all(each.settled for each in seen)
        down = self.state == "ready" and not all(map(_is_up, seen))
        return ATTENTION if late or down else OK


def _is_up(seen: Seen) -> bool:
    return any(server["usable"] for service in seen.services for server in service["servers"])


def _without_server(seen: Seen) -> list[str]:
    return [str(service["service"]) for service in seen.services if not service["usable"]]


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for the members of a Patroni cluster on loopback addresses; their roles change when a test says so."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

REST_PORT = 8008
POSTGRES_PORT = 5432
PGBOUNCER_PORT = 6432


@dataclasses.dataclass(frozen=True)
class Member:
    name: str
    address: str


class Patroni:
    """Members that answer Patroni's health checks by their role, and whose sessions say who serves them.

    Roles are ``primary``, ``replica``, ``sync``, ``standby_leader``, and ``stopped`` (every check fails, and yet
    connections are accepted, as behind PgBouncer).
    """

    def __init__(self, tls: tuple[Path, Path] | None = None) -> None:
        """`tls`: certificate and key of the REST API."""
        self._tls = None if tls is None else [str(path) for path in tls]
        self.members: dict[str, Member] = {}
        script = Path(__file__).with_name("patroni_server.py")
        pipe = subprocess.PIPE
        self._process = subprocess.Popen([sys.executable, str(script)], stdin=pipe, stdout=pipe, text=True)

    def add(
        self,
        name: str,
        address: str,
        role: str = "replica",
        ports: Sequence[int] = (PGBOUNCER_PORT,),
        *,
        also_at: Sequence[str] = (),
        also_rest: Sequence[tuple[int, tuple[Path, Path] | None]] = (),
        cluster: str = "cluster",
    ) -> Member:
        """A further member, listening when this returns.

        `also_at` are further addresses of the same member, `also_rest` further ports of its REST API, each with or
        without TLS. ``GET /cluster`` shows the members of the same `cluster`.
        """
        rest = [(REST_PORT, self._tls), *((port, tls and [str(path) for path in tls]) for port, tls in also_rest)]
        member = {
            "name": name,
            "addresses": [address, *also_at],
            "rest": rest,
            "ports": list(ports),
            "cluster": cluster,
        }
        self._order({"add": member, "set": {name: {"role": role}}})
        self.members[name] = Member(name, address)
        return self.members[name]

    def role(self, **roles: str) -> None:
        """``role(pg1="replica", pg2="primary")``: all of them at once."""
        self._order({"set": {name: {"role": role} for name, role in roles.items()}})

    def failover(self, old: str, new: str) -> None:
        """The primary is a replica from now on, and `new` the primary."""
        self._order({"set": {old: {"role": "replica"}, new: {"role": "primary"}}})

    def delay(self, name: str, seconds: float) -> None:
        """How long the member thinks before it answers a check."""
        self._order({"set": {name: {"delay": seconds}}})

    def greet(self, name: str, seconds: float) -> None:
        """How long the member takes before the first line of a session."""
        self._order({"set": {name: {"greeting": seconds}}})

    def lag(self, name: str, size: int) -> None:
        """By how many bytes the member lags."""
        self._order({"set": {name: {"lag": size}}})

    def tags(self, name: str, **tags: bool) -> None:
        """The tags of the member in ``GET /cluster``."""
        self._order({"set": {name: {"tags": tags}}})

    def pause(self, paused: bool = True) -> None:
        """Whether the cluster is paused."""
        self._order({"set": {name: {"pause": paused} for name in self.members}})

    def switchovers(
        self, *, credentials: str = "", stopping: float = 0.5, refusal: tuple[int, str] | None = None
    ) -> None:
        """How every member takes ``POST /switchover``.

        `credentials`: the user:password that it requires. `stopping`: how many seconds PostgreSQL takes to stop.
        `refusal`: status and text of the answer instead.
        """
        values = {"credentials": credentials, "stopping": stopping, "refusal": list(refusal or ())}
        self._order({"set": dict.fromkeys(self.members, values)})

    def stop(self, name: str) -> None:
        """Switch the member off: nothing listens any more, its sessions end."""
        self._order({"stop": name})

    def start(self, name: str) -> None:
        self._order({"start": name})

    def checks(self, name: str) -> int:
        """How many checks the member has been asked."""
        return self._order({})[name]

    def close(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=10)
        self._process.stdout.close()

    def _order(self, order: dict[str, object]) -> dict[str, int]:
        assert self._process.stdin is not None and self._process.stdout is not None
        print(json.dumps(order), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        assert answer, "the stand-in has ended, its words are on stderr"
        checks: dict[str, int] = json.loads(answer)
        return checks

    def __enter__(self) -> Patroni:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

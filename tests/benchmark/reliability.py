# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure what clients notice of changes: the module on real HAProxies, beside a plain file and a plain reload.

Ends with code 1 when a promise is broken, or when the control shows nothing. `make reliability` runs it and keeps the
tables. Everything is on loopback; HAProxy 2.6 and 3.0 come from Debian (tests/support/binaries.py).
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ansible_collections.pgsvc.access.tests.benchmark import page
from ansible_collections.pgsvc.access.tests.integration.hitless import scenarios
from ansible_collections.pgsvc.access.tests.integration.hitless.balancer import (
    PLAIN_BASE,
    Balancer,
    PlainBalancer,
)
from ansible_collections.pgsvc.access.tests.integration.hitless.scenarios import Series
from ansible_collections.pgsvc.access.tests.support import binaries
from ansible_collections.pgsvc.access.tests.support.fixtures import private_address
from ansible_collections.pgsvc.access.tests.support.haproxy import BASE, HAProxy
from ansible_collections.pgsvc.access.tests.support.patroni import PGBOUNCER_PORT, POSTGRES_PORT, Patroni
from ansible_collections.pgsvc.access.tests.support.service import DEFAULT_SERVER, QUICK
from ansible_collections.pgsvc.access.tests.support.traffic import Session, Tally

PAGE = "reliability.md"
HARD_STOP_AFTER = 5.0
PATIENCE = 15.0
"""Seconds after which a session that was not cut counts as orphaned: three times the bound."""
SLACK = 1.0


@dataclasses.dataclass(frozen=True)
class Figure:
    """A line of the table, and whether ours keeps the promise and the control breaks it."""

    what: str
    ours: str
    plain: str
    holds: bool


@contextmanager
def balancer(version: str, kind: type[Balancer], default_server: str = DEFAULT_SERVER) -> Iterator[Balancer]:
    """A load balancer that serves a cluster of three, settled; pg1 is the primary."""
    base = PLAIN_BASE if kind is PlainBalancer else BASE
    with Patroni() as patroni, tempfile.TemporaryDirectory(prefix="pgsvc-reliability-") as folder:
        for name, role in (("pg1", "primary"), ("pg2", "replica"), ("pg3", "replica")):
            patroni.add(name, private_address(), role, ports=(PGBOUNCER_PORT, POSTGRES_PORT))
        binary, place = binaries.binary(version), Path(folder) / "lb"
        with HAProxy(binary, place, base=base, hard_stop_after=f"{HARD_STOP_AFTER:g}s") as haproxy:
            made = kind(haproxy, patroni, private_address(), default_server)
            made.begin_service()
            yield made


def measure(version: str, changes: int) -> Iterator[Figure]:
    """All lines for one version of HAProxy."""
    with balancer(version, Balancer) as ours, balancer(version, PlainBalancer) as plain:
        yield from _reloads(
            scenarios.reload_series(ours, changes), scenarios.reload_series(plain, changes, after=plain.settle)
        )
    with balancer(version, Balancer, QUICK) as ours, balancer(version, PlainBalancer, QUICK) as plain:
        yield from _members(
            scenarios.member_series(ours, changes, after=lambda: scenarios.equal_to_files(ours)),
            scenarios.member_series(plain, changes, after=plain.settle),
        )
    yield _protected(_session(version, Balancer), _session(version, PlainBalancer))
    yield _orphan(_after_reload(version, Balancer), _after_reload(version, PlainBalancer))
    for what in ("reload", "restart"):
        mine, theirs = (_somebody(version, kind, what) for kind in (Balancer, PlainBalancer))
        yield _starts(f"somebody else's plain {what}", mine, theirs)
    mine, theirs = (_started(version, kind) for kind in (Balancer, PlainBalancer))
    yield _starts("killed (-9), and started after the primary moved", mine, theirs)


def _reloads(ours: Series, plain: Series) -> Iterator[Figure]:
    what = f"{ours.changes} changes that need a reload"
    yield Figure(what, _rate(ours.tally), _rate(plain.tally), ours.tally.total / ours.tally.seconds >= 500)
    yield Figure("- reloads", str(ours.reloads), str(plain.reloads), ours.reloads == ours.changes)
    yield from _outcome(ours.tally, plain.tally)


def _members(ours: Series, plain: Series) -> Iterator[Figure]:
    what = f"{ours.changes} changes of members and weights"
    yield Figure(what, _rate(ours.tally), _rate(plain.tally), ours.tally.total / ours.tally.seconds >= 500)
    yield Figure("- reloads", str(ours.reloads), str(plain.reloads), ours.reloads == 0)
    yield from _outcome(ours.tally, plain.tally)


def _outcome(ours: Tally, plain: Tally) -> Iterator[Figure]:
    holds = ours.misrouted() == 0 < plain.misrouted()
    yield Figure("- misrouted to a replica", str(ours.misrouted()), _share(plain), holds)
    yield Figure("- refused, reset, closed unanswered, late", _lost(ours), _lost(plain), ours.lost == 0)


def _starts(what: str, ours: Tally, plain: Tally) -> Figure:
    holds = ours.misrouted() == 0 < plain.misrouted()
    return Figure(f"{what}: misrouted; closed unanswered", _start(ours), _start(plain), holds)


def _protected(ours: float | None, plain: float | None) -> Figure:
    bound = scenarios.cut_bound(DEFAULT_SERVER)
    what = f"a session from before 20 changes of members: cut after a failover (bound {bound:g} s)"
    return Figure(what, _cut(ours), _cut(plain), ours is not None and ours <= bound + SLACK and plain is None)


def _orphan(ours: float | None, plain: float | None) -> Figure:
    bound = f"`hard-stop-after` {HARD_STOP_AFTER:g} s"
    what = f"a session from before a reload, then a failover: cut after the reload ({bound})"
    return Figure(what, _cut(ours), _cut(plain), ours is not None and ours <= HARD_STOP_AFTER + SLACK and plain is None)


def _session(version: str, kind: type[Balancer]) -> float | None:
    with balancer(version, kind) as made:
        return scenarios.protected(made, scenarios.members(made, 20), PATIENCE)


def _after_reload(version: str, kind: type[Balancer]) -> float | None:
    """Seconds from the reload to the cut."""
    with balancer(version, kind) as made, Session(made.clients) as session:
        made.change(next(scenarios.heads(made.declared, 1)))
        reloaded = time.monotonic()
        scenarios.failover(made, session, PATIENCE)
        return None if session.cut_at is None else session.cut_at - reloaded


def _somebody(version: str, kind: type[Balancer], does: str) -> Tally:
    with balancer(version, kind) as made:
        return scenarios.by_somebody_else(made, getattr(made.haproxy, does))


def _started(version: str, kind: type[Balancer]) -> Tally:
    with balancer(version, kind) as made:
        return scenarios.start_after_failover(made)


def _rate(tally: Tally) -> str:
    return f"{tally.total:,} connections, {tally.total / tally.seconds:.0f} a second"


def _share(tally: Tally) -> str:
    return f"{tally.misrouted():,} ({100 * tally.misrouted() / tally.total:.1f} %)"


def _lost(tally: Tally) -> str:
    return f"{tally.refused}, {tally.reset}, {tally.closed}, {tally.late}"


def _start(tally: Tally) -> str:
    return f"{tally.misrouted():,}; {tally.closed:,} of {tally.total:,} in {tally.seconds:.1f} s"


def _cut(seconds: float | None) -> str:
    return "never" if seconds is None else f"{seconds:.1f} s"


def main() -> int:
    """Measure, print and, when asked, keep the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--changes", type=int, default=50, help="in each series")
    parser.add_argument("--versions", nargs="+", default=list(binaries.VERSIONS), choices=binaries.VERSIONS)
    parser.add_argument("--keep", action="store_true", help=f"write the tables into docs/{PAGE}")
    options = parser.parse_args()
    lines, broken = [f"Measured on {os.cpu_count()} cores, which clients, members and HAProxy share."], []
    for version in options.versions:
        name = f"HAProxy {binaries.version_of(binaries.binary(version))}"
        lines += ["", f"| {name} | this collection | plain file, plain reload |", "|---|---|---|"]
        for figure in measure(version, options.changes):
            lines.append(f"| {figure.what} | {figure.ours} | {figure.plain} |")
            print(lines[-1], "" if figure.holds else " BROKEN", flush=True)
            if not figure.holds:
                broken.append(f"{name}: {figure.what}")
        if options.keep:
            page.keep(PAGE, "measured", "\n".join(lines))
    for each in broken:
        print(f"not as promised: {each}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Part `files`: hosts on which nothing runs. Everything is written and validated, or nothing changes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.pgsvc.access.tests.benchmark.options import Options
from ansible_collections.pgsvc.access.tests.benchmark.report import Section, Verdict, cell, growth, table
from ansible_collections.pgsvc.access.tests.benchmark.sandbox import Sandbox
from ansible_collections.pgsvc.access.tests.benchmark.turns import Run, Turns

REFERENCE = Path(__file__).with_name("reference") / "pg_service.yml"

MAX_RUN = 1.5  # times the ping
MAX_GROWTH = 1.2  # cost of a host among the most, times that of a host among the fewest


@dataclass(frozen=True)
class Row:
    """The medians of one number of hosts, the ping in seconds; no reference where it was not asked for."""

    hosts: int
    ping: float
    write: Run
    same: Run
    reference: Run | None


def measure(folder: Path, options: Options) -> Section:
    """Measure each number of hosts."""
    rows = [_measure(folder / str(hosts), hosts, options) for hosts in options.hosts]
    how = f"{options.forks} forks, connection local, median of {options.repeats}"
    return Section("files", how, lines(rows), verdicts(rows))


def _measure(folder: Path, hosts: int, options: Options) -> Row:
    """Write everything and change nothing, several times."""
    sandbox = Sandbox(folder, hosts)
    sandbox.make()
    turns = Turns(sandbox.inventory, hosts, options.forks)
    for _repeat in range(options.repeats):
        sandbox.wipe()
        turns.publish("writes everything", changed=True)
        if not sandbox.is_written():
            sys.exit(f"{sandbox.folder}: the run did not write all services")
        turns.publish("changes nothing", changed=False)
    with_reference = hosts in options.reference
    if with_reference:
        sandbox.wipe()
        turns.take("a template for each service", "ansible-playbook", str(REFERENCE))
    return Row(
        hosts,
        turns.ping,
        turns.middle("writes everything"),
        turns.middle("changes nothing"),
        turns.middle("a template for each service") if with_reference else None,
    )


def lines(rows: Sequence[Row]) -> list[str]:
    """Return the table of runs."""
    head = ("hosts", "ping", "writes everything", "changes nothing", "a template for each service")
    return table(
        head,
        ((str(row.hosts), f"{row.ping:.1f} s", *map(cell, (row.write, row.same, row.reference))) for row in rows),
    )


def verdicts(rows: Sequence[Row]) -> list[Verdict]:
    """Return the pings of each run, and how the cost of a host grows with their number."""
    found = []
    for row in rows:
        found.append(Verdict(f"{row.hosts} hosts, writes everything, by the ping", row.write.pings, MAX_RUN))
        found.append(Verdict(f"{row.hosts} hosts, changes nothing, by the ping", row.same.pings, MAX_RUN))
    if len(rows) > 1:
        few, many = rows[0], rows[-1]
        span = f"a host among {many.hosts} by one among {few.hosts}"
        writes = growth((few.hosts, few.write.wall), (many.hosts, many.write.wall))
        same = growth((few.hosts, few.same.wall), (many.hosts, many.same.wall))
        found.append(Verdict(f"{span}, writes everything", writes, MAX_GROWTH))
        found.append(Verdict(f"{span}, changes nothing", same, MAX_GROWTH))
    return found

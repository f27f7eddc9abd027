# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure switchovers under writing clients, from one command and with patronictl alone, into docs/switchover.md.

Both are measured with the same services, which hold, and with the same clients: the only difference is the command.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from labtest import services
from labtest.cluster import Cluster
from labtest.crowd import crowd
from labtest.waiting import until
from pgsvc_lab import cli, network, settings
from pgsvc_lab.settings import Node

from ansible_collections.pgsvc.access.tests.benchmark import page

RESULTS = settings.COLLECTION / "tests/output/switchovers.json"
ONE_COMMAND, PATRONICTL = "pgsql-svc --switchover", "patronictl switchover"
_BEFORE, _AFTERWARDS = 2.0, 3.0  # seconds for which clients write before and behind a switchover


@dataclass(frozen=True)
class Outcome:
    """What clients saw of one switchover: seconds without writes, and how many connections failed, in two ways."""

    command: str
    gap: float
    writes: int
    refused: int
    cut: int


def one_command(_cluster: Cluster, _old: Node, new: Node, source: Path) -> None:
    done = services.pgsql_svc("pg-test", "--switchover", new.name, "--yes", sources=[source])
    assert done.status == 0, done.output


def patronictl(cluster: Cluster, old: Node, new: Node, _source: Path) -> None:
    cluster.patronictl("switchover", "--leader", old.name, "--candidate", new.name, "--force", cluster.name, on=old)


COMMANDS: dict[str, Callable[[Cluster, Node, Node, Path], None]] = {ONE_COMMAND: one_command, PATRONICTL: patronictl}


def measure(cluster: Cluster, command: str, size: int, source: Path) -> Outcome:
    cluster.wait_until_whole()
    old = cluster.primary()
    new = cluster.others(old)[0]
    services.wait_for_up(cluster.members, "pg-test-primary", {old.name})
    with crowd([(node.ipv4, 5433) for node in cluster.members], size) as clients:
        until("clients write", clients.taken_by, old.ipv4)
        time.sleep(_BEFORE)
        COMMANDS[command](cluster, old, new, source)
        until("clients write to the new primary", clients.taken_by, new.ipv4)
        time.sleep(_AFTERWARDS)
    for when, words in (*clients.refused, *clients.cut):
        print(f"  {when - min(clients.taken_by(new.ipv4)):+.2f} s {words}", flush=True)
    return Outcome(command, clients.gap(old.ipv4, new.ipv4), len(clients.taken), len(clients.refused), len(clients.cut))


def table(outcomes: Sequence[Outcome], size: int) -> str:
    """A row for each command."""
    lines = [
        f"{size} clients write through all load balancers of `pg-test`: one half with a new connection for each write, "
        "the other half with sessions that are made again when they are cut. Health checks have the default timings. "
        f"Clients, members and load balancers share {os.cpu_count()} cores:",
        "",
        "| command | switchovers | no writes, median | worst | writes | failed connections | cut sessions |",
        "|---|---|---|---|---|---|---|",
    ]
    for command in COMMANDS:
        own = [each for each in outcomes if each.command == command]
        if own:
            gaps = [each.gap for each in own]
            sums = (sum(getattr(each, name) for each in own) for name in ("writes", "refused", "cut"))
            figures = f"{median(gaps):.1f} s | {max(gaps):.1f} s | {' | '.join(f'{each:,}' for each in sums)}"
            lines.append(f"| `{command}` | {len(own)} | {figures} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=20, help="how many switchovers with each command")
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--keep", action="store_true", help="write the table into docs/switchover.md")
    options = parser.parse_args()
    status = cli.main(["up"])
    if status:
        return status
    network.enter()
    cluster = Cluster("pg-test", [settings.node(f"pg-test-{number}") for number in (1, 2, 3)])
    cluster.mend()
    outcomes: list[Outcome] = []
    with services.overlay({"pg-test": {"vars": {"pg_service_hold": 20}}}) as source:
        services.publish("pg-test", sources=[source])
        for number in range(options.repeat):
            for command in COMMANDS:
                outcomes.append(measure(cluster, command, options.clients, source))
                print(f"{number + 1} {outcomes[-1]}", flush=True)
                RESULTS.parent.mkdir(parents=True, exist_ok=True)
                RESULTS.write_text(json.dumps([asdict(each) for each in outcomes], indent=1) + "\n")
    services.restore()
    text = table(outcomes, options.clients)
    print(text)
    if options.keep:
        page.keep("switchover.md", "measured", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())

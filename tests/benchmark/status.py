# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Part `status`: a HAProxy on every host, which are all asked, with their Patroni: of one cluster, or of all."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.pgsvc.access.tests.benchmark import haproxies
from ansible_collections.pgsvc.access.tests.benchmark.commands import ROOT, cost_of
from ansible_collections.pgsvc.access.tests.benchmark.inventories import (
    Fleet,
    default_services,
    load_balancer,
    private_network,
    write,
)
from ansible_collections.pgsvc.access.tests.benchmark.options import Options
from ansible_collections.pgsvc.access.tests.benchmark.report import Section, Verdict, cell, table
from ansible_collections.pgsvc.access.tests.benchmark.turns import PUBLISH, Run, Turns

LIMIT = 1.5  # times the ping of the load balancers that are asked
_SERVERS = 11  # of the four services of a cluster of three, on each of its hosts


@dataclass(frozen=True)
class Row:
    """The medians of a look at so many load balancers of the inventory, the ping of these in seconds."""

    of: int
    load_balancers: int
    ping: float
    run: Run


def measure(folder: Path, options: Options) -> Section:
    """Measure each number of hosts."""
    rows = [row for hosts in options.status for row in _measure(folder / str(hosts), hosts, options)]
    how = f"{haproxies.release()}, {options.forks} forks, connection local, median of {options.repeats}"
    return Section("status", how, lines(rows), verdicts(rows))


def _measure(folder: Path, hosts: int, options: Options) -> list[Row]:
    """Publish everything, then look at one cluster and at all of them, several times."""
    fleet = Fleet(hosts, private_network())
    inventory = folder / "inventory.json"
    nodes = [haproxies.haproxy(folder / address) for address in fleet.roles]
    groups = fleet.groups(lambda number: load_balancer(nodes[number], fleet.address(number)))
    write(inventory, groups, {"pg_default_services": default_services(_SERVERS * hosts)})
    with haproxies.running(nodes, fleet.roles, fleet.clusters):
        cost_of([*PUBLISH, "-i", str(inventory), "-f", str(options.forks)])
        if not haproxies.dials_loopback_only(nodes):
            sys.exit(f"{folder}: a server is not on a loopback address")
        haproxies.settle(nodes)
        one = Turns(inventory, fleet.members, options.forks, fleet.cluster(0))
        every = Turns(inventory, hosts, options.forks)
        for _repeat in range(options.repeats):
            _look(one, fleet.cluster(0), 1)
            _look(every, "all", len(groups))
        return [
            Row(hosts, fleet.members, one.ping, one.middle(fleet.cluster(0))),
            Row(hosts, hosts, every.ping, every.middle("all")),
        ]


def _look(turns: Turns, cluster: str, count: int) -> None:
    """Look once, and end the benchmark unless all is well with so many clusters."""
    command = [str(ROOT / "bin" / "pgsql-svc"), cluster, "--status", "--format", "json", "--"]
    clusters = json.loads(turns.take(cluster, *command))["clusters"]
    wrong = [each for each in clusters if each["health"] != "ok"]
    if wrong or len(clusters) != count:
        sys.exit(f"{cluster}: {len(clusters)} clusters, and not all are well: {json.dumps(wrong[:1], indent=1)}")


def lines(rows: Sequence[Row]) -> list[str]:
    """Return the table of looks."""
    cells = ((str(row.of), str(row.load_balancers), f"{row.ping:.1f} s", cell(row.run)) for row in rows)
    return table(("hosts of the inventory", "load balancers asked", "ping of these", "`--status`"), cells)


def verdicts(rows: Sequence[Row]) -> list[Verdict]:
    """Return the pings of each look."""
    return [
        Verdict(f"--status of {row.load_balancers} load balancers of {row.of}, by the ping", row.run.pings, LIMIT)
        for row in rows
    ]

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Part `running`: a HAProxy on every host. Nothing changes, a weight changes everywhere, or a listener does."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.pgsvc.access.tests.benchmark import haproxies
from ansible_collections.pgsvc.access.tests.benchmark.commands import cost_of
from ansible_collections.pgsvc.access.tests.benchmark.inventories import (
    Fleet,
    Variables,
    default_services,
    load_balancer,
    private_network,
    write,
)
from ansible_collections.pgsvc.access.tests.benchmark.options import Options
from ansible_collections.pgsvc.access.tests.benchmark.report import Section, Verdict, cell, table
from ansible_collections.pgsvc.access.tests.benchmark.sandbox import STANDBY
from ansible_collections.pgsvc.access.tests.benchmark.turns import PUBLISH, Run, Turns

# Times the ping, by what a run does.
LIMITS = {"changes nothing": 1.4, "changes a weight": 1.6, "changes a listener": 1.8}
SAME, WEIGHT, LISTENER = LIMITS

_SERVERS = 14  # of the five services of a cluster of three, on each of its hosts


@dataclass(frozen=True)
class Row:
    """The medians of one number of hosts, the ping in seconds, the runs by what they do."""

    hosts: int
    ping: float
    runs: dict[str, Run]


class Nodes:
    """So many hosts in a folder, each a load balancer of its cluster, on an address of its own."""

    def __init__(self, folder: Path, hosts: int) -> None:
        self.inventory = folder / "inventory.json"
        self.fleet = Fleet(hosts, private_network())
        self.haproxies = [haproxies.haproxy(folder / address) for address in self.fleet.roles]
        self.weight, self.port = 100, 5435
        self.declare()

    def declare(self) -> None:
        """Write the inventory: the first member of each cluster has the weight, the service `standby` the port."""
        services = default_services(_SERVERS * self.fleet.hosts)
        standby = {**STANDBY, "port": self.port, "options": services[0]["options"]}
        groups = self.fleet.groups(self._variables)
        write(self.inventory, groups, {"pg_default_services": services, "pg_services": [standby]})

    def _variables(self, number: int) -> Variables:
        weight = {} if number % self.fleet.members else {"pg_weight": self.weight}
        return {**weight, **load_balancer(self.haproxies[number], self.fleet.address(number))}

    def reloads(self) -> list[int]:
        """How often each HAProxy was reloaded."""
        return [each.master.processes().reloads for each in self.haproxies]

    def has_weight(self) -> bool:
        """Whether the first member has the weight in every service of every HAProxy."""
        return all(
            row.uweight == self.weight
            for each in self.haproxies
            for row in each.api.servers_state()
            if row.srv_name == f"{row.be_name.rpartition('-')[0]}-1"
        )


def measure(folder: Path, options: Options) -> Section:
    """Measure each number of hosts."""
    rows = [_measure(folder / str(hosts), hosts, options) for hosts in options.running]
    how = f"{haproxies.release()}, {options.forks} forks, connection local, median of {options.repeats}"
    return Section("running", how, lines(rows), verdicts(rows))


def _measure(folder: Path, hosts: int, options: Options) -> Row:
    """Publish everything, then make each kind of run several times."""
    nodes = Nodes(folder, hosts)
    with haproxies.running(nodes.haproxies, nodes.fleet.roles):
        cost_of([*PUBLISH, "-i", str(nodes.inventory), "-f", str(options.forks)])
        if not haproxies.dials_loopback_only(nodes.haproxies):
            sys.exit(f"{folder}: a server is not on a loopback address")
        haproxies.settle(nodes.haproxies)
        turns = Turns(nodes.inventory, hosts, options.forks)
        for _repeat in range(options.repeats):
            _publish(turns, nodes, SAME)
            nodes.weight = 190 - nodes.weight
            _publish(turns, nodes, WEIGHT)
            nodes.port = 10_880 - nodes.port
            _publish(turns, nodes, LISTENER)
        return Row(hosts, turns.ping, {what: turns.middle(what) for what in LIMITS})


def _publish(turns: Turns, nodes: Nodes, what: str) -> None:
    """Make one run, and end the benchmark unless it did on every host what it should, in the way it should."""
    nodes.declare()
    haproxies.settle(nodes.haproxies)
    before = nodes.reloads()
    turns.publish(what, changed=what != SAME)
    if nodes.reloads() != [count + (what == LISTENER) for count in before]:
        sys.exit(f"{what}: the number of reloads is not as it should be: {nodes.reloads()}, before {before}")
    if not nodes.has_weight():
        sys.exit(f"{what}: not every HAProxy has the weight {nodes.weight}")


def lines(rows: Sequence[Row]) -> list[str]:
    """Return the table of runs."""
    cells = ((str(row.hosts), f"{row.ping:.1f} s", *(cell(row.runs[what]) for what in LIMITS)) for row in rows)
    return table(("hosts", "ping", *LIMITS), cells)


def verdicts(rows: Sequence[Row]) -> list[Verdict]:
    """Return the pings of each run."""
    return [
        Verdict(f"{row.hosts} running hosts, {what}, by the ping", row.runs[what].pings, limit)
        for row in rows
        for what, limit in LIMITS.items()
    ]

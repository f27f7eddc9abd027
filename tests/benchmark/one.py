# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Part `one`: how the cost of one load balancer grows with its services, in processor time."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from ansible_collections.pgsvc.access.tests.benchmark import haproxies
from ansible_collections.pgsvc.access.tests.benchmark.commands import cost_of, run
from ansible_collections.pgsvc.access.tests.benchmark.inventories import (
    Fleet,
    default_services,
    load_balancer,
    private_network,
    write,
)
from ansible_collections.pgsvc.access.tests.benchmark.options import Options
from ansible_collections.pgsvc.access.tests.benchmark.plans import plan_once
from ansible_collections.pgsvc.access.tests.benchmark.report import Section, Verdict, table

MODULE = "ansible_collections.pgsvc.access.plugins.modules.haproxy_publish"

SAME, WEIGHT, VALIDATION, PLAN = KINDS = ("changes nothing", "changes a weight", "`haproxy -c` alone", "plan")
OURS = (SAME, WEIGHT, PLAN)
MAX_GROWTH = 1.2  # cost of a service among ten times as many, times that of one among the fewer
MAX_SAME = (4_000, 1.0)  # services, and seconds of processor time when nothing changes

# HAProxy reserves two descriptors for each server: clusters of three would take more than many machines allow.
_MEMBERS = 2
_SERVERS = 7  # of the four services of a cluster
_FIRST_PORT = 10_000


@dataclass(frozen=True)
class Row:
    """Medians of processor time in seconds, by what was done."""

    services: int
    seconds: dict[str, float]


class LoadBalancer:
    """A load balancer of many clusters, which differ in their ports there."""

    def __init__(self, folder: Path, clusters: int) -> None:
        self.inventory = folder / "inventory.json"
        self.fleet = Fleet(clusters * _MEMBERS, private_network(), _MEMBERS)
        self.address = self.fleet.address(self.fleet.hosts)
        self.haproxy = haproxies.haproxy(folder / self.address, short_names=True)
        self.weight = 100

    def declare(self) -> None:
        """Write the inventory: the very first member has the weight."""
        groups = self.fleet.groups(lambda number: {} if number else {"pg_weight": self.weight})
        services = default_services(len(groups) * _SERVERS)
        for number, group in enumerate(groups.values()):
            first = _FIRST_PORT + number * len(services)
            own = [{**service, "port": first + index} for index, service in enumerate(services)]
            group["vars"]["pg_default_services"] = own
        groups["proxies"] = {"hosts": {self.address: load_balancer(self.haproxy, self.address)}}
        write(self.inventory, groups, {"pg_service_provider": "proxies"})


def measure(folder: Path, options: Options) -> Section:
    """Measure each number of services."""
    rows = [_measure(folder / str(services), services, options.repeats) for services in options.services]
    how = f"{haproxies.release()}, processor time, median of {options.repeats}"
    return Section("one", how, lines(rows), verdicts(rows))


def _measure(folder: Path, services: int, repeats: int) -> Row:
    """Publish everything, then change a weight and change nothing, several times."""
    balancer = LoadBalancer(folder, services // len(default_services(0)))
    seconds: dict[str, list[float]] = {kind: [] for kind in KINDS}
    with haproxies.running([balancer.haproxy], balancer.fleet.roles):
        arguments = _plan(balancer, [])
        _publish(arguments, "reload", [])
        if not haproxies.dials_loopback_only([balancer.haproxy]):
            sys.exit(f"{folder}: a server is not on a loopback address")
        haproxies.settle([balancer.haproxy])
        for _repeat in range(repeats):
            balancer.weight = 190 - balancer.weight
            arguments = _plan(balancer, seconds[PLAN])
            _publish(arguments, "runtime", seconds[WEIGHT])
            _publish(arguments, "none", seconds[SAME])
            haproxy = balancer.haproxy
            seconds[VALIDATION].append(cost_of([str(haproxy.binary), "-c", *haproxy.config_args])[0].cpu)
            took = ", ".join(f"{kind} {seconds[kind][-1]:.2f} s" for kind in KINDS)
            print(f"{services} services of one load balancer: {took}", flush=True)
    return Row(services, {kind: median(found) for kind, found in seconds.items()})


def _plan(balancer: LoadBalancer, seconds: list[float]) -> dict[str, Any]:
    """Plan, and return the arguments of the module."""
    balancer.declare()
    planned = plan_once(balancer.inventory, balancer.address)
    seconds.append(planned.cost.cpu)
    return planned.arguments or {}


def _publish(arguments: dict[str, Any], method: str, seconds: list[float]) -> None:
    """Run the module, and end the benchmark unless it applied the services by this method."""
    cost, done = run([sys.executable, "-m", MODULE], json.dumps({"ANSIBLE_MODULE_ARGS": arguments}))
    seconds.append(cost.cpu)
    result: dict[str, Any] = json.loads(done.stdout) if done.stdout else {"failed": True, "msg": done.stderr}
    if result.get("failed"):
        sys.exit(f"the module failed: {result['msg']}")
    if result["applied"]["method"] != method or result["changed"] != (method != "none"):
        sys.exit(f"the services were to be applied by {method}: {result['applied']}, changed={result['changed']}")


def lines(rows: Sequence[Row]) -> list[str]:
    """Return the table of costs."""
    cells = ((f"{row.services:,}", *(f"{row.seconds[kind]:.2f} s" for kind in KINDS)) for row in rows)
    return table(("services", *KINDS), cells)


def verdicts(rows: Sequence[Row]) -> list[Verdict]:
    """Return how the costs grow from each number of services to the next, and the highest one that is limited."""
    found = []
    for kind in OURS:
        for few, many in pairwise(rows):
            growth, limit = many.seconds[kind] / few.seconds[kind], MAX_GROWTH * many.services / few.services
            found.append(Verdict(f"{many.services:,} services by {few.services:,}, {kind}", growth, limit))
    services, limit = MAX_SAME
    what = f"{services:,} services, {SAME}, seconds"
    return [*found, *(Verdict(what, row.seconds[SAME], limit) for row in rows if row.services == services)]

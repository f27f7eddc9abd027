# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure for how long writes fail with each preset of pg_rto, and write the tables into docs/reliability.md.

Each preset is published for a cluster of its own, all of which have the members of pg-test. So one switchover, one
killed primary or one lost node is seen by all presets at the same time.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from labtest import aliases, clients, services
from labtest.cluster import Cluster, ssh
from labtest.waiting import until
from pgsvc_lab import cli, network, nodes, settings
from pgsvc_lab.settings import Node

from ansible_collections.pgsvc.access.plugins.plugin_utils._input import defaults
from ansible_collections.pgsvc.access.tests.benchmark import page

RESULTS = settings.COLLECTION / "tests/output/presets.json"
DECLARED = "declared"
_FIRST_PORT = 15433
_PAUSE = 0.03  # seconds between two looks at a member
_ROLE = re.compile(rb'"role": "(primary|master)"')
_AFTERWARDS = 3.0  # seconds for which clients go on, to see wrong answers


@dataclass(frozen=True)
class Outcome:
    """What one event did to the clients of one preset; times are in seconds.

    ``patroni`` is the time from the last write on the old primary until the new one says that it is the primary, and
    ``haproxy`` the time from there to the first write on the new one. ``read_only`` counts clients that were sent to a
    member in recovery, ``read_only_after`` those of them after the first write on the new primary.
    ``both_up`` says whether HAProxy had two members in the service at the same time.
    """

    event: str
    preset: str
    balancer: str
    patroni: float
    haproxy: float
    read_only: int
    read_only_after: int
    both_up: bool
    failed: int
    load: float

    @property
    def gap(self) -> float:
        return self.patroni + self.haproxy


class NewPrimary:
    """Notes when a member other than the old primary says for the first time that it is the primary."""

    def __init__(self, members: Sequence[Node]) -> None:
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._watch, args=(node,)) for node in members]
        self.found: tuple[Node, float] | None = None

    def _watch(self, node: Node) -> None:
        while not self._stop.is_set():
            if self.found is None and _says_primary(node):
                self.found = node, time.monotonic()
            self._stop.wait(_PAUSE)

    def __enter__(self) -> NewPrimary:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def _says_primary(node: Node) -> bool:
    try:
        with urllib.request.urlopen(f"http://{node.ipv4}:8008/primary", timeout=2) as answer:
            return bool(_ROLE.search(answer.read()))
    except OSError:
        return False


def switch_over(cluster: Cluster, old: Node) -> None:
    candidate = cluster.others(old)[0]
    cluster.patronictl(
        "switchover", "--leader", old.name, "--candidate", candidate.name, "--force", cluster.name, on=old
    )


def kill(_cluster: Cluster, old: Node) -> None:
    """Patroni and PostgreSQL; systemd starts Patroni again."""
    ssh(old, "systemctl kill --signal=KILL patroni")


def power_off(_cluster: Cluster, old: Node) -> None:
    nodes.power_off(old)


EVENTS: dict[str, Callable[[Cluster, Node], None]] = {
    "switchover": switch_over,
    "Patroni and PostgreSQL killed": kill,
    "node lost": power_off,
}


def measure(cluster: Cluster, event: str, balancer: Node, ports: dict[str, int]) -> list[Outcome]:
    """One event, as the clients of each preset saw it through one load balancer."""
    old = cluster.primary()
    running = [(balancer.ipv4, port) for port in ports.values()]
    with clients.writers(*running) as writers, NewPrimary(cluster.others(old)) as new:
        begun, date = time.monotonic(), int(time.time())
        for writer in writers:
            until(f"{writer.name} writes", writer.taken_by, old.ipv4, begun + 1.0)
        EVENTS[event](cluster, old)
        node, when = until("a new primary", lambda: new.found)
        for writer in writers:
            until(f"{writer.name} writes to {node.name}", writer.taken_by, node.ipv4)
        time.sleep(_AFTERWARDS)
    both_up, load = _both_up(balancer, date), os.getloadavg()[0]
    outcomes = []
    for preset, writer in zip(ports, writers, strict=True):
        last, first = max(writer.taken_by(old.ipv4)), min(writer.taken_by(node.ipv4))
        read_only = [at for at, words in writer.failed if "read-only" in words]
        outcomes.append(
            Outcome(
                event=event,
                preset=preset,
                balancer=balancer.name,
                patroni=round(when - last, 3),
                haproxy=round(first - when, 3),
                read_only=len(read_only),
                read_only_after=len([at for at in read_only if at > first]),
                both_up=preset in both_up,
                failed=len(writer.failed),
                load=round(load, 1),
            )
        )
    return outcomes


def _both_up(balancer: Node, since: int) -> set[str]:
    """Presets whose service has had a second server since then, by HAProxy's log."""
    log = ssh(balancer, f"journalctl --unit haproxy --output cat --since @{since}")
    return set(re.findall(r"Server pg-([a-z]+)-primary/\S+ is UP, .* 2 active", log))


@contextmanager
def published(cluster: Cluster, plans: dict[str, list[Any] | None]) -> Iterator[dict[str, int]]:
    """A service for each preset, on the group `proxy`: preset to port."""
    ports = {preset: _FIRST_PORT + 10 * number for number, preset in enumerate(plans)}
    groups = {}
    for preset, plan in plans.items():
        service = {"name": "primary", "port": ports[preset], "check": "/primary", "selector": "[]"}
        rto = None if preset == DECLARED else preset
        variables = {"pg_rto": rto, "pg_rto_plan": {preset: plan}, "pg_default_services": [service]}
        groups[f"pg-{preset}"] = aliases.cluster(f"pg-{preset}", cluster.members, variables)
    _publish(groups)
    try:
        yield ports
    finally:
        _publish(aliases.without_services(groups, cluster.members), "-e", '{"pg_service_allow_shrink": true}')


def _publish(groups: dict[str, Any], *options: str) -> None:
    with services.overlay(groups) as source:
        limit = ":".join(groups)
        services.ansible_playbook("pgsvc.access.pgsql", "-t", "pg_service", "-l", limit, *options, sources=[source])


def settle(cluster: Cluster, presets: Sequence[str]) -> None:
    """Wait until all members run, and each service has the primary alone."""
    for node in cluster.members:
        if not nodes.is_running(node):
            nodes.start(node)
    cluster.wait_until_whole(180)
    number = cluster.members.index(cluster.primary()) + 1
    for preset in presets:
        services.wait_for_up(aliases.PROXIES, f"pg-{preset}-primary", {f"pg-{preset}-{number}"}, timeout=60)


def cost_of_checks(node: Node, count: int = 400) -> dict[str, float]:
    """Processor time that a member spends on a health check, in milliseconds, by the method of the request."""
    return {method: round(_cost(node, method, count), 2) for method in ("OPTIONS", "GET")}


def _cost(node: Node, method: str, count: int) -> float:
    before, begun = _used(node), time.monotonic()
    for _each in range(count):
        request = urllib.request.Request(f"http://{node.ipv4}:8008/primary", method=method)
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
                answer.read()
        except urllib.error.HTTPError as error:
            error.close()
    after, seconds = _used(node), time.monotonic() - begun
    time.sleep(seconds)
    idle = _used(node) - after
    return (after - before - idle) / count


def _used(node: Node) -> float:
    """Milliseconds of processor time of everything in Patroni's unit so far: itself and PostgreSQL."""
    unit = "$(systemctl show -p ControlGroup --value patroni)"
    pids = f"cat /sys/fs/cgroup/systemd{unit}/cgroup.procs /sys/fs/cgroup{unit}/cgroup.procs 2>/dev/null | sort -u"
    lines = ssh(node, f"for p in $({pids}); do cat /proc/$p/stat; done")
    fields = [line.rpartition(")")[2].split() for line in lines.splitlines()]
    ticks = sum(int(own[11]) + int(own[12]) for own in fields)
    return 1000 * ticks / os.sysconf("SC_CLK_TCK")


def table(outcomes: Sequence[Outcome]) -> str:
    lines = [
        "| event | preset | no writes for | Patroni's share | HAProxy's share | connections to a member in recovery, "
        "before and after the first write | both members in the service |",
        "|---|---|---|---|---|---|---|",
    ]
    groups: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault((outcome.event, outcome.preset), []).append(outcome)
    for (event, preset), found in groups.items():
        shares = (_shown([getattr(each, name) for each in found]) for name in ("gap", "patroni", "haproxy"))
        after = sum(each.read_only_after for each in found)
        wrong = f"{sum(each.read_only for each in found) - after}, {after}"
        both = f"{sum(each.both_up for each in found)} of {len(found)}"
        name = "not set" if preset == DECLARED else f"`{preset}`"
        lines.append(f"| {event} | {name} | {' | '.join(shares)} | {wrong} | {both} |")
    return "\n".join(lines)


def _shown(values: Sequence[float]) -> str:
    return f"{median(values):.1f} s, {max(values):.1f} s"


def summary(outcomes: Sequence[Outcome], cost: dict[str, float]) -> str:
    loads = sorted({outcome.load for outcome in outcomes})
    repeats = {event: len([o for o in outcomes if (o.event, o.preset) == (event, DECLARED)]) for event in EVENTS}
    counts = ", ".join(f"{count} times {event}" for event, count in repeats.items())
    return (
        f"Measured on {os.cpu_count()} cores, which the clients, the members and the load balancers share, at a load "
        f"average of {loads[0]} to {loads[-1]} (median {median(loads):.0f}): {counts}. Median, worst.\n\n"
        f"{table(outcomes)}\n\n"
        f"A health check costs the primary {cost['OPTIONS']:.1f} ms of processor time in Patroni and PostgreSQL, and "
        f"one that reads the answer {cost['GET']:.1f} ms."
    )


def _save(outcomes: Sequence[Outcome], cost: dict[str, float]) -> None:
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps({"cost": cost, "outcomes": [asdict(each) for each in outcomes]}, indent=1) + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=10, help="how many times each event happens")
    parser.add_argument("--events", nargs="+", default=list(EVENTS), choices=EVENTS)
    parser.add_argument("--presets", nargs="+", default=[DECLARED, *reversed(defaults.RTO_PLANS)])
    parser.add_argument("--plan", action="append", default=[], metavar="NAME=INTER,FASTINTER,DOWNINTER,RISE,FALL")
    parser.add_argument("--keep", action="store_true", help="write the table into docs/reliability.md")
    options = parser.parse_args()
    plans: dict[str, list[Any] | None] = {name: defaults.RTO_PLANS.get(name) for name in options.presets}
    for word in options.plan:
        name, _equals, own = word.partition("=")
        plans[name] = [20, 5, 5, 15, 5, *own.split(",")]

    status = cli.main(["up"])
    if status:
        return status
    network.enter()
    cluster = Cluster("pg-test", [settings.node(f"pg-test-{number}") for number in (1, 2, 3)])
    cluster.mend()
    outcomes: list[Outcome] = []
    with published(cluster, plans) as ports:
        for event in options.events:
            for number in range(options.repeat):
                settle(cluster, list(plans))
                found = measure(cluster, event, aliases.PROXIES[number % 2], ports)
                outcomes += found
                _save(outcomes, {})
                for each in found:
                    print(f"{number + 1} {each} gap={each.gap:.2f}", flush=True)
        settle(cluster, list(plans))
        cost = cost_of_checks(cluster.primary())
    _save(outcomes, cost)
    text = summary(outcomes, cost)
    print(text)
    if options.keep:
        page.keep("reliability.md", "measured presets", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())

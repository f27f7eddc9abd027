# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure a publishing run against Ansible's own ping of the same hosts, and the plan against ansible-inventory.

Every figure is the median of several repeats. Each run is compared with the pings right before and right behind it, so
that a slow minute of the machine slows both. Ends with code 1 when a limit is exceeded. `make benchmark` runs it and
keeps the tables.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from ansible.release import __version__ as ansible_version

from ansible_collections.pgsvc.access.tests.benchmark.sandbox import Sandbox

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PAGE = ROOT / "docs" / "performance.md"
PLAYBOOK = ROOT / "playbooks" / "pgsql.yml"
REFERENCE = HERE / "reference" / "pg_service.yml"

MAX_RUN = 1.5  # times the ping
MAX_GROWTH = 1.2  # cost of a host among the most, times that of a host among the fewest
MAX_PLAN = 1.0  # times ansible-inventory --list


@dataclass(frozen=True)
class Cost:
    """Seconds by the clock, and of processor time in all processes together."""

    wall: float
    cpu: float


@dataclass(frozen=True)
class Run:
    """Seconds by the clock of a run, and how many pings of its own minutes that is."""

    wall: float
    pings: float


@dataclass(frozen=True)
class Row:
    """The medians of one number of hosts, the ping in seconds; no reference where it was not asked for."""

    hosts: int
    ping: float
    write: Run
    same: Run
    reference: Run | None


def cost_of(command: list[str]) -> tuple[Cost, str]:
    """Run a command that must succeed; return its cost and what it printed."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")},
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".build"),
        "ANSIBLE_CONFIG": str(ROOT / "tests" / "ansible.cfg"),
        "LC_ALL": "C.UTF-8",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"], "/usr/sbin"]),
        "PYTHONPATH": str(ROOT / ".build"),
    }
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    run = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    wall, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    if run.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{run.stdout[-3000:]}{run.stderr[-3000:]}")
    return Cost(wall, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime), run.stdout


class Turns:
    """Runs of the same hosts, a ping before and behind each."""

    def __init__(self, sandbox: Sandbox, forks: int) -> None:
        self._sandbox = sandbox
        self._fixed = ["-i", str(sandbox.inventory), "-f", str(forks)]
        self._runs: dict[str, list[Run]] = {}
        self.pings = [self._ping()]

    def take(self, name: str, *command: str) -> str:
        """Run a command on the hosts, then the ping; return what the command printed."""
        cost, printed = cost_of([*command, *self._fixed])
        self.pings.append(self._ping())
        run = Run(cost.wall, 2 * cost.wall / sum(self.pings[-2:]))
        self._runs.setdefault(name, []).append(run)
        seconds = f"{cost.wall:.1f} s (processor {cost.cpu:.1f} s), {run.pings:.2f} pings"
        print(f"{self._sandbox.hosts} hosts: {name} {seconds}", flush=True)
        return printed

    def middle(self, name: str) -> Run:
        """Return the median of each part."""
        runs = self._runs[name]
        return Run(median(run.wall for run in runs), median(run.pings for run in runs))

    def _ping(self) -> float:
        return cost_of(["ansible", "all", "-m", "ping", *self._fixed])[0].wall


def measure(sandbox: Sandbox, repeats: int, forks: int, with_reference: bool) -> Row:
    """Write everything and change nothing, several times."""
    turns = Turns(sandbox, forks)
    publish = ["ansible-playbook", str(PLAYBOOK), "-t", "pg_service"]
    for _repeat in range(repeats):
        sandbox.wipe()
        turns.take("write", *publish)
        if not sandbox.is_written():
            sys.exit(f"{sandbox.folder}: the run did not write all services")
        printed = turns.take("same", *publish)
        if len(re.findall(r" changed=0 ", printed)) != sandbox.hosts:
            sys.exit(f"the second run changed something:\n{printed[-3000:]}")
    if with_reference:
        sandbox.wipe()
        turns.take("reference", "ansible-playbook", str(REFERENCE))
    return Row(
        sandbox.hosts,
        median(turns.pings),
        turns.middle("write"),
        turns.middle("same"),
        turns.middle("reference") if with_reference else None,
    )


def measure_plan(sandbox: Sandbox, repeats: int) -> tuple[float, float]:
    """Return the seconds of the plan alone, and of ansible-inventory --list."""
    plan = [sys.executable, str(HERE / "plan_once.py"), str(sandbox.inventory)]
    listing = ["ansible-inventory", "-i", str(sandbox.inventory), "--list"]
    plans, listings = [], []
    for _repeat in range(repeats):
        plans.append(float(cost_of(plan)[1].split()[-1]))
        listings.append(cost_of(listing)[0].wall)
        print(f"{sandbox.hosts} hosts: plan {plans[-1]:.1f} s, list {listings[-1]:.1f} s", flush=True)
    return median(plans), median(listings)


def table(rows: list[Row]) -> list[str]:
    """Return the table of runs, in Markdown."""
    lines = [
        "| hosts | ping | writes everything | changes nothing | a template for each service |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [cell(run) for run in (row.write, row.same, row.reference)]
        lines.append(f"| {row.hosts} | {row.ping:.1f} s | {' | '.join(cells)} |")
    return lines


def cell(run: Run | None) -> str:
    """Return seconds, and how many pings that is."""
    return "" if run is None else f"{run.wall:.1f} s, {run.pings:.2f} pings"


def growth(rows: list[Row], run: Callable[[Row], Run]) -> float:
    """Return how much dearer a host is among the most hosts than among the fewest."""
    first, last = rows[0], rows[-1]
    return (run(last).wall / last.hosts) / (run(first).wall / first.hosts)


def verdicts(rows: list[Row], plan: float, listing: float) -> dict[str, tuple[float, float]]:
    """Return what was promised: its measured value and its limit."""
    found = {}
    for row in rows:
        found[f"{row.hosts} hosts, writes everything, by the ping"] = (row.write.pings, MAX_RUN)
        found[f"{row.hosts} hosts, changes nothing, by the ping"] = (row.same.pings, MAX_RUN)
    if len(rows) > 1:
        span = f"a host among {rows[-1].hosts} by one among {rows[0].hosts}"
        found[f"{span}, writes everything"] = (growth(rows, lambda row: row.write), MAX_GROWTH)
        found[f"{span}, changes nothing"] = (growth(rows, lambda row: row.same), MAX_GROWTH)
    found["plan by ansible-inventory --list"] = (plan / listing, MAX_PLAN)
    return found


def report(rows: list[Row], clusters: int, plan: float, listing: float, forks: int, repeats: int) -> tuple[str, bool]:
    """Return the tables and whether each limit is kept."""
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, ansible-core {ansible_version}"
    found = verdicts(rows, plan, listing)
    lines = [
        f"Measured on {machine}; {forks} forks, connection local, median of {repeats}.",
        "",
        *table(rows),
        "",
        f"The plan alone, for {clusters:,} clusters of three: {plan:.2f} s.",
        f"`ansible-inventory --list` of the same inventory: {listing:.2f} s.",
        "",
        "| ratio | measured | limit |",
        "|---|---|---|",
        *(f"| {name} | {value:.2f} | {limit:.1f} |" for name, (value, limit) in found.items()),
    ]
    return "\n".join(lines), all(value <= limit for value, limit in found.values())


def keep(text: str) -> None:
    """Write the tables between the markers of the page."""
    page = PAGE.read_text()
    begin, end = "<!-- measured: begin -->", "<!-- measured: end -->"
    PAGE.write_text(re.sub(f"{begin}.*{end}", lambda _: f"{begin}\n{text}\n{end}", page, flags=re.DOTALL))


def main() -> int:
    """Measure, print and, when asked, keep the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, nargs="+", default=[20, 99, 300])
    parser.add_argument("--clusters", type=int, default=1000, help="of three, for the plan alone")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--forks", type=int, default=10)
    parser.add_argument("--reference", type=int, nargs="*", default=[20], help="hosts to serve the old way, too")
    parser.add_argument("--keep", action="store_true", help=f"write the tables into {PAGE.relative_to(ROOT)}")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="pgsvc-benchmark-"))
    try:
        rows = []
        for hosts in options.hosts:
            sandbox = Sandbox(folder / str(hosts), hosts)
            sandbox.make()
            rows.append(measure(sandbox, options.repeats, options.forks, hosts in options.reference))
        everything = Sandbox(folder / "plan", options.clusters * 3)
        everything.make()
        plan, listing = measure_plan(everything, options.repeats)
    finally:
        shutil.rmtree(folder)
    text, kept = report(rows, options.clusters, plan, listing, options.forks, options.repeats)
    print(text)
    if options.keep:
        keep(text)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())

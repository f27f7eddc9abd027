# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs of Ansible on the same hosts, each measured by the pings right before and right behind it."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from ansible_collections.pgsvc.access.tests.benchmark.commands import ROOT, cost_of

PUBLISH = ("ansible-playbook", str(ROOT / "playbooks" / "pgsql.yml"), "-t", "pg_service")


@dataclass(frozen=True)
class Run:
    """Seconds by the clock of a run, and how many pings of its own minutes that is."""

    wall: float
    pings: float


class Turns:
    """Runs on the hosts of an inventory, or on those of a `pattern`, a ping before and behind each."""

    def __init__(self, inventory: Path, hosts: int, forks: int, pattern: str = "all") -> None:
        self._hosts = hosts
        self._pattern = pattern
        self._fixed = ["-i", str(inventory), "-f", str(forks)]
        self._runs: dict[str, list[Run]] = {}
        self._pings = [self._ping()]

    @property
    def ping(self) -> float:
        """The median of all pings, in seconds."""
        return median(self._pings)

    def take(self, name: str, *command: str) -> str:
        """Run a command on the hosts, then the ping; return what the command printed."""
        cost, printed = cost_of([*command, *self._fixed])
        self._pings.append(self._ping())
        run = Run(cost.wall, 2 * cost.wall / sum(self._pings[-2:]))
        self._runs.setdefault(name, []).append(run)
        seconds = f"{cost.wall:.1f} s (processor {cost.cpu:.1f} s), {run.pings:.2f} pings"
        print(f"{self._hosts} hosts: {name}: {seconds}", flush=True)
        return printed

    def publish(self, name: str, changed: bool) -> None:
        """Publish; end the benchmark unless the run has changed every host, or none, as it should."""
        expected = f" changed={int(changed)} "
        printed = self.take(name, *PUBLISH)
        if len(re.findall(expected, printed)) != self._hosts:
            sys.exit(f"{name}: not every host has{expected}in\n{printed[-3000:]}")

    def middle(self, name: str) -> Run:
        """Return the median of each part."""
        runs = self._runs[name]
        return Run(median(run.wall for run in runs), median(run.pings for run in runs))

    def _ping(self) -> float:
        return cost_of(["ansible", self._pattern, "-m", "ping", *self._fixed])[0].wall

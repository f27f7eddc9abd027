# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Part `plan`: the plan of many clusters, beside what Ansible itself takes to list their inventory."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from ansible_collections.pgsvc.access.tests.benchmark.commands import Cost, cost_of
from ansible_collections.pgsvc.access.tests.benchmark.options import Options
from ansible_collections.pgsvc.access.tests.benchmark.report import Section, Verdict
from ansible_collections.pgsvc.access.tests.benchmark.sandbox import Sandbox

PLAN = Path(__file__).with_name("plan_once.py")

MAX_PLAN = 1.0  # times ansible-inventory --list


@dataclass(frozen=True)
class Planned:
    """What the plan took; with the arguments of the module for the load balancer that was asked for."""

    cost: Cost
    arguments: dict[str, Any] | None


def plan_once(inventory: Path, load_balancer: str = "") -> Planned:
    """Plan in a process of its own, and render the files of a load balancer when one is named."""
    printed = cost_of([sys.executable, str(PLAN), str(inventory), *filter(None, [load_balancer])])[1]
    said = json.loads(printed.splitlines()[-1])
    return Planned(Cost(said["wall"], said["cpu"]), said.get("arguments"))


def measure(folder: Path, options: Options) -> Section:
    """Plan and list, several times."""
    sandbox = Sandbox(folder, options.clusters * 3)
    sandbox.make()
    plans, listings = [], []
    for _repeat in range(options.repeats):
        plans.append(plan_once(sandbox.inventory).cost.wall)
        listings.append(cost_of(["ansible-inventory", "-i", str(sandbox.inventory), "--list"])[0].wall)
        print(f"{options.clusters} clusters: plan {plans[-1]:.1f} s, list {listings[-1]:.1f} s", flush=True)
    return section(options, median(plans), median(listings))


def section(options: Options, plan: float, listing: float) -> Section:
    """Return the figures, both in seconds."""
    lines = [
        f"The plan alone, for {options.clusters:,} clusters of three: {plan:.2f} s.",
        f"`ansible-inventory --list` of the same inventory: {listing:.2f} s.",
    ]
    verdict = Verdict("plan by ansible-inventory --list", plan / listing, MAX_PLAN)
    return Section("plan", f"median of {options.repeats}", lines, [verdict])

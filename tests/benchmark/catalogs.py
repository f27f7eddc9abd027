# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Part `catalog`: the page of many clusters, beside what Ansible itself takes to list their inventory."""

from __future__ import annotations

from pathlib import Path
from statistics import median

from ansible_collections.pgsvc.access.tests.benchmark.commands import ROOT, cost_of
from ansible_collections.pgsvc.access.tests.benchmark.options import Options
from ansible_collections.pgsvc.access.tests.benchmark.report import Section, Verdict
from ansible_collections.pgsvc.access.tests.benchmark.sandbox import Sandbox
from ansible_collections.pgsvc.access.tests.support.browser import chromium, seconds_to_open

MAX_PAGE = 3.0  # times ansible-inventory --list

_PLAYBOOK = ROOT / "playbooks" / "catalog.yml"


def measure(folder: Path, options: Options) -> Section:
    """Write the page, list the inventory and open the page, several times."""
    sandbox = Sandbox(folder, options.clusters * 3)
    sandbox.make()
    page = folder / "catalog.html"
    made, listed, opened = [], [], []
    inventory = ["-i", str(sandbox.inventory)]
    write = ["ansible-playbook", *inventory, str(_PLAYBOOK), "-e", f"pg_catalog_path={page}"]
    with chromium() as browser:
        for _repeat in range(options.repeats):
            page.unlink(missing_ok=True)
            made.append(cost_of(write)[0].wall)
            listed.append(cost_of(["ansible-inventory", *inventory, "--list"])[0].wall)
            opened.append(seconds_to_open(browser, page))
            print(f"catalogue: {made[-1]:.1f} s, list {listed[-1]:.1f} s, opened in {opened[-1]:.2f} s", flush=True)
        size = f"{page.stat().st_size / 1e6:.1f} MB"
        lines = [
            f"The page of {options.clusters:,} clusters of three, {size}: {median(made):.2f} s.",
            f"`ansible-inventory --list` of the same inventory: {median(listed):.2f} s.",
            f"Chromium {browser.version.partition('.')[0]} opens it in {median(opened):.2f} s.",
        ]
    verdict = Verdict("page by ansible-inventory --list", median(made) / median(listed), MAX_PAGE)
    return Section("catalog", f"median of {options.repeats}", lines, [verdict])

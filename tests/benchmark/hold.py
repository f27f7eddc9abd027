# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure what connections that wait for a primary cost HAProxy, and write the table into docs/reliability.md.

Ends with code 1 when one of them is not served by the new primary.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
import tempfile
import time
from pathlib import Path

from ansible_collections.pgsvc.access.tests.benchmark import page
from ansible_collections.pgsvc.access.tests.integration.hold.waiting import crowd, demote, held, promote, publish
from ansible_collections.pgsvc.access.tests.integration.staying.site import CLUSTER, Balancer, serving
from ansible_collections.pgsvc.access.tests.support import binaries
from ansible_collections.pgsvc.access.tests.support.haproxy import wait_until

CLIENTS = 500
SECONDS = 10.0
HEADER = (
    f"| HAProxy | processor, none waiting | {CLIENTS} waiting | memory, none waiting | {CLIENTS} waiting | served |",
    "|---|---|---|---|---|---|",
)


@dataclasses.dataclass(frozen=True)
class Use:
    """What the worker used: the share of one core, and resident memory in MiB."""

    processor: float
    memory: float


def used(pid: int) -> Use:
    """By a process within the next seconds (proc(5))."""
    began, ticks = time.monotonic(), _ticks(pid)
    time.sleep(SECONDS)
    share = (_ticks(pid) - ticks) / os.sysconf("SC_CLK_TCK") / (time.monotonic() - began)
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return Use(share, pages * os.sysconf("SC_PAGE_SIZE") / 2**20)


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def measure(version: str, folder: Path) -> tuple[Use, Use, int]:
    """What the worker uses without a primary while nobody waits, and while all clients do; how many were served."""
    with serving(binaries.binary(version), folder) as balancer:
        return _measure(balancer)


def _measure(balancer: Balancer) -> tuple[Use, Use, int]:
    publish(balancer, pg_service_hold=60)
    demote(balancer)
    before = used(balancer.haproxy.worker)
    with crowd(balancer, CLIENTS) as clients:
        wait_until(lambda: held(balancer) == CLIENTS)
        waiting = used(balancer.haproxy.worker)
        promote(balancer)
    return before, waiting, clients.answers[f"{CLUSTER}-2 primary"]


def main() -> int:
    """Measure, print and, when asked, keep the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--versions", nargs="+", default=list(binaries.VERSIONS), choices=binaries.VERSIONS)
    parser.add_argument("--keep", action="store_true", help="write the table into docs/reliability.md")
    options = parser.parse_args()
    lines, lost = list(HEADER), False
    for version in options.versions:
        with tempfile.TemporaryDirectory(prefix="pgsvc-hold-") as folder:
            before, waiting, served = measure(version, Path(folder))
        shares = " | ".join(f"{100 * use.processor:.1f} % of a core" for use in (before, waiting))
        sizes = " | ".join(f"{use.memory:.1f} MiB" for use in (before, waiting))
        lines.append(f"| {version} | {shares} | {sizes} | {served} of {CLIENTS} |")
        lost = lost or served < CLIENTS
        print(lines[-1], flush=True)
    if options.keep:
        page.keep("reliability.md", "hold", "\n".join(lines))
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure what clients notice of each change of a server that stays, and write the table into docs/reliability.md.

The changes are those of tests/integration/staying. Ends with code 1 when a connection is lost or misrouted, or when a
session of a member that stays is cut.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from ansible_collections.pgsvc.access.tests.benchmark import page
from ansible_collections.pgsvc.access.tests.integration.staying import scenario
from ansible_collections.pgsvc.access.tests.integration.staying.changes import CHANGES
from ansible_collections.pgsvc.access.tests.integration.staying.scenario import Outcome
from ansible_collections.pgsvc.access.tests.integration.staying.site import serving
from ansible_collections.pgsvc.access.tests.support import binaries

HEADER = (
    "| change | HAProxy | method | publish | new connections: made, lost, misrouted | sessions: held, cut |",
    "|---|---|---|---|---|---|",
)


def measure(version: str, name: str) -> Outcome:
    """One change on one version of HAProxy."""
    binary = binaries.binary(version)
    with tempfile.TemporaryDirectory(prefix="pgsvc-staying-") as folder, serving(binary, Path(folder)) as balancer:
        return scenario.run(balancer, CHANGES[name])


def line(name: str, version: str, outcome: Outcome) -> str:
    """A row of the table. Sessions of members that leave are not counted."""
    connections = f"{outcome.connections:,}, {outcome.lost}, {outcome.misrouted}"
    sessions = f"{sum(outcome.holding.values())}, {outcome.cut}"
    return f"| {name} | {version} | {outcome.method} | {outcome.seconds:.1f} s | {connections} | {sessions} |"


def main() -> int:
    """Measure, print and, when asked, keep the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--versions", nargs="+", default=list(binaries.VERSIONS), choices=binaries.VERSIONS)
    parser.add_argument("--keep", action="store_true", help="write the table into docs/reliability.md")
    options = parser.parse_args()
    lines, felt = list(HEADER), False
    for name in CHANGES:
        for version in options.versions:
            outcome = measure(version, name)
            lines.append(line(name, version, outcome))
            felt = felt or bool(outcome.lost or outcome.misrouted or outcome.cut)
            print(lines[-1], flush=True)
    if options.keep:
        page.keep("reliability.md", "staying", "\n".join(lines))
    return 1 if felt else 0


if __name__ == "__main__":
    sys.exit(main())

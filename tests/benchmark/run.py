# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure what a run costs, and compare it with limits. `make benchmark` runs it and keeps the figures.

Each figure is the median of several repeats, and each run is compared with something else that runs in the same
minutes, so that a slow minute of the machine slows both. Ends with code 1 when a limit is exceeded.
"""

from __future__ import annotations

import os
import platform
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

from ansible.release import __version__ as ansible_version

from ansible_collections.pgsvc.access.tests.benchmark import (
    catalogs,
    checks,
    files,
    one,
    options,
    plans,
    running,
    status,
)
from ansible_collections.pgsvc.access.tests.benchmark.commands import ROOT
from ansible_collections.pgsvc.access.tests.benchmark.report import Section, exceeded, placed

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

PAGE = ROOT / "docs" / "performance.md"

PARTS: dict[str, Callable[[Path, options.Options], Section]] = {
    "files": files.measure,
    "plan": plans.measure,
    "catalog": catalogs.measure,
    "running": running.measure,
    "status": status.measure,
    "one": one.measure,
    "checks": checks.measure,
}


def sections(chosen: options.Options) -> Iterator[Section]:
    """Measure the chosen parts, one after the other."""
    for part, measure in PARTS.items():
        if part in chosen.parts:
            folder = Path(tempfile.mkdtemp(prefix=f"pgsvc-benchmark-{part}-"))
            try:
                yield measure(folder, chosen)
            finally:
                shutil.rmtree(folder)


def main() -> int:
    """Measure, print and, when asked, keep the figures."""
    chosen = options.parse(sys.argv[1:], str(PAGE.relative_to(ROOT)))
    for number in _SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:  # as under nohup
            signal.signal(number, _stop)
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, ansible-core {ansible_version}"
    measured = []
    for section in sections(chosen):
        measured.append(section)
        text = section.text(machine)
        print(f"\n{text}\n", flush=True)
        if chosen.keep:
            PAGE.write_text(placed(PAGE.read_text(), section.part, text))
    broken = [] if chosen.quick else exceeded(measured)  # so few hosts say nothing about limits
    for sentence in broken:
        print(sentence, file=sys.stderr)
    return 1 if broken else 0


def _stop(number: int, _frame: FrameType | None) -> None:
    """Leave; what runs is ended on the way out, which another signal must not cut short."""
    for each in _SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())

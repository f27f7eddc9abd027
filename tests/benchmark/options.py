# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command line of the benchmark."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

PARTS = {
    "files": "hosts on which nothing runs: everything is written, nothing changes",
    "plan": "the plan alone, beside ansible-inventory --list",
    "catalog": "the page of many clusters: made, beside ansible-inventory --list, and opened in a browser",
    "running": "a HAProxy on every host: nothing changes, a weight changes, a listener changes",
    "status": "a HAProxy on every host: pgsql-svc --status of one cluster, and of all",
    "one": "one load balancer of many services: processor time of its plan and of its module",
    "checks": "three load balancers of nine services: requests to the Patroni of one member",
}


@dataclass(frozen=True)
class Options:
    """What is measured, and how often."""

    parts: Sequence[str]
    hosts: Sequence[int] = (20, 99, 300)
    reference: Sequence[int] = (20,)
    clusters: int = 1000
    running: Sequence[int] = (20, 99)
    status: Sequence[int] = (300,)
    services: Sequence[int] = (40, 400, 4000)
    repeats: int = 3
    forks: int = 10
    keep: bool = False
    quick: bool = False
    seconds: int = 60


FULL = Options(tuple(PARTS))
QUICK = Options(tuple(PARTS), (3,), (), 10, (3,), (6,), (8, 80), 1, 10, False, True, 5)


def parse(arguments: Sequence[str], page: str) -> Options:
    """Read the command line. `page` is where figures are kept."""
    parts = "\n".join(f"  {name:<10}{what}" for name, what in PARTS.items())
    parser = argparse.ArgumentParser(
        description="Measure what a run costs, by yardsticks of the same minutes: see docs/performance.md.",
        epilog=f"parts (all when none is named):\n{parts}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("parts", nargs="*", type=_part, metavar="PART", help="measure these parts only")
    parser.add_argument("--quick", action="store_true", help="try each part once, with few hosts and services")
    parser.add_argument("--keep", action="store_true", help=f"write the figures of these parts into {page}")
    for name, what in (
        ("hosts", "numbers of hosts of the part files"),
        ("reference", "those of them that are also served with a template for each service"),
        ("running", "numbers of hosts of the part running"),
        ("status", "numbers of hosts of the part status"),
        ("services", "numbers of services of the part one, multiples of four"),
    ):
        parser.add_argument(f"--{name}", type=int, nargs="+", metavar="N", help=_shown(what, name))
    for name, what in (
        ("clusters", "number of clusters of three of the parts plan and catalog"),
        ("repeats", "how often; each figure is the median"),
        ("forks", "forks of Ansible"),
        ("seconds", "how long the part checks counts"),
    ):
        parser.add_argument(f"--{name}", type=int, metavar="N", help=_shown(what, name))
    found = parser.parse_args(arguments)
    if found.quick and found.keep:
        parser.error("--quick measures too little to --keep it")
    base = QUICK if found.quick else FULL
    return Options(**{name: value or getattr(base, name) for name, value in vars(found).items()})


def _shown(what: str, name: str) -> str:
    value = getattr(FULL, name)
    return f"{what} ({value if isinstance(value, int) else ' '.join(map(str, value))})"


def _part(word: str) -> str:
    if word not in PARTS:
        raise argparse.ArgumentTypeError(f"{word!r} is not a part; allowed: {', '.join(PARTS)}")
    return word

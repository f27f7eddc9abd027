# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Part `checks`: the health checks that Patroni of one member answers, with declared and with live roles.

It counts requests and measures no time, so other work on the machine changes little.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.pgsvc.access.tests.benchmark import haproxies
from ansible_collections.pgsvc.access.tests.benchmark.commands import cost_of
from ansible_collections.pgsvc.access.tests.benchmark.inventories import Fleet, load_balancer, private_network, write
from ansible_collections.pgsvc.access.tests.benchmark.options import Options
from ansible_collections.pgsvc.access.tests.benchmark.report import Section, Verdict, table
from ansible_collections.pgsvc.access.tests.benchmark.turns import PUBLISH

ROLES = DECLARED, LIVE = ("declared", "live")
MAX_LIVE = 0.5  # requests with live roles, times those with declared ones

_COUNTED = ("primary", "synchronous standby")
_MEMBERS = 3  # each of them a load balancer, too
_SETTLED = 16.0  # seconds; until then, servers come up and are checked more often
_BACKUP = "[? pg_role == `primary`]"
# Beside the four default services.
OWN: list[dict[str, Any]] = [
    {"name": "standby", "port": 5435, "check": "/read-only-sync", "selector": "[]", "backup": _BACKUP},
    {"name": "app", "port": 5441, "check": "/primary", "selector": "[]"},
    {"name": "app-read", "port": 5442, "check": "/read-only", "selector": "[]", "backup": _BACKUP},
    {"name": "reports", "port": 5443, "check": "/replica", "selector": "[]"},
    {"name": "analytics", "port": 5444, "check": "/replica", "selector": "[]", "dest": "postgres"},
]
_CHECK = re.compile(r"^ *server \S+ (\S+):\d+ check ", re.MULTILINE)


@dataclass(frozen=True)
class Row:
    """For each of the members counted: checks on one load balancer, and requests a second from all of them."""

    roles: str
    checks: tuple[int, int]
    requests: tuple[float, float]


def measure(folder: Path, options: Options) -> Section:
    """Count with declared roles, then with live ones."""
    rows = [_measure(folder / roles, roles, options.seconds) for roles in ROLES]
    how = f"{haproxies.release()}, counted over {options.seconds} seconds"
    return Section("checks", how, lines(rows), verdicts(rows))


def _measure(folder: Path, roles: str, seconds: int) -> Row:
    """Publish to three load balancers, wait until the checks of all servers are regular, and count."""
    fleet = Fleet(_MEMBERS, private_network())
    balancers = {address: haproxies.haproxy(folder / address) for address in fleet.roles}
    groups = fleet.groups(lambda number: load_balancer(balancers[fleet.address(number)], fleet.address(number)))
    inventory = folder / "inventory.json"
    write(inventory, groups, {"pg_services": OWN, "pg_service_roles": roles})
    primary, standby, _other = fleet.roles
    found = list(balancers.values())
    with haproxies.running(found, {**fleet.roles, standby: "sync"}) as patroni:
        cost_of([*PUBLISH, "-i", str(inventory), "-f", str(_MEMBERS)])
        if not haproxies.dials_loopback_only(found):
            sys.exit(f"{folder}: a server is not on a loopback address")
        time.sleep(_SETTLED)
        begin, before = time.monotonic(), [patroni.checks(address) for address in (primary, standby)]
        time.sleep(seconds)
        after = [patroni.checks(address) for address in (primary, standby)]
        took = time.monotonic() - begin
    of_primary, of_standby = ((many - few) / took for few, many in zip(before, after, strict=True))
    files = "".join(path.read_text() for path in balancers[primary].conf_dir.glob("*.cfg"))
    checked = _CHECK.findall(files)
    return Row(roles, (checked.count(primary), checked.count(standby)), (of_primary, of_standby))


def lines(rows: Sequence[Row]) -> list[str]:
    """Return the table of requests."""
    head = ("roles", "member", "health checks on each load balancer", "requests a second to its Patroni")
    return table(
        head,
        (
            (row.roles, member, str(row.checks[index]), f"{row.requests[index]:.1f}")
            for row in rows
            for index, member in enumerate(_COUNTED)
        ),
    )


def verdicts(rows: Sequence[Row]) -> list[Verdict]:
    """Return the requests with live roles by those with declared ones."""
    declared, live = rows
    return [
        Verdict(f"{member}, requests with live roles by declared roles", live.requests[index] / of_declared, MAX_LIVE)
        for index, (member, of_declared) in enumerate(zip(_COUNTED, declared.requests, strict=True))
    ]

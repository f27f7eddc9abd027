# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The computed numbers of health checks in docs/performance.md follow from the plan, and the measured ones agree."""

from __future__ import annotations

import re

import pytest

from ansible_collections.pgsvc.access.plugins.plugin_utils._model.server_options import timings_of
from ansible_collections.pgsvc.access.tests.benchmark.checks import OWN, ROLES
from ansible_collections.pgsvc.access.tests.conftest import ROOT
from ansible_collections.pgsvc.access.tests.support.patroni_server import ENDPOINTS
from ansible_collections.pgsvc.access.tests.unit.plugins.plugin_utils.planning import cluster, plan

SECTION = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8").partition("## Health checks of one Patroni")[2]
MEASURED, COMPUTED = SECTION.partition("<!-- measured checks: end -->")[::2]
MEMBERS = {"pg-test-1": "primary", "pg-test-2": "sync"}
NAMES = {"primary": "pg-test-1", "synchronous standby": "pg-test-2"}
SERVICES = 4 + len(OWN)


def requests(kind: str, member: str) -> tuple[int, float]:
    """The health checks of a member on one load balancer, and the requests a second that they make."""
    hosts = cluster("pg-test", "primary", "replica", "replica", pg_services=OWN, pg_service_roles=kind)
    hosts["10.10.10.13"]["pg_offline_query"] = True
    publication = plan(hosts).publications["10.10.10.11"]
    checking = publication.checks if kind == "live" else publication.services
    seconds = []
    for each in checking:
        timings = timings_of(each.options)
        passes = MEMBERS[member] in ENDPOINTS[each.check.partition("?")[0]]
        wait = int(timings["inter" if passes else "downinter"].removesuffix("s"))
        seconds += [wait for server in each.servers if server.name == member]
    return len(seconds), sum(1 / wait for wait in seconds)


@pytest.mark.parametrize("kind", ROLES)
@pytest.mark.parametrize("member", NAMES)
def test_what_was_measured(kind: str, member: str) -> None:
    (found,) = re.findall(rf"^\| {kind} \| {member} \| (\d+) \| ([\d.]+) \|$", MEASURED, re.MULTILINE)
    checks, rate = requests(kind, NAMES[member])
    assert int(found[0]) == checks
    assert float(found[1]) == pytest.approx(3 * rate, rel=0.1)


@pytest.mark.parametrize(("balancers", "services"), [(3, 9), (10, 40)])
def test_what_is_computed(balancers: int, services: int) -> None:
    """With declared roles checks grow with the services, with live ones they do not; of the primary."""
    (found,) = re.findall(rf"^\| {balancers} \| {services} \| ([\d.]+) \| ([\d.]+) \|$", COMPUTED, re.MULTILINE)
    declared = balancers * requests("declared", "pg-test-1")[1] * services / SERVICES
    live = balancers * requests("live", "pg-test-1")[1]
    assert [float(cell) for cell in found] == [pytest.approx(declared, rel=0.01), pytest.approx(live, rel=0.01)]

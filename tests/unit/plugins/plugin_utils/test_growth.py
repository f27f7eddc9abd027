# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of one load balancer: how the work grows with its clusters, counted in instructions, not in seconds."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from ansible_collections.pgsvc.access.plugins.plugin_utils._access.planner import AccessPlanner
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.defaults import CLUSTER
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.inventory import Inventory
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import Report
from ansible_collections.pgsvc.access.plugins.plugin_utils._plan import publication
from ansible_collections.pgsvc.access.plugins.plugin_utils._plan.plan import Plan
from ansible_collections.pgsvc.access.tests.unit.plugins.plugin_utils.planning import Hosts, cluster, plan

LOAD_BALANCER = "10.10.10.3"
FEW, MANY = 10, 100


def on_ports(number: int) -> dict[str, Any]:
    """Clusters share the address of the load balancer, each with ports of its own."""
    services = [{**service, "port": 10_000 + 4 * number + index} for index, service in enumerate(_defaults())]
    return {"pg_default_services": services}


def on_addresses(number: int) -> dict[str, Any]:
    """Each cluster has an address of its own on the load balancer, all with the same ports."""
    address = f"10.20.{number // 250}.{number % 250 + 1}"
    return {"pg_default_services": [{**service, "ip": address} for service in _defaults()]}


def _defaults() -> list[dict[str, Any]]:
    services: list[dict[str, Any]] = CLUSTER["pg_default_services"]
    return services


def delegating(clusters: int, variables: Callable[[int], dict[str, Any]]) -> Hosts:
    """Clusters of three that delegate to one load balancer."""
    hosts: Hosts = {LOAD_BALANCER: {}}
    for number in range(clusters):
        network = f"10.30.{number}"
        name = f"pg-{number:03}"
        more = {"pg_service_provider": "proxies", **variables(number)}
        hosts.update(cluster(name, "primary", "replica", "offline", network=network, **more))
    return hosts


def planned(hosts: Mapping[str, Mapping[str, Any]]) -> Plan:
    return plan(hosts, {"proxies": [LOAD_BALANCER]})


def steps(work: Callable[[], object]) -> int:
    """Return how many instructions of Python `work` takes in the collection's own code."""
    count = 0

    def look(frame: Any, event: str, _argument: object) -> Any:
        nonlocal count
        if event == "call":
            if "/pgsvc/access/plugins/" not in frame.f_code.co_filename:
                return None
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
        count += event == "opcode"
        return look

    before = sys.gettrace()
    sys.settrace(look)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("variables", [on_ports, on_addresses])
def test_the_plan_is_linear(variables: Callable[[int], dict[str, Any]]) -> None:
    few, many = delegating(FEW, variables), delegating(MANY, variables)
    assert len(planned(many).publications[LOAD_BALANCER].services) == 4 * MANY
    growth = steps(lambda: planned(many)) / steps(lambda: planned(few))
    assert growth < 1.1 * MANY / FEW


def test_virtual_addresses_are_linear() -> None:
    def read(clusters: int) -> None:
        hosts: Hosts = {}
        for number in range(clusters):
            vip: dict[str, Any] = {"pg_vip_enabled": True, "pg_vip_address": f"10.30.{number}.2/24"}
            hosts.update(cluster(f"pg-{number:03}", "primary", network=f"10.30.{number}", **vip))
        report = Report()
        planner = AccessPlanner(Inventory(hosts, {"all": list(hosts)}, report), report)
        assert len(planner.vips(planner.clusters([], []))) == clusters

    assert steps(lambda: read(MANY)) / steps(lambda: read(FEW)) < 1.1 * MANY / FEW


def test_rendering_is_linear() -> None:
    few, many = (
        planned(delegating(clusters, on_ports)).to_dict()["load_balancers"][LOAD_BALANCER] for clusters in (FEW, MANY)
    )
    growth = steps(lambda: publication.module_arguments(many)) / steps(lambda: publication.module_arguments(few))
    assert growth < 1.1 * MANY / FEW

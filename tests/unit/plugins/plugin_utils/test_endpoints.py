# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Endpoints: the description's table of hosts and ports, and what answers where."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.pgsvc.access.plugins.plugin_utils._access.endpoints import Endpoint, reachable
from ansible_collections.pgsvc.access.plugins.plugin_utils._access.planner import AccessPlanner
from ansible_collections.pgsvc.access.plugins.plugin_utils._access.urls import Login, url
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.inventory import Inventory
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import Report, merged_lines
from ansible_collections.pgsvc.access.tests.unit.plugins.plugin_utils.planning import Hosts, cluster

INFRA: Hosts = {"10.10.10.10": {}}
VIP = {"pg_vip_enabled": True, "pg_vip_address": "10.10.10.3/24"}
TEST = Login(user="test", database="test")


def endpoints(hosts: Hosts, name: str = "pg-test", report: Report | None = None, **groups: list[str]) -> list[Endpoint]:
    report = report or Report()
    known = {"all": list(hosts), "infra": list(INFRA), **groups}
    return AccessPlanner(Inventory(hosts, known, report), report).endpoints(name)


def three(**variables: Any) -> Hosts:
    """pg-test as the description has it: the third replica takes offline queries too."""
    hosts = cluster("pg-test", "primary", "replica", "replica", **variables)
    hosts["10.10.10.13"]["pg_offline_query"] = True
    return {**INFRA, **hosts}


def urls(found: list[Endpoint], **fields: str) -> list[str]:
    return [url(one, TEST) for one in found if all(getattr(one, field) == value for field, value in fields.items())]


def promises(found: list[Endpoint], **fields: str) -> dict[str, str]:
    return {
        one.service: one.promise
        for one in found
        if all(getattr(one, field) == value for field, value in fields.items())
    }


@pytest.mark.parametrize(
    ("kind", "hosts"),
    [
        ("cluster", ["pg-test"]),
        ("vip", ["10.10.10.3"]),
        ("instance", ["pg-test-1", "pg-test-2", "pg-test-3"]),
        ("address", ["10.10.10.11", "10.10.10.12", "10.10.10.13"]),
    ],
)
def test_the_table_of_the_description(kind: str, hosts: list[str]) -> None:
    ports = (5433, 5434, 5436, 5438, 5432, 6432)
    expected = [f"postgresql://test@{host}:{port}/test" for host in hosts for port in ports]
    assert urls(endpoints(three(**VIP)), kind=kind) == expected


def test_clients_that_split_by_themselves() -> None:
    pool = "10.10.10.11:6432,10.10.10.12:6432,10.10.10.13:6432"
    assert urls(endpoints(three()), kind="multi", service="pgbouncer") == [
        f"postgresql://test@{pool}/test?target_session_attrs=primary",
        f"postgresql://test@{pool}/test?target_session_attrs=prefer-standby",
    ]
    assert urls(endpoints(three()), kind="multi", service="replica") == [
        "postgresql://test@10.10.10.11:5434,10.10.10.12:5434,10.10.10.13:5434/test"
    ]


def test_a_pool_does_not_learn_that_the_primary_has_moved() -> None:
    stale = " (a pool may report an outdated role)"
    assert [one.promise for one in endpoints(three()) if one.kind == "multi" and one.direct] == [
        "read-write on the primary, direct",
        "read-only on a standby, else the primary, direct",
        f"read-write on the primary, via pool{stale}",
        f"read-only on a standby, else the primary, via pool{stale}",
    ]


def test_what_services_promise() -> None:
    assert promises(endpoints(three(**VIP)), kind="cluster") == {
        "primary": "read-write on the primary, via pool",
        "replica": "read-only on pg-test-2, pg-test-3, else pg-test-1, via pool",
        "default": "read-write on the primary, direct",
        "offline": "read-only on pg-test-3, else pg-test-2, while a replica, direct",
        "postgres": "read-write on the primary, direct",
        "pgbouncer": "read-write on the primary, via pool",
    }


def test_a_name_without_a_virtual_address_stands_for_the_primary_as_declared() -> None:
    found = [one for one in endpoints(three()) if one.kind == "cluster"]
    assert [one.path for one in found][:2] == [("DNS", "HAProxy", "pool", "PostgreSQL")] * 2
    assert promises(found)["postgres"] == "pg-test-1 itself, direct (does not follow the primary)"
    assert {one.access for one in found if one.direct} == {"any"}


def test_a_name_that_stands_for_an_address_leads_there() -> None:
    to_replica = endpoints(three(pg_dns_target="10.10.10.12"))
    assert promises(to_replica, kind="cluster")["postgres"] == "pg-test-2 itself, direct (does not follow the primary)"
    outside = endpoints(three(pg_dns_target="192.0.2.1"))
    assert {one.service for one in outside if one.kind == "cluster"} == {"primary", "replica", "default", "offline"}
    assert {one.path[:2] for one in outside if one.kind == "cluster"} == {("DNS", "192.0.2.1")}


@pytest.mark.parametrize(
    ("service", "promise", "access"),
    [
        ({"check": "/sync"}, "read-only on pg-test-1, pg-test-2, while a synchronous standby, via pool", "read-only"),
        ({"check": "/"}, "read-write on the primary, via pool", "read-write"),
        (
            {"check": "/replica", "lag": "10MB"},
            "read-only on pg-test-1, pg-test-2, while a replica within 10MB of lag, via pool",
            "read-only",
        ),
        (
            {"check": "/read-only?lag=10MB", "backup": "[? pg_role == 'primary']"},
            "read-only on pg-test-2, else pg-test-1, within 10MB of lag, via pool",
            "read-only",
        ),
        (
            {"check": "/primary", "hold": 10},
            "read-write on the primary, via pool, waits up to 10 s for a server",
            "read-write",
        ),
        ({"check": "/health"}, "pg-test-1, pg-test-2, while /health says 200, via pool", "any"),
        ({"check": "/primary", "dest": "postgres"}, "read-write on the primary, direct", "read-write"),
        ({"check": "/primary", "dest": 5999}, "read-write on the primary, port 5999", "read-write"),
        ({"selector": "[? pg_role == 'offline']"}, "refuses connections: no member is selected", "any"),
        (
            {"selector": "[? pg_role == 'offline']", "backup": "[? pg_role == 'replica']", "check": "/read-only"},
            "read-only on pg-test-2, via pool",
            "read-only",
        ),
    ],
)
def test_what_a_service_of_ones_own_promises(service: dict[str, Any], promise: str, access: str) -> None:
    definition = {"name": "extra", "port": 5440, "selector": "[]", **service}
    hosts = {**INFRA, **cluster("pg-test", "primary", "replica", pg_services=[definition])}
    found = next(one for one in endpoints(hosts) if one.service == "extra")
    assert (found.promise, found.access) == (promise, access)


LIVE: dict[str, Any] = {"pg_service_roles": "live"}
PRIMARY_OR_OFFLINE = "[? pg_role == 'primary' || pg_role == 'offline']"


@pytest.mark.parametrize(
    ("roles", "replica", "offline"),
    [
        (
            ["primary", "replica", "offline"],
            "read-only on any replica except pg-test-3, else the primary, else pg-test-3, via pool",
            "read-only on pg-test-3 while a replica, else any other replica, direct",
        ),
        (
            ["primary", "replica"],
            "read-only on any replica, else the primary, via pool",
            "read-only on any replica, direct",
        ),
        (["primary"], "read-only on any replica, else the primary, via pool", "read-only on any replica, direct"),
    ],
)
def test_what_the_built_in_services_promise_with_live_roles(roles: list[str], replica: str, offline: str) -> None:
    found = endpoints({**INFRA, **cluster("pg-test", *roles, **LIVE)})
    assert promises(found, kind="address", name="pg-test-1") == {
        "primary": "read-write on the primary, via pool",
        "replica": replica,
        "default": "read-write on the primary, direct",
        "offline": offline,
        "postgres": "pg-test-1 itself, direct",
        "pgbouncer": "pg-test-1 itself, via pool",
    }
    assert {one.access for one in found if one.service in ("replica", "offline")} == {"read-only"}
    assert {one.promise for one in found if one.service == "replica"} == {replica}, "of all load balancers, and of all"


# A service of a cluster of a primary, a replica, a replica and an offline member.
WITH_LIVE_ROLES: list[tuple[dict[str, Any], str, str]] = [
    ({"check": "/leader"}, "read-write on the primary", "read-write"),
    ({"check": "/standby-leader"}, "read-only on the standby leader", "read-only"),
    ({"check": "/primary", "backup": "[? pg_seq > `1`]"}, "read-write on the primary", "read-write"),
    (
        {"check": "/primary", "selector": "[? pg_seq < `3`]"},
        "read-write on pg-test-1, pg-test-2 while the primary",
        "read-write",
    ),
    ({"check": "/read-only"}, "read-only on any replica or the primary", "read-only"),
    ({"check": "/read-only", "selector": "[? pg_seq < `3`]"}, "read-only on pg-test-1, pg-test-2", "read-only"),
    (
        {"check": "/read-only-sync", "backup": "[? pg_role == 'primary']"},
        "read-only on any synchronous standby, else the primary",
        "read-only",
    ),
    (
        {"check": "/read-only-sync", "selector": "[? pg_seq < `3`]"},
        "read-only on pg-test-1, pg-test-2 while the primary or a synchronous standby",
        "read-only",
    ),
    ({"check": "/async"}, "read-only on any asynchronous standby", "read-only"),
    ({"check": "/read-only-quorum"}, "read-only on any quorum standby or the primary", "read-only"),
    (
        {"check": "/replica", "selector": "[? pg_seq == `2`]", "backup": "[? pg_seq == `3`]"},
        "read-only on pg-test-2 while a replica, else pg-test-3 while a replica",
        "read-only",
    ),
    ({"check": "/replica", "lag": "16MB"}, "read-only on any replica within 16MB of lag", "read-only"),
    (
        {"check": "/replica", "lag": "16MB", "lagging": "backup"},
        "read-only on any replica within 16MB of lag, else any replica",
        "read-only",
    ),
    (
        {"check": "/read-only", "lag": "16MB", "lagging": "backup", "backup": PRIMARY_OR_OFFLINE},
        "read-only on any replica within 16MB of lag except pg-test-4, else any replica except pg-test-4, "
        "else the primary, else pg-test-4 within 16MB of lag",
        "read-only",
    ),
    (
        {"check": "/read-only", "lag": "16MB", "backup": "[? pg_role == 'primary']"},
        "read-only on any replica within 16MB of lag, else the primary",
        "read-only",
    ),
    (
        {"check": "/replica?tag_zone=a"},
        "read-only on any replica that passes /replica?tag_zone=a",
        "read-only",
    ),
]


@pytest.mark.parametrize(("fields", "promise", "access"), WITH_LIVE_ROLES)
def test_what_a_service_with_live_roles_promises(fields: dict[str, Any], promise: str, access: str) -> None:
    definition = {"name": "extra", "port": 5440, "selector": "[]", "roles": "live", "hold": 10, **fields}
    hosts = cluster("pg-test", "primary", "replica", "replica", "offline", pg_services=[definition])
    found = next(one for one in endpoints({**INFRA, **hosts}) if one.service == "extra")
    assert (found.promise, found.access) == (f"{promise}, via pool, waits up to 10 s for a server", access)


def test_live_roles_behind_dedicated_load_balancers() -> None:
    hosts: Hosts = {**three(pg_service_provider="proxy", **LIVE), "10.10.10.18": {}}
    found = endpoints(hosts, proxy=["10.10.10.18"])
    assert promises(found, kind="load_balancer")["replica"] == "read-only on any replica, else the primary, via pool"


def test_a_port_of_its_own_with_live_roles() -> None:
    definition = {"name": "extra", "port": 5440, "selector": "[]", "check": "/read-only", "dest": 5999}
    found = endpoints(three(pg_services=[{**definition, "backup": PRIMARY_OR_OFFLINE}], **LIVE))
    assert promises(found)["extra"] == "read-only on any replica, else the primary, port 5999"


def test_many_servers_are_counted() -> None:
    hosts = {**INFRA, **cluster("pg-test", "primary", *["replica"] * 5)}
    assert promises(endpoints(hosts), kind="address", name="pg-test-1")["replica"] == (
        "read-only on pg-test-2, pg-test-3 and 3 more, else pg-test-1, via pool"
    )


def test_delegated_services_are_at_the_group_only() -> None:
    services = [{"name": "primary", "port": 10013, "dest": "postgres", "check": "/primary", "selector": "[]"}]
    hosts: Hosts = {
        **three(pg_service_provider="proxy", pg_default_services=services, **VIP),
        "10.10.10.18": {},
        "lb2": {"pg_address": "10.10.10.19"},
    }
    found = endpoints(hosts, proxy=["10.10.10.18", "lb2"])
    assert urls(found, kind="load_balancer") == [
        "postgresql://test@10.10.10.18:10013/test",
        "postgresql://test@10.10.10.19:10013/test",
    ]
    assert urls(found, service="primary", kind="multi") == [
        "postgresql://test@10.10.10.18:10013,10.10.10.19:10013/test"
    ]
    elsewhere = {one.service for one in found if one.kind in ("cluster", "vip", "instance", "address")}
    assert elsewhere == {"postgres", "pgbouncer"}


def test_a_service_on_one_address_is_not_reached_by_another() -> None:
    service = {"name": "own", "port": 5440, "selector": "[]", "check": "/primary"}
    hosts = three(**VIP)
    for host in ("10.10.10.11", "10.10.10.12", "10.10.10.13"):
        hosts[host]["pg_services"] = [{**service, "ip": host}]
    found = [one for one in endpoints(hosts) if one.service == "own"]
    assert [(one.kind, one.hosts[0][0]) for one in found] == [
        ("instance", "pg-test-1"),
        ("instance", "pg-test-2"),
        ("instance", "pg-test-3"),
        ("address", "10.10.10.11"),
        ("address", "10.10.10.12"),
        ("address", "10.10.10.13"),
        ("multi", "10.10.10.11"),
    ]


def test_no_load_balancer_where_haproxy_is_not_wanted() -> None:
    hosts = three()
    hosts["10.10.10.12"]["haproxy_enabled"] = False
    found = endpoints(hosts)
    assert {one.service for one in found if one.name == "pg-test-2"} == {"postgres", "pgbouncer"}
    assert urls(found, kind="multi", service="primary") == ["postgresql://test@10.10.10.11:5433,10.10.10.13:5433/test"]


def test_names_are_left_out_where_nothing_serves_them() -> None:
    report = Report()
    found = endpoints(three(), report=report, infra=[])
    assert {one.kind for one in found} == {"address", "multi"}
    assert not report.warnings, "pg_dns_group is not set"
    endpoints(three(pg_dns_group="dns"), report=report)
    assert merged_lines(report.warnings) == [
        "pg-test: pg_dns_group: no host is in the group 'dns', so nothing serves names; they are left out"
    ]


def test_a_single_instance_has_no_multi_host_urls() -> None:
    hosts = {**INFRA, **cluster("pg-meta", "primary")}
    found = endpoints(hosts, "pg-meta")
    assert {one.kind for one in found} == {"cluster", "instance", "address"}
    assert promises(found, kind="address")["offline"] == "refuses connections: no member is selected"


def test_ports_of_an_instance_are_its_own() -> None:
    hosts = three()
    hosts["10.10.10.12"] |= {"pg_port": 5555, "pgbouncer_port": 6666}
    found = endpoints(hosts)
    assert urls(found, kind="instance", name="pg-test-2")[-2:] == [
        "postgresql://test@pg-test-2:5555/test",
        "postgresql://test@pg-test-2:6666/test",
    ]
    assert "10.10.10.11:5432,10.10.10.12:5555,10.10.10.13:5432" in urls(found, kind="multi", service="postgres")[0]


def test_every_label_is_one_of_a_kind() -> None:
    labels = [one.label for one in endpoints(three(**VIP))]
    assert len(labels) == len(set(labels))
    assert labels[0] == "pg-test-primary"
    assert {"pg-test-vip-primary", "pg-test-1-primary", "pg-test-1-address-primary"} < set(labels)
    assert {"pg-test-multi-primary", "pg-test-multi-postgres-prefer-standby"} < set(labels)


@pytest.mark.parametrize(
    ("address", "listening", "expected"),
    [
        ("10.0.0.1", ("*",), True),
        ("10.0.0.1", ("0.0.0.0",), True),
        ("10.0.0.1", ("::",), True),
        ("10.0.0.1", ("10.0.0.1", "127.0.0.1"), True),
        ("10.0.0.1", ("10.0.0.2",), False),
        ("fd00::1", ("*",), False),
        ("fd00::1", ("::",), True),
        ("fd00::1", ("fd00::1",), True),
        ("fd00::1", ("fd00::2",), False),
        ("db1.example.com", ("10.0.0.2",), True),
    ],
)
def test_reachable(address: str, listening: tuple[str, ...], expected: bool) -> None:
    assert reachable(address, listening) is expected


def test_a_service_on_an_address_of_no_member() -> None:
    """An address that a load balancer has besides, or gets from somewhere else (keepalived)."""
    extra = {"name": "extra", "port": 5450, "selector": "[]", "ip": ["10.10.20.5", "fd00::5"]}
    found = endpoints(three(pg_services=[extra], **VIP))
    assert [
        (one.kind, one.label, url(one, TEST)) for one in found if one.service == "extra" and one.kind != "multi"
    ] == [
        ("address", "10.10.20.5-address-extra", "postgresql://test@10.10.20.5:5450/test"),
        ("address", "fd00::5-address-extra", "postgresql://test@[fd00::5]:5450/test"),
    ]
    on_each = three(pg_services=[{**extra, "ip": "{{ inventory_hostname }}"}])
    for host, variables in on_each.items():
        if "pg_services" in variables:
            variables["pg_services"] = [{**extra, "ip": host}]
    own = endpoints(on_each)
    assert len([one for one in own if one.service == "extra" and one.kind == "address"]) == 3

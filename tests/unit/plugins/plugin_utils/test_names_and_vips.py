# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and virtual addresses: what is planned, and every mistake before a host is touched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.pgsvc.access.plugins.plugin_utils._access.planner import AccessPlanner
from ansible_collections.pgsvc.access.plugins.plugin_utils._access.urls import Login
from ansible_collections.pgsvc.access.plugins.plugin_utils._access.virtual_addresses import interface_of
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.inventory import Inventory
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import PlanError, Problem, Report
from ansible_collections.pgsvc.access.tests.unit.plugins.plugin_utils.planning import (
    Hosts,
    Wrong,
    assert_problems,
    assert_refused,
    cluster,
)

PASSWORD = "hunter2"  # noqa: S105
VIP = {"pg_vip_enabled": True, "pg_vip_address": "10.10.10.3/24"}


def planner(hosts: Hosts, **groups: list[str]) -> AccessPlanner:
    report = Report()
    known = {"all": list(hosts), "infra": ["10.10.10.10"], **groups}
    return AccessPlanner(Inventory(hosts, known, report), report)


def two(**variables: Any) -> Hosts:
    return cluster("pg-test", "primary", "replica", **variables)


def records(hosts: Hosts, *clusters: str) -> list[str]:
    found = planner(hosts).names(clusters or ["pg-test"])
    return [f"{address} {name}" for one in found for address, name in one.records()]


INSTANCES = ["10.10.10.11 pg-test-1", "10.10.10.12 pg-test-2"]


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, ["10.10.10.11 pg-test"]),
        (VIP, ["10.10.10.3 pg-test"]),
        ({**VIP, "pg_dns_target": "primary"}, ["10.10.10.11 pg-test"]),
        ({**VIP, "pg_dns_target": "vip"}, ["10.10.10.3 pg-test"]),
        ({**VIP, "pg_dns_target": "none"}, []),
        ({"pg_dns_target": "10.10.10.9"}, ["10.10.10.9 pg-test"]),
        ({"pg_dns_target": "fd00:0::9"}, ["fd00::9 pg-test"]),
        ({"pg_dns_suffix": ".db.Example.com"}, ["10.10.10.11 pg-test.db.example.com"]),
        ({**VIP, "pg_vip_enabled": "false"}, ["10.10.10.11 pg-test"]),
    ],
)
def test_records(variables: dict[str, Any], expected: list[str]) -> None:
    assert records(two(**variables)) == [*expected, *INSTANCES]


def test_the_primary_as_declared_whatever_its_number() -> None:
    assert records(cluster("pg-test", "replica", "primary"))[0] == "10.10.10.12 pg-test"


def test_an_instance_reached_by_a_name_has_the_address_that_ansible_has() -> None:
    hosts: Hosts = {"db1": {"pg_cluster": "c", "pg_seq": 1, "pg_role": "primary", "ansible_host": "192.0.2.1"}}
    assert records(hosts, "c") == ["192.0.2.1 c", "192.0.2.1 c-1"]


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        (
            {**two(), **cluster("pg-test-1", "primary", first=21)},
            [
                Wrong(
                    "clash",
                    "pg-test-1",
                    "pg_cluster",
                    says="'pg-test-1' is the name of instance 1 and of the cluster of cluster pg-test-1; allowed:"
                    " each name once, see pg_dns_suffix",
                )
            ],
        ),
        ({**two(), **cluster("pg-test-1", "primary", first=21, pg_dns_suffix=".db")}, []),
        ({**two(), **cluster("pg-test-1", "primary", first=21, pg_dns_target="none")}, []),
        (
            {**two(), **cluster("PG-test", "primary", first=21)},
            [Wrong("clash", "pg-test", "pg_cluster"), Wrong("clash", "pg-test-1", "pg_cluster")],
        ),
        (
            two(pg_dns_suffix="-1"),
            [
                Wrong(
                    "clash",
                    "pg-test-1",
                    "pg_cluster",
                    says="'pg-test-1' is the name of the cluster and of instance 1; allowed: each name once",
                )
            ],
        ),
        (
            two(pg_dns_suffix=".a b"),
            [
                Wrong(
                    "not-allowed",
                    ".a b",
                    "pg_dns_suffix",
                    says="'.a b' is not a suffix of a name; allowed: letters, digits, '-', '_' and '.', such as "
                    ".db.example.com",
                )
            ],
        ),
        (two(pg_dns_target="secondary"), [Wrong("not-allowed", "secondary", "pg_dns_target")]),
        (
            two(pg_dns_target="vip"),
            [
                Wrong(
                    "conflict",
                    "vip",
                    "pg_dns_target",
                    says="'vip' needs pg_vip_enabled and pg_vip_address; allowed: auto, primary, none or an address",
                )
            ],
        ),
        (
            {"db1": {"pg_cluster": "pg-test", "pg_seq": 1, "pg_role": "primary"}},
            [
                Wrong(
                    "missing",
                    None,
                    "pg_address",
                    says="instance pg-test-1 has a host name as its address, and a DNS record needs an IP address; "
                    "allowed: an IPv4 or IPv6 address in pg_address or ansible_host",
                )
            ],
        ),
    ],
)
def test_names_that_are_refused(hosts: Hosts, expected: list[Wrong]) -> None:
    assert_problems(problems_of(lambda: planner(hosts).names(["pg-test"])), "pg-test", *expected)


def problems_of(plan: Callable[[], Any]) -> tuple[Problem, ...]:
    try:
        plan()
    except PlanError as error:
        return error.problems
    return ()


def test_what_vip_manager_is_told() -> None:
    hosts = two(**VIP, pg_namespace="/service/", pg_vip_etcd_ca_file="/pg/cert/ca.crt", pg_vip_etcd_user="patroni")
    for variables in hosts.values():
        variables["pg_vip_etcd_password"] = PASSWORD
    hosts["10.10.10.12"]["pg_vip_interface"] = "eth1"
    found = planner(hosts, etcd=["10.10.10.10", "fd00::10"]).vips(["pg-test"])[0].to_dict()
    assert found["10.10.10.12"] == {
        "ip": "10.10.10.3",
        "netmask": 24,
        "trigger-key": "/service/pg-test/leader",
        "dcs-type": "etcd",
        "dcs-endpoints": ["https://10.10.10.10:2379", "https://[fd00::10]:2379"],
        "interval": 1000,
        "etcd-user": "patroni",
        "etcd-ca-file": "/pg/cert/ca.crt",
        "interface": "eth1",
        "trigger-value": "pg-test-2",
    }
    assert found["10.10.10.11"]["interface"] == "auto"


def test_the_store_is_on_the_member_where_there_is_no_group() -> None:
    found = planner(two(**VIP)).vips(["pg-test"])[0].to_dict()
    assert found["10.10.10.11"]["dcs-endpoints"] == ["http://127.0.0.1:2379"]


def test_no_virtual_address_unless_wanted() -> None:
    assert planner(two(pg_vip_address="nonsense")).vips(["pg-test"]) == []


OTHER = "10.10.10.4/24"


@pytest.mark.parametrize(
    ("variables", "wrong"),
    [
        (
            {"pg_vip_address": "10.10.10.3"},
            Wrong(
                "not-allowed",
                "10.10.10.3",
                "pg_vip_address",
                says="'10.10.10.3' has no mask; allowed: an IPv4 address with the mask of its subnet, such as "
                "10.10.10.3/24",
            ),
        ),
        (
            {"pg_vip_address": "fd00:10:10:10::3/64"},
            Wrong(
                "not-allowed",
                "fd00:10:10:10::3/64",
                "pg_vip_address",
                says="'fd00:10:10:10::3/64' is an IPv6 address, and vip-manager announces only IPv4 addresses when "
                "they move; allowed: an IPv4 address with the mask of its subnet, such as 10.10.10.3/24",
            ),
        ),
        ({"pg_vip_address": "fd00::3"}, Wrong("not-allowed", "fd00::3", "pg_vip_address")),
        ({"pg_vip_address": "10.10.10.300/24"}, Wrong("not-allowed", "10.10.10.300/24", "pg_vip_address")),
        ({"pg_vip_address": "10.10.10.0/24"}, Wrong("not-allowed", "10.10.10.0/24", "pg_vip_address")),
        (
            {"pg_vip_address": "127.0.0.1/24"},
            Wrong(
                "missing",
                None,
                "pg_vip_address",
                says="missing, and pg_vip_enabled is true; a virtual address has a mask, such as 10.10.10.3/24",
            ),
        ),
        (
            {"pg_vip_address": "10.10.10.12/24"},
            Wrong(
                "clash",
                "10.10.10.12/24",
                "pg_vip_address",
                says="10.10.10.12 is the address of host 10.10.10.12; allowed: an unused address",
            ),
        ),
        ({"pg_vip_address": "10.10.10.21/24"}, Wrong("clash", "10.10.10.21/24", "pg_vip_address")),
        (
            {"pg_vip_address": OTHER},
            Wrong(
                "clash",
                OTHER,
                "pg_vip_address",
                says="10.10.10.4 is the virtual address of cluster pg-other; allowed: an unused address",
            ),
        ),
        (
            {"pg_vip_address": "10.10.10.10/29"},
            Wrong(
                "conflict",
                "10.10.10.10/29",
                "pg_vip_address",
                says="10.10.10.10/29 is in the subnet 10.10.10.8/29, instance pg-test-7 (10.10.10.17) is not; allowed:"
                " an address of the subnet that all members are in",
            ),
        ),
        ({"pg_vip_enabled": "si"}, Wrong("not-allowed", "si", "pg_vip_enabled")),
        (
            {"pg_vip_etcd_password": "x"},
            Wrong("missing", None, "pg_vip_etcd_user", says="missing; pg_vip_etcd_password needs it"),
        ),
        ({"pg_vip_dcs_endpoints": "etcd1:2379"}, Wrong("not-allowed", "etcd1:2379", "pg_vip_dcs_endpoints")),
        ({"pg_vip_dcs_type": "zookeeper"}, Wrong("not-allowed", "zookeeper", "pg_vip_dcs_type")),
    ],
)
def test_virtual_addresses_that_are_refused(variables: dict[str, Any], wrong: Wrong) -> None:
    hosts: Hosts = {
        "10.10.10.11": {"pg_cluster": "pg-test", "pg_seq": 1, "pg_role": "primary", **VIP, **variables},
        "10.10.10.12": {"pg_cluster": "pg-test", "pg_seq": 2, "pg_role": "replica", **VIP, **variables},
        **cluster("pg-other", "primary", first=21, pg_vip_enabled=True, pg_vip_address=OTHER),
    }
    if "/29" in str(variables):
        hosts["10.10.10.17"] = {"pg_cluster": "pg-test", "pg_seq": 7, "pg_role": "replica", **VIP, **variables}
    assert_problems(problems_of(lambda: planner(hosts).vips(["pg-test"])), "pg-test", wrong)


def test_an_interface_of_each_member() -> None:
    hosts = two(**VIP, pg_vip_interface="eth0; reboot")
    wrong = Wrong("not-allowed", "eth0; reboot", "pg_vip_interface")
    found = problems_of(lambda: planner(hosts).vips(["pg-test"]))
    assert_problems(found, "pg-test", wrong, wrong)
    assert [problem.message.partition(": ")[0] for problem in found] == [f"on host {host}" for host in hosts]


def test_members_that_disagree() -> None:
    hosts = two(**VIP)
    hosts["10.10.10.12"]["pg_vip_address"] = "10.10.10.5/24"
    written = ("10.10.10.3/24", "10.10.10.5/24")
    found = problems_of(lambda: planner(hosts).vips(["pg-test"]))
    assert_problems(found, "pg-test", Wrong("disagree", written, "pg_vip_address"))


def test_a_password_is_never_in_a_message() -> None:
    hosts = two(**VIP, pg_vip_etcd_user="u")
    hosts["10.10.10.11"]["pg_vip_etcd_password"] = PASSWORD
    hosts["10.10.10.12"]["pg_vip_etcd_password"] = PASSWORD.upper()
    says = "another value on host 10.10.10.11, another value on host 10.10.10.12; allowed: one value for all members"
    found = problems_of(lambda: planner(hosts).vips(["pg-test"]))
    assert_problems(found, "pg-test", Wrong("disagree", None, "pg_vip_etcd_password", says=says))


ADDRESSES = [
    {"ifname": "lo", "addr_info": [{"family": "inet", "local": "127.0.0.1", "prefixlen": 8}]},
    {
        "ifname": "eth0",
        "addr_info": [
            {"family": "inet", "local": "10.10.10.11", "prefixlen": 24},
            {"family": "inet6", "local": "fe80::1", "prefixlen": 64},
        ],
    },
    {"ifname": "eth1", "addr_info": [{"family": "inet", "local": "10.10.10.3", "prefixlen": 24}]},
]


def test_the_interface_of_the_subnet_whoever_holds_the_virtual_address() -> None:
    assert interface_of(ADDRESSES, "10.10.10.3", 24) == "eth0"


@pytest.mark.parametrize(
    ("address", "more", "message"),
    [
        (
            "10.10.20.3",
            [],
            "no interface is in the subnet of 10.10.20.3/24; there are lo (127.0.0.1/8), eth0 (10.10.10.11/24), eth1"
            " (10.10.10.3/24); allowed: pg_vip_interface with the name of one",
        ),
        (
            "10.10.10.3",
            [{"ifname": "br0", "addr_info": [{"family": "inet", "local": "10.10.10.12", "prefixlen": 24}]}],
            "interfaces eth0, br0 are in the subnet of 10.10.10.3/24; there are lo (127.0.0.1/8), eth0"
            " (10.10.10.11/24), br0 (10.10.10.12/24); allowed: pg_vip_interface with the name of one",
        ),
    ],
)
def test_an_interface_that_is_not_clear(address: str, more: list[dict[str, Any]], message: str) -> None:
    wrong = Wrong("undecided", f"{address}/24", says=message)
    assert_refused(lambda wanted: interface_of([*ADDRESSES, *more], wanted, 24), address, wrong)


@pytest.mark.parametrize(
    ("only", "play", "expected"),
    [
        ([], ["10.10.10.12"], ["pg-test"]),
        ([], ["10.10.10.10"], ["pg-meta", "pg-test"]),
        (["pg-meta"], ["10.10.10.12"], ["pg-meta"]),
    ],
)
def test_the_clusters_of_a_run(only: list[str], play: list[str], expected: list[str]) -> None:
    hosts = {**two(), **cluster("pg-meta", "primary", first=31)}
    assert planner(hosts).clusters(only, play) == expected


def test_a_way_that_is_none() -> None:
    found = problems_of(lambda: planner(two()).sections(["pg-test"], "dns", Login()))
    assert_problems(found, "service file", Wrong("not-allowed", "dns", "pg_service_conf_by"))

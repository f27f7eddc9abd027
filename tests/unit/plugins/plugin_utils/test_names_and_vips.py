# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and virtual addresses: what is planned, and every mistake before a host is touched."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.pgsvc.access.plugins.plugin_utils._access.planner import AccessPlanner
from ansible_collections.pgsvc.access.plugins.plugin_utils._access.urls import Login
from ansible_collections.pgsvc.access.plugins.plugin_utils._access.virtual_addresses import interface_of
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.inventory import Inventory
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import PlanError, Report, ValueProblem
from ansible_collections.pgsvc.access.tests.unit.plugins.plugin_utils.planning import Hosts, cluster

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
                "pg-test: pg_cluster: 'pg-test-1' is the name of instance 1 and of the cluster of cluster"
                " pg-test-1; allowed:"
                " each name once, see pg_dns_suffix"
            ],
        ),
        ({**two(), **cluster("pg-test-1", "primary", first=21, pg_dns_suffix=".db")}, []),
        ({**two(), **cluster("pg-test-1", "primary", first=21, pg_dns_target="none")}, []),
        (
            {**two(), **cluster("PG-test", "primary", first=21)},
            [
                "pg-test: pg_cluster: 'pg-test' is the name of the cluster and of the cluster of cluster"
                " PG-test; allowed:"
                " each name once, see pg_dns_suffix",
                "pg-test: pg_cluster: 'pg-test-1' is the name of instance 1 and of instance 1 of cluster"
                " PG-test; allowed:"
                " each name once, see pg_dns_suffix",
            ],
        ),
        (
            two(pg_dns_suffix="-1"),
            ["pg-test: pg_cluster: 'pg-test-1' is the name of the cluster and of instance 1; allowed: each name once"],
        ),
        (
            two(pg_dns_suffix=".a b"),
            [
                "pg-test: pg_dns_suffix: '.a b' is not a suffix of a name; allowed: letters, digits, '-', '_'"
                " and '.', such"
                " as .db.example.com"
            ],
        ),
        (
            two(pg_dns_target="secondary"),
            [
                "pg-test: pg_dns_target: 'secondary' is not a target for a cluster's name; allowed: auto,"
                " primary, vip,"
                " none or an address"
            ],
        ),
        (
            two(pg_dns_target="vip"),
            [
                "pg-test: pg_dns_target: 'vip' needs pg_vip_enabled and pg_vip_address; allowed: auto, primary,"
                " none or an"
                " address"
            ],
        ),
        (
            {"db1": {"pg_cluster": "pg-test", "pg_seq": 1, "pg_role": "primary"}},
            [
                "pg-test: pg_address: instance pg-test-1 has a host name as its address, and a DNS record needs an IP "
                "address; allowed: an IPv4 or IPv6 address in pg_address or ansible_host"
            ],
        ),
    ],
)
def test_names_that_are_refused(hosts: Hosts, expected: list[str]) -> None:
    assert problems_of(lambda: planner(hosts).names(["pg-test"])) == expected


def problems_of(plan: Any) -> list[str]:
    try:
        plan()
    except PlanError as error:
        return [line[2:] for line in str(error).splitlines()[1:]]
    return []


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


MASK = "an IPv4 address with the mask of its subnet, such as 10.10.10.3/24"


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"pg_vip_address": "10.10.10.3"}, f"pg_vip_address: '10.10.10.3' has no mask; allowed: {MASK}"),
        (
            {"pg_vip_address": "10.10.10.300/24"},
            f"pg_vip_address: '10.10.10.300/24' is not an address with a mask; allowed: {MASK}",
        ),
        (
            {"pg_vip_address": "10.10.10.0/24"},
            f"pg_vip_address: '10.10.10.0/24' is not an address that a host can use; allowed: {MASK}",
        ),
        (
            {"pg_vip_address": "127.0.0.1/24"},
            "pg_vip_address: missing, and pg_vip_enabled is true; a virtual address has a mask, such as 10.10.10.3/24",
        ),
        (
            {"pg_vip_address": "10.10.10.12/24"},
            "pg_vip_address: 10.10.10.12 is the address of host 10.10.10.12; allowed: an unused address",
        ),
        (
            {"pg_vip_address": "10.10.10.21/24"},
            "pg_vip_address: 10.10.10.21 is the address of host 10.10.10.21; allowed: an unused address",
        ),
        (
            {"pg_vip_address": "10.10.10.4/24"},
            "pg_vip_address: 10.10.10.4 is the virtual address of cluster pg-other; allowed: an unused address",
        ),
        (
            {"pg_vip_address": "10.10.10.10/29"},
            "pg_vip_address: 10.10.10.10/29 is in the subnet 10.10.10.8/29, instance pg-test-7 (10.10.10.17) is"
            " not; allowed:"
            " an address of the subnet that all members are in",
        ),
        (
            {"pg_vip_interface": "eth0; reboot"},
            "pg_vip_interface: on host 10.10.10.11: 'eth0; reboot' is not an interface; allowed: auto, or the name of a"
            " network interface, up to 15 characters",
        ),
        ({"pg_vip_enabled": "si"}, "pg_vip_enabled: 'si' is not a truth value; allowed: true or false"),
        ({"pg_vip_etcd_password": "x"}, "pg_vip_etcd_user: missing; pg_vip_etcd_password needs it"),
        (
            {"pg_vip_dcs_endpoints": "etcd1:2379"},
            "pg_vip_dcs_endpoints: 'etcd1:2379' is not an endpoint; allowed: http:// or https://, an address or"
            " a name, and a"
            " port",
        ),
        (
            {"pg_vip_dcs_type": "zookeeper"},
            "pg_vip_dcs_type: 'zookeeper' is not a store that vip-manager supports; allowed: etcd, consul",
        ),
    ],
)
def test_virtual_addresses_that_are_refused(variables: dict[str, Any], expected: str) -> None:
    hosts: Hosts = {
        "10.10.10.11": {"pg_cluster": "pg-test", "pg_seq": 1, "pg_role": "primary", **VIP, **variables},
        "10.10.10.12": {"pg_cluster": "pg-test", "pg_seq": 2, "pg_role": "replica", **VIP, **variables},
        **cluster("pg-other", "primary", first=21, pg_vip_enabled=True, pg_vip_address="10.10.10.4/24"),
    }
    if "/29" in str(variables):
        hosts["10.10.10.17"] = {"pg_cluster": "pg-test", "pg_seq": 7, "pg_role": "replica", **VIP, **variables}
    found = problems_of(lambda: planner(hosts).vips(["pg-test"]))
    assert found[0] == f"pg-test: {expected}"


def test_members_that_disagree() -> None:
    hosts = two(**VIP)
    hosts["10.10.10.12"]["pg_vip_address"] = "10.10.10.5/24"
    assert problems_of(lambda: planner(hosts).vips(["pg-test"])) == [
        "pg-test: pg_vip_address: '10.10.10.3/24' on host 10.10.10.11, '10.10.10.5/24' on host 10.10.10.12;"
        " allowed: one"
        " value for all members"
    ]


def test_a_password_is_never_in_a_message() -> None:
    hosts = two(**VIP, pg_vip_etcd_user="u")
    hosts["10.10.10.11"]["pg_vip_etcd_password"] = PASSWORD
    hosts["10.10.10.12"]["pg_vip_etcd_password"] = PASSWORD.upper()
    assert problems_of(lambda: planner(hosts).vips(["pg-test"])) == [
        "pg-test: pg_vip_etcd_password: another value on host 10.10.10.11, another value on host 10.10.10.12;"
        " allowed: one"
        " value for all members"
    ]


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
            " (10.10.10.11/24), br0"
            " (10.10.10.12/24); allowed: pg_vip_interface with the name of one",
        ),
    ],
)
def test_an_interface_that_is_not_clear(address: str, more: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(ValueProblem) as caught:
        interface_of([*ADDRESSES, *more], address, 24)
    assert str(caught.value) == message


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
    assert problems_of(lambda: planner(two()).sections(["pg-test"], "dns", Login())) == [
        "service file: pg_service_conf_by: 'dns' is not a way to reach services; allowed: auto, vip, name, addresses"
    ]

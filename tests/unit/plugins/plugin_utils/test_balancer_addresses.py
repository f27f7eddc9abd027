# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The virtual address of dedicated load balancers: what is planned, and every mistake before a host is touched."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.pgsvc.access.plugins.plugin_utils._access.balancer_addresses import (
    MOST_HOSTS,
    WEIGHTS,
    BalancerVip,
)
from ansible_collections.pgsvc.access.plugins.plugin_utils._access.planner import AccessPlanner
from ansible_collections.pgsvc.access.plugins.plugin_utils._access.urls import Login, keywords
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

FIRST, SECOND, ELSEWHERE = "10.10.10.18", "10.10.10.19", "10.10.10.28"
VIP: dict[str, Any] = {"vip_enabled": True, "vip_address": "10.10.10.99/24", "vip_vrid": 128}
PASSWORD = "hunter2"  # noqa: S105


def hosts_of(
    first: dict[str, Any] | None = None, second: dict[str, Any] | None = None, **both: Any
) -> tuple[Hosts, dict[str, list[str]]]:
    """A cluster that names the group `proxy`, and the two hosts of that group, with variables of their own."""
    hosts: Hosts = {
        **cluster("pg-test", "primary", "replica", pg_service_provider="proxy"),
        **cluster("pg-other", "primary", first=21, pg_vip_enabled=True, pg_vip_address="10.10.10.3/24"),
        FIRST: {**VIP, **both, **(first or {})},
        SECOND: {**VIP, **both, **(second or {})},
        ELSEWHERE: {"vip_enabled": "yes", "vip_address": "10.10.10.98", "vip_vrid": 7},
    }
    return hosts, {"proxy": [FIRST, SECOND], "infra": [ELSEWHERE]}


def planner(hosts: Hosts, groups: dict[str, list[str]], report: Report | None = None) -> AccessPlanner:
    report = report or Report()
    return AccessPlanner(Inventory(hosts, {"all": list(hosts), **groups}, report), report)


def vips(*arguments: Any, **both: Any) -> list[BalancerVip]:
    return planner(*hosts_of(*arguments, **both)).balancer_vips()


def problems_of(hosts: Hosts, groups: dict[str, list[str]]) -> tuple[Problem, ...]:
    try:
        planner(hosts, groups).balancer_vips()
    except PlanError as error:
        return error.problems
    return ()


def test_what_keepalived_is_told() -> None:
    (vip,) = vips({"vip_interface": "eth1", "haproxy_stats_socket": "/run/x.sock"})
    assert vip.to_dict() == {
        FIRST: {
            "group": "proxy",
            "ip": "10.10.10.99",
            "prefix": 24,
            "interface": "eth1",
            "vrid": 128,
            "priority": 2,
            "weights": {"some": 120, "all": 60, "holds": 30},
            "version": 3,
            "interval": 0.5,
            "source": FIRST,
            "peers": [SECOND],
            "stats_socket": "/run/x.sock",
        },
        SECOND: {
            **vip.to_dict()[FIRST],
            "interface": "auto",
            "priority": 1,
            "source": SECOND,
            "peers": [FIRST],
            "stats_socket": "",
        },
    }


def test_a_password_is_for_version_2_and_is_not_in_the_plan() -> None:
    found = vips(vip_auth_pass=PASSWORD)[0].to_dict()[FIRST]
    assert (found["version"], found["interval"]) == (2, 1)
    assert PASSWORD not in str(found)


def test_each_weight_is_more_than_all_below_it() -> None:
    below = MOST_HOSTS - 1  # the difference of two ranks
    for weight in reversed(WEIGHTS.values()):
        assert weight > below
        below += weight
    assert sum(WEIGHTS.values()) + MOST_HOSTS <= 254


def test_preemption_has_no_weight_for_the_host_with_the_address() -> None:
    assert vips(vip_preempt="yes")[0].to_dict()[FIRST]["weights"] == {"some": 120, "all": 60}


@pytest.mark.parametrize(
    ("first", "second", "ranks"),
    [
        ({}, {}, [2, 1]),
        ({}, {"vip_role": "MASTER"}, [1, 2]),
        ({"lb_vip_priority": "100"}, {"lb_vip_priority": 200}, [1, 2]),
        ({"lb_vip_priority": 100, "vip_role": "master"}, {"lb_vip_priority": 99}, [2, 1]),
    ],
)
def test_ranks(first: dict[str, Any], second: dict[str, Any], ranks: list[int]) -> None:
    assert [host.rank for host in vips(first, second)[0].hosts] == ranks


@pytest.mark.parametrize(
    ("written", "parsed"),
    [("10.10.10.99", ("10.10.10.99", 32)), ("10.10.10.99/24", ("10.10.10.99", 24))],
)
def test_addresses(written: str, parsed: tuple[str, int]) -> None:
    (vip,) = vips(vip_address=written)
    assert (vip.address, vip.prefix) == parsed


def test_ipv6() -> None:
    (vip,) = vips({"pg_address": "fd00::18"}, {"lb_vip_source": "fd00:0::19"}, vip_address="fd00::99/64")
    assert (vip.address, vip.prefix) == ("fd00::99", 64)
    assert [host.source for host in vip.hosts] == ["fd00::18", "fd00::19"]


def test_no_virtual_address_unless_wanted() -> None:
    assert vips(vip_enabled=False, vip_address="nonsense") == []


def test_hosts_without_haproxy_do_not_take_part() -> None:
    assert [host.host for host in vips({"haproxy_enabled": False})[0].hosts] == [SECOND]


def test_a_group_under_two_names_has_one_address() -> None:
    hosts, groups = hosts_of()
    hosts["10.10.10.21"]["pg_service_provider"] = "same"
    assert len(planner(hosts, {**groups, "same": [SECOND, FIRST]}).balancer_vips()) == 1


@pytest.mark.parametrize(
    ("both", "first", "wrong"),
    [
        (
            {"vip_address": "10.10.10.300"},
            {},
            Wrong(
                "not-allowed",
                "10.10.10.300",
                "vip_address",
                says="'10.10.10.300' is not an address; allowed: an IPv4 or IPv6 address that a host can use, such as "
                "10.10.10.99 or 10.10.10.99/24",
            ),
        ),
        ({"vip_address": "10.10.10.0/24"}, {}, Wrong("not-allowed", "10.10.10.0/24", "vip_address")),
        ({"vip_address": "127.0.0.1/8"}, {}, Wrong("not-allowed", "127.0.0.1/8", "vip_address")),
        ({"vip_address": "fe80::1%eth0"}, {}, Wrong("not-allowed", "fe80::1%eth0", "vip_address")),
        (
            {"vip_address": None},
            {},
            Wrong("missing", None, "vip_address", says="missing, and vip_enabled is true"),
        ),
        ({"vip_vrid": None}, {}, Wrong("missing", None, "vip_vrid")),
        (
            {"vip_vrid": 255},
            {},
            Wrong("not-allowed", 255, "vip_vrid", says="255 is not a virtual router ID; allowed: 1 to 254"),
        ),
        (
            {"vip_vrid": 7},
            {},
            Wrong(
                "clash",
                7,
                "vip_vrid",
                says="7 is the virtual router ID of 10.10.10.98 on host 10.10.10.28, in the same network; allowed: each"
                " ID once in a network",
            ),
        ),
        (
            {"vip_address": "10.10.10.12"},
            {},
            Wrong(
                "clash",
                "10.10.10.12/32",
                "vip_address",
                says="10.10.10.12 is the address of host 10.10.10.12; allowed: an unused address",
            ),
        ),
        ({"vip_address": f"{SECOND}/24"}, {}, Wrong("clash", f"{SECOND}/24", "vip_address")),
        (
            {"vip_address": "10.10.10.3/24"},
            {},
            Wrong(
                "clash",
                "10.10.10.3/24",
                "vip_address",
                says="10.10.10.3 is the virtual address of cluster pg-other; allowed: an unused address",
            ),
        ),
        (
            {"vip_address": "10.10.10.98"},
            {},
            Wrong(
                "clash",
                "10.10.10.98/32",
                "vip_address",
                says="10.10.10.98 is the virtual address of host 10.10.10.28, which is not in the group; allowed: an "
                "unused address",
            ),
        ),
        (
            {},
            {"lb_vip_source": "10.10.20.18"},
            Wrong(
                "conflict",
                "10.10.10.99/24",
                "vip_address",
                says="10.10.10.99/24 is in the subnet 10.10.10.0/24, host 10.10.10.18 (10.10.20.18) is not; allowed: an"
                " address of the subnet that all hosts are in",
            ),
        ),
        (
            {},
            {"lb_vip_source": SECOND},
            Wrong(
                "clash",
                SECOND,
                "lb_vip_source",
                says="10.10.10.19 is the address of hosts 10.10.10.18 and 10.10.10.19; allowed: each address once",
            ),
        ),
        (
            {"vip_address": "10.10.10.99"},
            {"lb_vip_source": "fd00::18"},
            Wrong(
                "conflict",
                "fd00::18",
                "lb_vip_source",
                says="fd00::18 of host 10.10.10.18 is not an IPv4 address, as 10.10.10.99 is; allowed: one of this"
                " kind",
            ),
        ),
        ({}, {"lb_vip_source": "proxy-1"}, Wrong("not-allowed", "proxy-1", "lb_vip_source")),
        ({}, {"vip_interface": "eth0; reboot"}, Wrong("not-allowed", "eth0; reboot", "vip_interface")),
        ({}, {"vip_role": "primary"}, Wrong("not-allowed", "primary", "vip_role")),
        (
            {"vip_role": "master"},
            {},
            Wrong(
                "clash",
                "master",
                "vip_role",
                says="master on hosts 10.10.10.18, 10.10.10.19; allowed: master on one host, backup on the others",
            ),
        ),
        (
            {},
            {"lb_vip_priority": 100},
            Wrong(
                "missing",
                None,
                "lb_vip_priority",
                says="missing on host 10.10.10.19, other hosts of the group have one; allowed: all hosts, or none",
            ),
        ),
        (
            {"lb_vip_priority": 100},
            {},
            Wrong(
                "clash",
                100,
                "lb_vip_priority",
                says="100 on hosts 10.10.10.18 and 10.10.10.19; allowed: each priority once",
            ),
        ),
        (
            {"lb_vip_priority": 100},
            {"lb_vip_priority": 99, "vip_role": "master"},
            Wrong(
                "conflict",
                "master",
                "vip_role",
                says="master on host 10.10.10.18, but 10.10.10.19 has the highest lb_vip_priority; allowed: one of"
                " both",
            ),
        ),
        ({"lb_vip_priority": 100}, {"lb_vip_priority": 255}, Wrong("not-allowed", 255, "lb_vip_priority")),
        ({"vip_enabled": "si"}, {}, Wrong("not-allowed", "si", "vip_enabled")),
        ({"vip_preempt": "si"}, {}, Wrong("not-allowed", "si", "vip_preempt")),
        ({}, {"vip_enabled": False}, Wrong("disagree", (False, True), "vip_enabled")),
        ({}, {"vip_address": "10.10.10.97/24"}, Wrong("disagree", ("10.10.10.97/24", "10.10.10.99/24"), "vip_address")),
        (
            {"vip_auth_pass": f"{PASSWORD}-{PASSWORD}"},
            {},
            Wrong(
                "not-allowed",
                None,
                "vip_auth_pass",
                says="the value (not shown) is not a password for VRRP; allowed: up to 8 letters, digits and _.-",
            ),
        ),
        ({"vip_auth_pass": PASSWORD}, {"vip_auth_pass": "other"}, Wrong("disagree", None, "vip_auth_pass")),
    ],
)
def test_values_that_are_refused(both: dict[str, Any], first: dict[str, Any], wrong: Wrong) -> None:
    problems = problems_of(*hosts_of(first, **both))
    assert_problems(problems, "proxy", wrong)
    assert PASSWORD not in str(problems)


def test_a_host_without_an_address() -> None:
    hosts, groups = hosts_of()
    hosts["lb-3"] = dict(VIP)
    groups["proxy"].append("lb-3")
    says = (
        "no IPv4 address of host lb-3 is in the inventory, and VRRP needs one for 10.10.10.99; allowed: an address of "
        "the host"
    )
    assert_problems(problems_of(hosts, groups), "proxy", Wrong("missing", None, "lb_vip_source", says=says))


def test_all_mistakes_together() -> None:
    found = problems_of(*hosts_of({"vip_role": "x"}, {"lb_vip_source": "y"}, vip_vrid=0, vip_address="z"))
    assert sorted(problem.field for problem in found) == ["lb_vip_source", "vip_address", "vip_role", "vip_vrid"]


def test_too_many_hosts() -> None:
    hosts, groups = hosts_of()
    more = [f"10.10.10.{number}" for number in range(100, 100 + MOST_HOSTS)]
    hosts.update({host: dict(VIP) for host in more})
    groups["proxy"] += more
    assert_problems(problems_of(hosts, groups), "proxy", Wrong("not-allowed", MOST_HOSTS + 2, "vip_enabled"))


@pytest.mark.parametrize(
    ("first", "both", "expected"),
    [
        ({"haproxy_enabled": False}, {}, ("empty", "vip_enabled")),
        ({"pg_service_ip": FIRST}, {}, ("conflict", "pg_service_ip")),
        ({"pg_service_ip": "10.10.10.99"}, {}, None),
    ],
)
def test_warnings(first: dict[str, Any], both: dict[str, Any], expected: tuple[str, str] | None) -> None:
    report = Report()
    planner(*hosts_of(first, **both), report).balancer_vips()
    assert [(each.code, each.field) for each in report.warnings] == ([expected] if expected else [])


def hosts_by_kind(hosts: Hosts, groups: dict[str, list[str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for endpoint in planner(hosts, groups).endpoints("pg-test"):
        if not endpoint.direct:
            found.setdefault(endpoint.kind, []).append(f"{endpoint.service} {keywords(endpoint, Login())['host']}")
    return found


def test_endpoints_prefer_the_address() -> None:
    names = ("primary", "replica", "default", "offline")
    hosts, groups = hosts_of()
    assert hosts_by_kind(hosts, groups)["vip"] == [f"{name} 10.10.10.99" for name in names]
    sections = planner(hosts, groups).sections(["pg-test"], "auto", Login())["pg-test"]
    assert [each["parameters"]["host"] for each in sections][: len(names)] == ["10.10.10.99"] * len(names)


def test_a_service_that_does_not_listen_on_the_address_is_no_endpoint_of_it() -> None:
    hosts, groups = hosts_of(second={"pg_service_ip": SECOND})
    assert "vip" not in hosts_by_kind(hosts, groups)


LINKS = [
    {"ifname": "lo", "addr_info": [{"family": "inet6", "local": "::1", "prefixlen": 128}]},
    {
        "ifname": "eth0",
        "addr_info": [
            {"family": "inet", "local": "10.10.10.18", "prefixlen": 24},
            {"family": "inet6", "local": "fd00::18", "prefixlen": 64},
            {"family": "inet6", "local": "fe80::18", "prefixlen": 64},
        ],
    },
]


@pytest.mark.parametrize(
    ("address", "prefix", "wanted"),
    [("10.10.10.99", 32, "auto"), ("10.10.10.99", 24, "eth0"), ("fd00::99", 64, "auto"), ("fd00::99", 128, "auto")],
)
def test_the_interface(address: str, prefix: int, wanted: str) -> None:
    assert interface_of(LINKS, address, prefix, wanted, "vip_interface") == "eth0"


@pytest.mark.parametrize(
    ("wanted", "wrong"),
    [
        (
            "eth1",
            Wrong("not-allowed", "eth1", says="'eth1' is not an interface of this host; allowed: lo, eth0"),
        ),
        (
            "auto",
            Wrong(
                "undecided",
                "fd01::99/64",
                says="no interface is in the subnet of fd01::99/64; there are lo (::1/128), eth0 (fd00::18/64);"
                " allowed: vip_interface with the name of one",
            ),
        ),
    ],
)
def test_an_interface_that_is_not_there(wanted: str, wrong: Wrong) -> None:
    assert_refused(lambda name: interface_of(LINKS, "fd01::99", 64, name, "vip_interface"), wanted, wrong)

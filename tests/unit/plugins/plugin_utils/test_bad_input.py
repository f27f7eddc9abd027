# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What bad input gets: one message with every mistake, each with its place, its value and what is allowed."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.pgsvc.access.plugins.plugin_utils._input.defaults import SERVICE
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import listed
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.definition import BALANCE, FIELDS
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.patroni import ENDPOINTS
from ansible_collections.pgsvc.access.tests.unit.plugins.plugin_utils.planning import (
    Hosts,
    Wrong,
    assert_problems,
    cluster,
    found,
    pg_test,
    plan,
    problems,
    service,
)

YIELDS = 'allowed: an expression that yields members, such as "[]" or "[? pg_role == \'replica\']"'
UNPRINTABLE = "contains a line break or another unprintable character; allowed: one line of printable text"
LISTEN = "is not an address to listen on; allowed: '*', an IPv4 or an IPv6 address, or a list of them"
TCP = f"allowed: {listed(BALANCE)}"
REQUIRED = "missing; a service needs name, port, selector"

# Another field or value of a definition, and what is wrong with it in pg-test, service extra.
FIELD_MISTAKES: list[tuple[dict[Any, Any], Wrong]] = [
    (
        {"prot": 1},
        Wrong(
            "unknown-field",
            "prot",
            "prot",
            says=f"'prot' is not a field of a service, did you mean 'port'?; allowed: {listed(FIELDS)}",
        ),
    ),
    ({"zzz": 1}, Wrong("unknown-field", "zzz", "zzz")),
    ({"a\nb": 1}, Wrong("unknown-field", "a\nb", "a b")),
    ({5: 1}, Wrong("unknown-field", 5, "5")),
    ({"port": None}, Wrong("missing", None, "port", says=REQUIRED)),
    ({"selector": None}, Wrong("missing", None, "selector")),
    ({"port": 0}, Wrong("not-allowed", 0, "port", says="0 is not a port; allowed: 1 to 65535")),
    ({"port": "http"}, Wrong("not-allowed", "http", "port")),
    ({"port": [5433]}, Wrong("not-allowed", [5433], "port")),
    ({"ip": "eth0"}, Wrong("not-allowed", "eth0", "ip")),
    ({"ip": []}, Wrong("not-allowed", [], "ip")),
    ({"ip": {"a": 1}}, Wrong("not-allowed", {"a": 1}, "ip")),
    ({"selector": []}, Wrong("not-allowed", [], "selector")),
    (
        {"selector": "[? pg_role = 'x']"},
        Wrong(
            "bad-expression",
            "[? pg_role = 'x']",
            "selector",
            says=(
                "\"[? pg_role = 'x']\" is not a JMESPath expression: Unknown token '=' (position 12); "
                "allowed: == compares"
            ),
        ),
    ),
    ({"backup": "[?"}, Wrong("bad-expression", "[?", "backup")),
    (
        {"selector": "[].pg_role"},
        Wrong(
            "bad-result", "[].pg_role", "selector", says=f"'[].pg_role' yields a list with 'primary' in it; {YIELDS}"
        ),
    ),
    ({"backup": "pg_role"}, Wrong("bad-result", "pg_role", "backup")),
    ({"dest": "patroni"}, Wrong("not-allowed", "patroni", "dest")),
    ({"dest": 0}, Wrong("not-allowed", 0, "dest")),
    ({"check": "primary"}, Wrong("not-allowed", "primary", "check")),
    ({"check": "/a b"}, Wrong("not-allowed", "/a b", "check")),
    (
        {"check": "/replicas"},
        Wrong(
            "unknown-name",
            "/replicas",
            "check",
            says="'/replicas' is not a health check of Patroni, did you mean '/replica'?; "
            f"allowed: {listed(ENDPOINTS)}",
        ),
    ),
    ({"check": "/a\n    server evil 10.0.0.1:1"}, Wrong("not-allowed", "/a\n    server evil 10.0.0.1:1", "check")),
    ({"maxconn": 0}, Wrong("not-allowed", 0, "maxconn")),
    ({"balance": "roundrobbin"}, Wrong("not-allowed", "roundrobbin", "balance")),
    ({"balance": "uri"}, Wrong("not-allowed", "uri", "balance")),
    (
        {"options": "inter 3s\nserver x"},
        Wrong("unprintable", "inter 3s\nserver x", "options", says=f"'inter 3s\\nserver x' {UNPRINTABLE}"),
    ),
    ({"options": "rise none"}, Wrong("not-allowed", "none", "options")),
    ({"timeout_client": "soon"}, Wrong("not-allowed", "soon", "timeout_client")),
    ({"timeout_server": "25d"}, Wrong("not-allowed", "25d", "timeout_server")),
    ({"allbackups": "maybe"}, Wrong("not-allowed", "maybe", "allbackups")),
    ({"on_member_removed": "wait"}, Wrong("not-allowed", "wait", "on_member_removed")),
]

# Another variable on the first host, or on all, and what is wrong with it in pg-test.
MEMBER_MISTAKES: list[tuple[dict[str, Any], Wrong]] = [
    (
        {"pg_seq": None},
        Wrong(
            "missing",
            None,
            "pg_seq",
            says="missing on host 10.10.10.11; every member needs pg_cluster, pg_seq and pg_role",
        ),
    ),
    ({"pg_role": None}, Wrong("missing", None, "pg_role")),
    (
        {"pg_seq": "one"},
        Wrong(
            "not-allowed",
            "one",
            "pg_seq",
            says="on host 10.10.10.11: 'one' is not a sequence number; allowed: a whole number from 0",
        ),
    ),
    (
        {"pg_seq": 2},
        Wrong(
            "clash",
            2,
            "pg_seq",
            says="2 is used by 10.10.10.11, 10.10.10.12; allowed: a different number for each member",
        ),
    ),
    ({"pg_role": "primry"}, Wrong("not-allowed", "primry", "pg_role")),
    ({"pg_role": ["primary"]}, Wrong("not-allowed", ["primary"], "pg_role")),
    ({"pg_weight": 257}, Wrong("not-allowed", 257, "pg_weight")),
    ({"pg_weight": -1}, Wrong("not-allowed", -1, "pg_weight")),
    ({"pg_port": "x"}, Wrong("not-allowed", "x", "pg_port")),
    ({"patroni_port": 0}, Wrong("not-allowed", 0, "patroni_port")),
    ({"pg_address": "10.10.10.11 evil"}, Wrong("not-allowed", "10.10.10.11 evil", "pg_address")),
    ({"pg_offline_query": "perhaps"}, Wrong("not-allowed", "perhaps", "pg_offline_query")),
    ({"patroni_ca_file": "ca.crt"}, Wrong("not-allowed", "ca.crt", "patroni_ca_file")),
]
CLUSTER_MISTAKES: list[tuple[dict[str, Any], Wrong]] = [
    (
        {"pg_default_services": {}},
        Wrong("not-allowed", {}, "pg_default_services", says="{} is not a list of services; allowed: a list"),
    ),
    ({"pg_services": "primary"}, Wrong("not-allowed", "primary", "pg_services")),
    ({"pg_services": ["primary"]}, Wrong("not-allowed", "primary", "pg_services[0]")),
    ({"pg_services": [{"port": 1, "selector": "[]"}]}, Wrong("missing", None, "name", "pg_services[0]", says=REQUIRED)),
    ({"pg_services": [service(name="a b")]}, Wrong("not-allowed", "a b", "name", "a b")),
    ({"pg_services": [service(name="a\nb")]}, Wrong("not-allowed", "a\nb", "name", "pg_services[0]")),
    (
        {"pg_services": [service(), service(port=5441)]},
        Wrong(
            "clash",
            "extra",
            "name",
            "extra",
            says="'extra' is the name of two services in pg_services; allowed: each name once",
        ),
    ),
    ({"pg_default_service_dest": "patroni"}, Wrong("not-allowed", "patroni", "pg_default_service_dest")),
    (
        {"pg_service_provider": "proxi"},
        Wrong(
            "unknown-name",
            "proxi",
            "pg_service_provider",
            says="'proxi' is not a group of the inventory, did you mean 'proxy'?; allowed: empty, proxy",
        ),
    ),
    (
        {"pg_service_provider": "empty"},
        Wrong(
            "empty",
            "empty",
            "pg_service_provider",
            says="'empty' is a group without hosts; allowed: a group of load balancers",
        ),
    ),
    ({"pg_service_provider": ["proxy"]}, Wrong("not-allowed", ["proxy"], "pg_service_provider")),
    ({"pg_service_targets": ["10.10.10.21"]}, Wrong("unknown-name", "10.10.10.21", "pg_service_targets")),
    ({"pg_service_targets": 5}, Wrong("not-allowed", 5, "pg_service_targets")),
]
GROUPS = {"proxy": ["10.10.10.20"], "empty": []}

# What is wrong with a load balancer's own variables.
LOAD_BALANCER_MISTAKES: list[tuple[dict[str, Any], Wrong]] = [
    ({"pg_service_ip": "lo"}, Wrong("not-allowed", "lo", "pg_service_ip", says=f"'lo' {LISTEN}")),
    ({"haproxy_conf_dir": "haproxy"}, Wrong("not-allowed", "haproxy", "haproxy_conf_dir")),
    ({"haproxy_client_timeout": "x"}, Wrong("not-allowed", "x", "haproxy_client_timeout")),
    ({"haproxy_exporter_port": "x"}, Wrong("not-allowed", "x", "haproxy_exporter_port")),
    ({"pg_reload": "x"}, Wrong("not-allowed", "x", "pg_reload")),
    ({"haproxy_enabled": "x"}, Wrong("not-allowed", "x", "haproxy_enabled")),
    ({"pg_service_allow_shrink": "x"}, Wrong("not-allowed", "x", "pg_service_allow_shrink")),
    ({"haproxy_config_args": 5}, Wrong("not-allowed", 5, "haproxy_config_args")),
]


@pytest.mark.parametrize(("fields", "wrong"), FIELD_MISTAKES)
def test_fields_of_a_definition(fields: dict[Any, Any], wrong: Wrong) -> None:
    hosts = pg_test(pg_services=[{**service(), **fields}])
    assert_problems(found(hosts), "pg-test", wrong._replace(service="extra"))


def test_an_address_with_a_line_break_at_its_end() -> None:
    assert plan(pg_test(pg_services=[service(ip=["*", "10.0.0.1\n"])])).warnings == ()


@pytest.mark.parametrize(("variables", "wrong"), MEMBER_MISTAKES)
def test_members(variables: dict[str, Any], wrong: Wrong) -> None:
    hosts = pg_test()
    hosts["10.10.10.11"].update(variables)
    assert_problems(found(hosts), "pg-test", wrong)


@pytest.mark.parametrize(("variables", "wrong"), CLUSTER_MISTAKES)
def test_settings_of_a_cluster(variables: dict[str, Any], wrong: Wrong) -> None:
    assert_problems(found({**pg_test(**variables), "10.10.10.20": {}}, GROUPS), "pg-test", wrong)


@pytest.mark.parametrize(("variables", "wrong"), LOAD_BALANCER_MISTAKES)
def test_settings_of_a_load_balancer(variables: dict[str, Any], wrong: Wrong) -> None:
    hosts = pg_test()
    hosts["10.10.10.12"].update(variables)
    assert_problems(found(hosts), "10.10.10.12", wrong)


SAME_PORT = Wrong("clash", 5432, "pg_port")
SAME_PATRONI = Wrong("clash", 8008, "patroni_port")


# Variables of the second and third member, and what the members cannot be together.
TOGETHER: list[tuple[dict[str, Any], dict[str, Any], list[Wrong]]] = [
    (
        {"pg_role": "primary"},
        {},
        [
            Wrong(
                "clash",
                "primary",
                "pg_role",
                says="'primary' on hosts 10.10.10.11, 10.10.10.12; allowed: one primary (a failover "
                "needs no change of the inventory)",
            )
        ],
    ),
    (
        {"pg_address": "10.10.10.9"},
        {},
        [
            SAME_PORT._replace(
                says="10.10.10.9 port 5432 is used by pg-test-1, pg-test-2; allowed: a different address "
                "or port for each member (pg_address, pg_port, patroni_port)"
            ),
            SAME_PATRONI,
        ],
    ),
    ({"pg_address": "10.10.10.9", "pg_port": 6433}, {}, [SAME_PATRONI]),
    ({"pg_address": "10.10.10.9", "patroni_port": 8009}, {}, [SAME_PORT]),
    ({"pg_address": "10.10.10.9", "pg_port": 6433, "patroni_port": 8009}, {}, []),
    ({"pg_seq": 1}, {}, [Wrong("clash", 1, "pg_seq")]),
]


@pytest.mark.parametrize(("second", "third", "expected"), TOGETHER)
def test_members_together(second: dict[str, Any], third: dict[str, Any], expected: list[Wrong]) -> None:
    hosts = pg_test()
    hosts["10.10.10.11"]["pg_address"] = "10.10.10.9"
    hosts["10.10.10.12"].update(second)
    hosts["10.10.10.13"].update(third)
    if expected:
        assert_problems(found(hosts), "pg-test", *expected)
    else:
        assert plan(hosts)


def test_a_cluster_without_a_primary() -> None:
    hosts = cluster("pg-test", "replica", "replica")
    assert list(plan(hosts).warnings) == ["pg-test: pg_role: no member is declared as 'primary'"]


# A selector, the name in it that is wrong, and for some what is said of it.
UNKNOWN_NAMES: list[tuple[str, str, str]] = [
    ("[? pg_role == primary]", "primary", "{no}; allowed: a role in quotes, 'primary' or `primary`"),
    ("[? pg_rle == 'x']", "pg_rle", "{no}, did you mean 'pg_role'?; {quotes}"),
    ("[? pg_wight == `1`]", "pg_wight", ""),
    ("[? site == 'a']", "site", ""),
    ("[? zone.rack == 'a']", "zone", ""),
    ("[? contains(tag, 'x')]", "tag", ""),
]


@pytest.mark.parametrize("field", ["selector", "backup"])
@pytest.mark.parametrize(("expression", "name", "message"), UNKNOWN_NAMES)
def test_a_selector_names_what_no_member_has(expression: str, name: str, message: str, field: str) -> None:
    said = message.format(
        no="which is a variable of no member", quotes="allowed: variables of the members, and values in quotes"
    )
    hosts = pg_test(pg_services=[service(**{"selector": "[]", field: expression})], tags=["x"])
    says = f"{expression!r} names {name!r}, {said}" if message else ""
    assert_problems(found(hosts), "pg-test", Wrong("unknown-name", name, field, "extra", says))


def test_a_host_in_the_groups_of_two_clusters() -> None:
    """Ansible lets one group win, and the other cluster lacks a member, perhaps its primary."""
    hosts = {**cluster("pg-a", "primary", "replica"), **cluster("pg-b", "primary", first=21)}
    groups = {"pg-a": ["10.10.10.11", "10.10.10.12", "10.10.10.21"], "pg-b": ["10.10.10.21"]}
    assert problems(hosts, groups) == [
        "pg-a: pg_cluster: host 10.10.10.21 is in this group but has 'pg-b', set by another group or by the host "
        "itself; allowed: each host in the group of one cluster"
    ]


NEARLY: list[tuple[str, str | None]] = [
    ("pg_servces", "pg_services"),
    ("pg_default_service_dst", "pg_default_service_dest"),
    ("pg_default_service", "pg_default_services"),
    ("haproxy_enable", "haproxy_enabled"),
    ("patroni_ports", "patroni_port"),
    ("pg_weigth", "pg_weight"),
    ("pg_service_target", "pg_service_targets"),
    ("pg_version", None),
    ("pg_vip_address", None),
    ("patroni_enabled", None),
    ("pg_databases", None),
    ("pg_users", None),
    ("pg_services", None),
    ("pg_role", None),
    ("servces", None),
]


@pytest.mark.parametrize(("name", "meant"), NEARLY)
def test_a_variable_that_is_nearly_one_of_ours(name: str, meant: str | None) -> None:
    hosts = pg_test()
    hosts["10.10.10.12"].setdefault(name, [])
    expected = [f"pg-test: {name}: is not a variable of services; did you mean {meant!r}?"] if meant else []
    assert list(plan(hosts).warnings) == expected


# Another name for a load balancer, and what it is instead.
TARGETS: list[tuple[str, str]] = [
    ("10.10.10.21", ", but of pg-meta"),
    ("10.10.10.19", ""),
]


@pytest.mark.parametrize(("target", "said"), TARGETS)
def test_a_load_balancer_of_another_cluster(target: str, said: str) -> None:
    hosts = {**pg_test(pg_service_targets=[target]), **cluster("pg-meta", "primary", first=21)}
    (line,) = problems(hosts, only=("pg-test",))
    assert line == (
        f"pg-test: pg_service_targets: {target!r} is not a load balancer of this cluster{said}; "
        "allowed: 10.10.10.11, 10.10.10.12, 10.10.10.13"
    )


@pytest.mark.parametrize("name", ["pg test", "-pg", "a/b", "x\nlisten y", ["pg"], True])
def test_names_of_clusters(name: Any) -> None:
    hosts = {"h1": {"pg_cluster": name, "pg_seq": 1, "pg_role": "primary"}}
    assert_problems(found(hosts), "h1", Wrong("not-allowed", name, "pg_cluster"))


@pytest.mark.parametrize("name", [None, ""])
def test_a_cluster_without_a_name(name: Any) -> None:
    """The host would be no member, and its cluster would lack one that may be the primary."""
    hosts = {**pg_test(), **cluster("pg-meta", "primary", first=21)}
    hosts["10.10.10.12"]["pg_cluster"] = name
    said = "is empty; allowed: the name of a cluster, or no such variable on a host that is not a member"
    groups = {"pg-test": ["10.10.10.11", "10.10.10.12", "10.10.10.13"]}
    for only in ((), ("pg-test",)):
        assert problems(hosts, groups, only=only) == [f"10.10.10.12: pg_cluster: {said}"]
    assert plan(hosts, groups, only=("pg-meta",))


MEMBERS_DISAGREE: list[tuple[dict[str, Any], Wrong]] = [
    (
        {"pg_services": [service(port=5441)]},
        Wrong(
            "disagree",
            (5440, 5441),
            "port",
            "extra",
            says=(
                "5440 on host 10.10.10.11, 5441 on host 10.10.10.12; "
                "allowed: one value for all members (only ip may differ)"
            ),
        ),
    ),
    (
        {"pg_services": [service(selector="[0]")]},
        Wrong(
            "disagree",
            ("[]", "[0]"),
            "selector",
            "extra",
            says=(
                "'[]' on host 10.10.10.11, '[0]' on host 10.10.10.12; "
                "allowed: one value for all members (only ip may differ)"
            ),
        ),
    ),
    ({"pg_services": []}, Wrong("disagree", None, "", "extra")),
    ({"pg_services": [service(), service(name="more", port=5441)]}, Wrong("disagree", None, "", "more")),
    ({"pg_default_service_dest": "postgres"}, Wrong("disagree", ("pgbouncer", "postgres"), "pg_default_service_dest")),
    ({"pg_service_provider": "proxy"}, Wrong("disagree", ("", "proxy"), "pg_service_provider")),
]


@pytest.mark.parametrize(("variables", "wrong"), MEMBERS_DISAGREE)
def test_members_that_disagree(variables: dict[str, Any], wrong: Wrong) -> None:
    hosts = pg_test(pg_services=[service()])
    hosts["10.10.10.12"].update(variables)
    assert_problems(found({**hosts, "10.10.10.20": {}}, GROUPS), "pg-test", wrong)


def used_twice(port: int, one: str = "", other: str = "") -> Wrong:
    says = f"port {port} is used twice: by {one} and by {other}; allowed: one listener for each port of an address"
    return Wrong("clash", port, says=says if one else "")


CLASHES: list[tuple[Hosts, list[Wrong]]] = [
    (
        cluster("pg-a", "primary", pg_services=[service(port=5433)]),
        [used_twice(5433, "service primary of cluster pg-a (*:5433)", "service extra of cluster pg-a (*:5433)")],
    ),
    (cluster("pg-a", "primary", pg_services=[service(port=9101)]), [used_twice(9101)]),
    (
        cluster("pg-a", "primary", pg_services=[service(port=5432, ip="10.10.10.11")]),
        [
            used_twice(
                5432,
                "service extra of cluster pg-a (10.10.10.11:5432)",
                "pg_port of instance pg-a-1 (*:5432, [::]:5432)",
            )
        ],
    ),
    (cluster("pg-a", "primary", pg_services=[service(port=6432, ip="fd00::1")]), [used_twice(6432)]),
    (
        cluster("pg-a", "primary", haproxy_services=[{"name": "web", "port": 5433, "ip": "10.10.10.11"}]),
        [used_twice(5433)],
    ),
    (cluster("pg-a", "primary", pg_services=[service(port=5433, ip="fd00::1")]), []),
    (cluster("pg-a", "primary", pg_services=[service(port=5433, ip="::")]), [used_twice(5433)]),
    (
        cluster("pg-a", "primary", pg_service_ip="10.10.10.11", pg_services=[service(port=5433, ip="127.0.0.1")]),
        [],
    ),
]


@pytest.mark.parametrize(("hosts", "expected"), CLASHES)
def test_two_listeners_on_one_port(hosts: Hosts, expected: list[Wrong]) -> None:
    if expected:
        assert_problems(found(hosts), "load balancer 10.10.10.11", *expected)
    else:
        assert len(plan(hosts).publications["10.10.10.11"].services) == 5


def test_two_clusters_on_one_port_of_a_group() -> None:
    delegated: dict[str, Any] = {"pg_service_provider": "proxy", "pg_default_services": [service(port=10013)]}
    hosts = {
        **cluster("pg-a", "primary", **delegated),
        **cluster("pg-b", "primary", first=21, **delegated),
        "p1": {},
    }
    assert_problems(found(hosts, {"proxy": ["p1"]}), "load balancer p1", used_twice(10013))


def test_two_services_with_one_file() -> None:
    delegated: dict[str, Any] = {"pg_service_provider": "proxy"}
    hosts = {
        **cluster("pg", "primary", pg_default_services=[service(name="dr-rw", port=1001)], **delegated),
        **cluster("pg-dr", "primary", first=21, pg_default_services=[service(name="rw", port=1002)], **delegated),
        "p1": {"haproxy_services": [{"name": "pg-dr-rw", "port": 1003}]},
    }
    line = (
        "load balancer p1: pg-dr-rw.cfg would be the file of {} and of {}; allowed: a different <cluster>-<service> "
        "for each service"
    )
    one, other = "service dr-rw of cluster pg", "service rw of cluster pg-dr"
    assert problems(hosts, {"proxy": ["p1"]}) == [line.format(one, "haproxy_services"), line.format(other, one)]


def test_an_unknown_cluster() -> None:
    assert problems(pg_test(), only=("pg-tset",)) == [
        "pg-tset: 'pg-tset' is not a cluster of the inventory, did you mean 'pg-test'?; allowed: pg-test"
    ]


def test_every_mistake_at_once() -> None:
    """Nothing hides anything else, and what is the same everywhere is told once."""
    hosts = pg_test(pg_services=[service(prot=1, port="x"), service(name="other", balance="uri")], pg_port="y")
    hosts["10.10.10.13"] |= {"pg_role": "offlin", "haproxy_exporter_port": -1}
    hosts |= cluster("pg-meta", "primary", first=31, pg_services=[service(prot=1, port="x")])
    both = "pg-meta, pg-test: service extra: "
    assert sorted(problems(hosts)) == sorted(
        [
            f"{both}prot: 'prot' is not a field of a service, did you mean 'port'?; allowed: {listed(FIELDS)}",
            f"{both}port: 'x' is not a port; allowed: 1 to 65535",
            f"pg-test: service other: balance: 'uri' is not an algorithm that HAProxy has in TCP mode; {TCP}",
            "pg-test: pg_port: on host 10.10.10.11: 'y' is not a port; allowed: 1 to 65535",
            "pg-test: pg_port: on host 10.10.10.12: 'y' is not a port; allowed: 1 to 65535",
            "pg-test: pg_port: on host 10.10.10.13: 'y' is not a port; allowed: 1 to 65535",
            "pg-test: pg_role: on host 10.10.10.13: 'offlin' is not a role, did you mean 'offline'?; "
            "allowed: primary, replica, offline, standby, delayed",
            "10.10.10.13: haproxy_exporter_port: -1 is not a port; allowed: 1 to 65535",
        ]
    )


def test_many_places_are_counted() -> None:
    hosts: Hosts = {}
    for number in range(6):
        hosts |= cluster(f"pg-{number}", "primary", first=10 + number, pg_services=[service(port=0)])
    assert problems(hosts) == [
        "pg-0, pg-1, pg-2, pg-3 and 2 more: service extra: port: 0 is not a port; allowed: 1 to 65535"
    ]


def test_a_name_in_pg_services_replaces_the_default_one_whole() -> None:
    replaced = plan(pg_test(pg_services=[{"name": "replica", "port": 5439, "selector": "[1]"}])).publications[
        "10.10.10.11"
    ]
    services = {service.service: service for service in replaced.services}
    assert list(services) == ["primary", "replica", "default", "offline"]
    assert (services["replica"].port, services["replica"].check) == (5439, "/")
    assert services["replica"].options == SERVICE["options"]
    assert services["replica"].backups == ()

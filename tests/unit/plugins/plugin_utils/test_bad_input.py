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
    cluster,
    pg_test,
    plan,
    problems,
    service,
)

YIELDS = 'allowed: an expression that yields members, such as "[]" or "[? pg_role == \'replica\']"'
UNPRINTABLE = "contains a line break or another unprintable character; allowed: one line of printable text"
LISTEN = "is not an address to listen on; allowed: '*', an IPv4 or an IPv6 address, or a list of them"
TIME = "is not a duration; allowed: a number with ms, s, m, h or d, such as 30s or 24h, up to 24d"
CHECK = (
    "is not a path of Patroni's REST API; allowed: one that begins with '/', "
    "such as /primary or /replica?lag=10MB, without blanks and quotes"
)
QUOTES = " (YAML reads on, off, yes and no as true and false unless they are in quotes)"
TCP = f"allowed: {listed(BALANCE)}"
NAMES = "allowed: up to 100 letters, digits, '-', '_' and '.', beginning with a letter, a digit or '_'"
REQUIRED = "missing; a service needs name, port, selector"

# Another field or value of a definition, and what is said behind "pg-test: service extra: ".
FIELD_MISTAKES: list[tuple[dict[Any, Any], str]] = [
    ({"prot": 1}, f"prot: 'prot' is not a field of a service, did you mean 'port'?; allowed: {listed(FIELDS)}"),
    ({"zzz": 1}, f"zzz: 'zzz' is not a field of a service; allowed: {listed(FIELDS)}"),
    ({"a\nb": 1}, f"a b: 'a\\nb' is not a field of a service; allowed: {listed(FIELDS)}"),
    ({5: 1}, f"5: 5 is not a field of a service; allowed: {listed(FIELDS)}"),
    ({"port": None}, f"port: {REQUIRED}"),
    ({"selector": None}, f"selector: {REQUIRED}"),
    ({"port": 0}, "port: 0 is not a port; allowed: 1 to 65535"),
    ({"port": "http"}, "port: 'http' is not a port; allowed: 1 to 65535"),
    ({"port": [5433]}, "port: [5433] is not a port; allowed: 1 to 65535"),
    ({"ip": "eth0"}, f"ip: 'eth0' {LISTEN}"),
    ({"ip": []}, f"ip: [] {LISTEN}"),
    ({"ip": ["*", "10.0.0.1\n"]}, ""),
    ({"ip": {"a": 1}}, "ip: {'a': 1} is not an address to listen on; allowed: one, or a list of them"),
    ({"selector": []}, 'selector: [] is not a JMESPath expression; allowed: text, in quotes, such as "[]"'),
    (
        {"selector": "[? pg_role = 'x']"},
        "selector: \"[? pg_role = 'x']\" is not a JMESPath expression: Unknown token '=' (position 12); "
        "allowed: == compares",
    ),
    ({"backup": "[?"}, "backup: '[?' is not a JMESPath expression: the expression ends too early (position 3)"),
    ({"selector": "[].pg_role"}, f"selector: '[].pg_role' yields a list with 'primary' in it; {YIELDS}"),
    ({"backup": "pg_role"}, f"backup: 'pg_role' yields nothing (null); {YIELDS}"),
    (
        {"dest": "patroni"},
        "dest: 'patroni' is not a destination; allowed: default, postgres, pgbouncer or a port from 1 to 65535",
    ),
    ({"dest": 0}, "dest: 0 is not a destination; allowed: default, postgres, pgbouncer or a port from 1 to 65535"),
    ({"check": "primary"}, f"check: 'primary' {CHECK}"),
    ({"check": "/a b"}, f"check: '/a b' {CHECK}"),
    (
        {"check": "/replicas"},
        f"check: '/replicas' is not a health check of Patroni, did you mean '/replica'?; allowed: {listed(ENDPOINTS)}",
    ),
    ({"check": "/a\n    server evil 10.0.0.1:1"}, f"check: '/a\\n    server evil 10.0.0.1:1' {CHECK}"),
    ({"maxconn": 0}, "maxconn: 0 is not a number of connections; allowed: 1 to 10000000"),
    (
        {"balance": "roundrobbin"},
        f"balance: 'roundrobbin' is not an algorithm that HAProxy has in TCP mode, did you mean 'roundrobin'?; {TCP}",
    ),
    ({"balance": "uri"}, f"balance: 'uri' is not an algorithm that HAProxy has in TCP mode; {TCP}"),
    ({"options": "inter 3s\nserver x"}, f"options: 'inter 3s\\nserver x' {UNPRINTABLE}"),
    ({"options": "rise none"}, "options: rise 'none' is not a number; allowed: a whole number from 1"),
    ({"timeout_client": "soon"}, f"timeout_client: 'soon' {TIME}"),
    ({"timeout_server": "25d"}, f"timeout_server: '25d' {TIME}"),
    ({"allbackups": "maybe"}, "allbackups: 'maybe' is not a truth value; allowed: true or false"),
    (
        {"on_member_removed": "wait"},
        "on_member_removed: 'wait' is not known; allowed: shutdown-sessions, drain",
    ),
]

# Another variable on the first host, or on all, and what is said behind "pg-test: ".
MEMBER_MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"pg_seq": None}, "pg_seq: missing on host 10.10.10.11; every member needs pg_cluster, pg_seq and pg_role"),
    ({"pg_role": None}, "pg_role: missing on host 10.10.10.11; every member needs pg_cluster, pg_seq and pg_role"),
    ({"pg_seq": "one"}, "pg_seq: on host 10.10.10.11: 'one' is not a sequence number; allowed: a whole number from 0"),
    (
        {"pg_seq": 2},
        "pg_seq: 2 is used by 10.10.10.11, 10.10.10.12; allowed: a different number for each member",
    ),
    (
        {"pg_role": "primry"},
        "pg_role: on host 10.10.10.11: 'primry' is not a role, did you mean 'primary'?; "
        "allowed: primary, replica, offline, standby, delayed",
    ),
    (
        {"pg_role": ["primary"]},
        "pg_role: on host 10.10.10.11: ['primary'] is not a role, did you mean 'primary'?; "
        "allowed: primary, replica, offline, standby, delayed",
    ),
    ({"pg_weight": 257}, "pg_weight: on host 10.10.10.11: 257 is not a weight; allowed: 0 to 256"),
    ({"pg_weight": -1}, "pg_weight: on host 10.10.10.11: -1 is not a weight; allowed: 0 to 256"),
    ({"pg_port": "x"}, "pg_port: on host 10.10.10.11: 'x' is not a port; allowed: 1 to 65535"),
    ({"patroni_port": 0}, "patroni_port: on host 10.10.10.11: 0 is not a port; allowed: 1 to 65535"),
    (
        {"pg_address": "10.10.10.11 evil"},
        "pg_address: on host 10.10.10.11: '10.10.10.11 evil' is not an address; "
        "allowed: an IPv4 address, an IPv6 address or a host name",
    ),
    (
        {"pg_offline_query": "perhaps"},
        "pg_offline_query: on host 10.10.10.11: 'perhaps' is not a truth value; allowed: true or false",
    ),
    (
        {"patroni_ca_file": "ca.crt"},
        "patroni_ca_file: on host 10.10.10.11: 'ca.crt' is not a path; "
        "allowed: an absolute path of up to 1024 letters, digits and -_.,:@%+=~/",
    ),
]
CLUSTER_MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"pg_default_services": {}}, "pg_default_services: {} is not a list of services; allowed: a list"),
    ({"pg_services": "primary"}, "pg_services: 'primary' is not a list of services; allowed: a list"),
    (
        {"pg_services": ["primary"]},
        "pg_services[0]: 'primary' is not a service; allowed: a mapping with name, port and selector",
    ),
    ({"pg_services": [{"port": 1, "selector": "[]"}]}, f"service pg_services[0]: name: {REQUIRED}"),
    (
        {"pg_services": [service(name="a b")]},
        f"service a b: name: 'a b' is not a service name; {NAMES}",
    ),
    (
        {"pg_services": [service(name="a\nb")]},
        f"service pg_services[0]: name: 'a\\nb' is not a service name; {NAMES}",
    ),
    (
        {"pg_services": [service(), service(port=5441)]},
        "service extra: name: 'extra' is the name of two services in pg_services; allowed: each name once",
    ),
    (
        {"pg_default_service_dest": "patroni"},
        "pg_default_service_dest: 'patroni' is not a destination; allowed: postgres or pgbouncer",
    ),
    (
        {"pg_service_provider": "proxi"},
        "pg_service_provider: 'proxi' is not a group of the inventory, did you mean 'proxy'?; allowed: empty, proxy",
    ),
    (
        {"pg_service_provider": "empty"},
        "pg_service_provider: 'empty' is a group without hosts; allowed: a group of load balancers",
    ),
    ({"pg_service_provider": ["proxy"]}, "pg_service_provider: ['proxy'] is not a group; allowed: text"),
    (
        {"pg_service_targets": ["10.10.10.21"]},
        "pg_service_targets: '10.10.10.21' is not a load balancer of this cluster; "
        "allowed: 10.10.10.11, 10.10.10.12, 10.10.10.13",
    ),
    ({"pg_service_targets": 5}, "pg_service_targets: 5 is not a load balancer; allowed: one, or a list of them"),
]
GROUPS = {"proxy": ["10.10.10.20"], "empty": []}

# What is said of a load balancer's own variables.
LOAD_BALANCER_MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"pg_service_ip": "lo"}, f"pg_service_ip: 'lo' {LISTEN}"),
    (
        {"haproxy_conf_dir": "haproxy"},
        "haproxy_conf_dir: 'haproxy' is not a path; "
        "allowed: an absolute path of up to 1024 letters, digits and -_.,:@%+=~/",
    ),
    ({"haproxy_client_timeout": "x"}, f"haproxy_client_timeout: 'x' {TIME}"),
    ({"haproxy_exporter_port": "x"}, "haproxy_exporter_port: 'x' is not a port; allowed: 1 to 65535"),
    ({"pg_reload": "x"}, "pg_reload: 'x' is not a truth value; allowed: true or false"),
    ({"haproxy_enabled": "x"}, "haproxy_enabled: 'x' is not a truth value; allowed: true or false"),
    (
        {"pg_service_allow_shrink": "x"},
        "pg_service_allow_shrink: 'x' is not a truth value; allowed: true or false",
    ),
    (
        {"haproxy_config_args": 5},
        "haproxy_config_args: 5 is not an argument of HAProxy; allowed: one, or a list of them",
    ),
]


@pytest.mark.parametrize(("fields", "message"), FIELD_MISTAKES)
def test_fields_of_a_definition(fields: dict[Any, Any], message: str) -> None:
    hosts = pg_test(pg_services=[{**service(), **fields}])
    if message:
        assert problems(hosts) == [f"pg-test: service extra: {message}"]
    else:
        assert plan(hosts).warnings == ()


@pytest.mark.parametrize(("variables", "message"), MEMBER_MISTAKES)
def test_members(variables: dict[str, Any], message: str) -> None:
    hosts = pg_test()
    hosts["10.10.10.11"].update(variables)
    assert problems(hosts) == [f"pg-test: {message}"]


@pytest.mark.parametrize(("variables", "message"), CLUSTER_MISTAKES)
def test_settings_of_a_cluster(variables: dict[str, Any], message: str) -> None:
    assert problems({**pg_test(**variables), "10.10.10.20": {}}, GROUPS) == [f"pg-test: {message}"]


@pytest.mark.parametrize(("variables", "message"), LOAD_BALANCER_MISTAKES)
def test_settings_of_a_load_balancer(variables: dict[str, Any], message: str) -> None:
    hosts = pg_test()
    hosts["10.10.10.12"].update(variables)
    assert problems(hosts) == [f"10.10.10.12: {message}"]


def _same(field: str, port: int) -> str:
    return (
        f"pg-test: {field}: 10.10.10.9 port {port} is used by pg-test-1, pg-test-2; allowed: a different address "
        "or port for each member (pg_address, pg_port, patroni_port)"
    )


# Variables of the second and third member, and what the members cannot be together.
TOGETHER: list[tuple[dict[str, Any], dict[str, Any], list[str]]] = [
    (
        {"pg_role": "primary"},
        {},
        [
            "pg-test: pg_role: 'primary' on hosts 10.10.10.11, 10.10.10.12; allowed: one primary (a failover "
            "needs no change of the inventory)"
        ],
    ),
    ({"pg_address": "10.10.10.9"}, {}, [_same("pg_port", 5432), _same("patroni_port", 8008)]),
    ({"pg_address": "10.10.10.9", "pg_port": 6433}, {}, [_same("patroni_port", 8008)]),
    ({"pg_address": "10.10.10.9", "patroni_port": 8009}, {}, [_same("pg_port", 5432)]),
    ({"pg_address": "10.10.10.9", "pg_port": 6433, "patroni_port": 8009}, {}, []),
    (
        {"pg_seq": 1},
        {},
        ["pg-test: pg_seq: 1 is used by 10.10.10.11, 10.10.10.12; allowed: a different number for each member"],
    ),
]


@pytest.mark.parametrize(("second", "third", "expected"), TOGETHER)
def test_members_together(second: dict[str, Any], third: dict[str, Any], expected: list[str]) -> None:
    hosts = pg_test()
    hosts["10.10.10.11"]["pg_address"] = "10.10.10.9"
    hosts["10.10.10.12"].update(second)
    hosts["10.10.10.13"].update(third)
    if expected:
        assert problems(hosts) == expected
    else:
        assert plan(hosts)


def test_a_cluster_without_a_primary() -> None:
    hosts = cluster("pg-test", "replica", "replica")
    assert list(plan(hosts).warnings) == ["pg-test: pg_role: no member is declared as 'primary'"]


# A selector, and what is wrong with the name in it.
UNKNOWN_NAMES: list[tuple[str, str]] = [
    ("[? pg_role == primary]", "names 'primary', {no}; allowed: a role in quotes, 'primary' or `primary`"),
    ("[? pg_rle == 'x']", "names 'pg_rle', {no}, did you mean 'pg_role'?; {quotes}"),
    ("[? pg_wight == `1`]", "names 'pg_wight', {no}, did you mean 'pg_weight'?; {quotes}"),
    ("[? site == 'a']", "names 'site', {no}; {quotes}"),
    ("[? zone.rack == 'a']", "names 'zone', {no}; {quotes}"),
    ("[? contains(tag, 'x')]", "names 'tag', {no}, did you mean 'tags'?; {quotes}"),
]


@pytest.mark.parametrize("field", ["selector", "backup"])
@pytest.mark.parametrize(("expression", "message"), UNKNOWN_NAMES)
def test_a_selector_names_what_no_member_has(expression: str, message: str, field: str) -> None:
    said = message.format(
        no="which is a variable of no member", quotes="allowed: variables of the members, and values in quotes"
    )
    hosts = pg_test(pg_services=[service(**{"selector": "[]", field: expression})], tags=["x"])
    assert problems(hosts) == [f"pg-test: service extra: {field}: {expression!r} {said}"]


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
    (found,) = problems(hosts, only=("pg-test",))
    assert found == (
        f"pg-test: pg_service_targets: {target!r} is not a load balancer of this cluster{said}; "
        "allowed: 10.10.10.11, 10.10.10.12, 10.10.10.13"
    )


@pytest.mark.parametrize("name", ["pg test", "-pg", "a/b", "x\nlisten y", ["pg"], True])
def test_names_of_clusters(name: Any) -> None:
    hosts = {"h1": {"pg_cluster": name, "pg_seq": 1, "pg_role": "primary"}}
    allowed = NAMES if isinstance(name, str) else f"allowed: text{QUOTES if name is True else ''}"
    assert problems(hosts) == [f"h1: pg_cluster: {name!r} is not a cluster name; {allowed}"]


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


MEMBERS_DISAGREE: list[tuple[dict[str, Any], str]] = [
    (
        {"pg_services": [service(port=5441)]},
        "service extra: port: 5440 on host 10.10.10.11, 5441 on host 10.10.10.12; "
        "allowed: one value for all members (only ip may differ)",
    ),
    (
        {"pg_services": [service(selector="[0]")]},
        "service extra: selector: '[]' on host 10.10.10.11, '[0]' on host 10.10.10.12; "
        "allowed: one value for all members (only ip may differ)",
    ),
    (
        {"pg_services": []},
        "service extra: declared on host 10.10.10.11, not on host 10.10.10.12; allowed: the same services "
        "on every member",
    ),
    (
        {"pg_services": [service(), service(name="more", port=5441)]},
        "service more: declared on host 10.10.10.12, not on host 10.10.10.11; allowed: the same services "
        "on every member",
    ),
    (
        {"pg_default_service_dest": "postgres"},
        "pg_default_service_dest: 'pgbouncer' on host 10.10.10.11, 'postgres' on host 10.10.10.12; "
        "allowed: one value for all members",
    ),
    (
        {"pg_service_provider": "proxy"},
        "pg_service_provider: '' on host 10.10.10.11, 'proxy' on host 10.10.10.12; allowed: one value for all members",
    ),
]


@pytest.mark.parametrize(("variables", "message"), MEMBERS_DISAGREE)
def test_members_that_disagree(variables: dict[str, Any], message: str) -> None:
    hosts = pg_test(pg_services=[service()])
    hosts["10.10.10.12"].update(variables)
    assert problems({**hosts, "10.10.10.20": {}}, GROUPS) == [f"pg-test: {message}"]


def clash(load_balancer: str, port: int, one: str, other: str) -> str:
    return (
        f"load balancer {load_balancer}: port {port} is used twice: by {one} and by {other}; "
        "allowed: one listener for each port of an address"
    )


CLASHES: list[tuple[Hosts, list[str]]] = [
    (
        cluster("pg-a", "primary", pg_services=[service(port=5433)]),
        [
            clash(
                "10.10.10.11",
                5433,
                "service primary of cluster pg-a (*:5433)",
                "service extra of cluster pg-a (*:5433)",
            )
        ],
    ),
    (
        cluster("pg-a", "primary", pg_services=[service(port=9101)]),
        [clash("10.10.10.11", 9101, "service extra of cluster pg-a (*:9101)", "haproxy_exporter_port (*:9101)")],
    ),
    (
        cluster("pg-a", "primary", pg_services=[service(port=5432, ip="10.10.10.11")]),
        [
            clash(
                "10.10.10.11",
                5432,
                "service extra of cluster pg-a (10.10.10.11:5432)",
                "pg_port of instance pg-a-1 (*:5432, [::]:5432)",
            )
        ],
    ),
    (
        cluster("pg-a", "primary", pg_services=[service(port=6432, ip="fd00::1")]),
        [
            clash(
                "10.10.10.11",
                6432,
                "service extra of cluster pg-a ([fd00::1]:6432)",
                "pgbouncer_port of instance pg-a-1 (*:6432, [::]:6432)",
            )
        ],
    ),
    (
        cluster("pg-a", "primary", haproxy_services=[{"name": "web", "port": 5433, "ip": "10.10.10.11"}]),
        [
            clash(
                "10.10.10.11",
                5433,
                "service primary of cluster pg-a (*:5433)",
                "web of haproxy_services (10.10.10.11:5433)",
            )
        ],
    ),
    (cluster("pg-a", "primary", pg_services=[service(port=5433, ip="fd00::1")]), []),
    (
        cluster("pg-a", "primary", pg_services=[service(port=5433, ip="::")]),
        [
            clash(
                "10.10.10.11",
                5433,
                "service primary of cluster pg-a (*:5433)",
                "service extra of cluster pg-a ([::]:5433)",
            )
        ],
    ),
    (
        cluster("pg-a", "primary", pg_service_ip="10.10.10.11", pg_services=[service(port=5433, ip="127.0.0.1")]),
        [],
    ),
]


@pytest.mark.parametrize(("hosts", "expected"), CLASHES)
def test_two_listeners_on_one_port(hosts: Hosts, expected: list[str]) -> None:
    if expected:
        assert problems(hosts) == expected
    else:
        assert len(plan(hosts).publications["10.10.10.11"].services) == 5


def test_two_clusters_on_one_port_of_a_group() -> None:
    delegated: dict[str, Any] = {"pg_service_provider": "proxy", "pg_default_services": [service(port=10013)]}
    hosts = {
        **cluster("pg-a", "primary", **delegated),
        **cluster("pg-b", "primary", first=21, **delegated),
        "p1": {},
    }
    assert problems(hosts, {"proxy": ["p1"]}) == [
        clash("p1", 10013, "service extra of cluster pg-a (*:10013)", "service extra of cluster pg-b (*:10013)")
    ]


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

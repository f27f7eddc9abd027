# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan: which load balancer carries what, whatever part of the inventory the run is about."""

from __future__ import annotations

import random
from typing import Any

import pytest

from ansible_collections.pgsvc.access.plugins.plugin_utils._input.inventory import Inventory
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import PlanError, Report
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.service import Server
from ansible_collections.pgsvc.access.plugins.plugin_utils._plan.planner import services_of
from ansible_collections.pgsvc.access.tests.unit.plugins.plugin_utils.planning import (
    DELEGATED,
    PROXIES,
    CountingVariables,
    cluster,
    one_service,
    pg_test,
    plan,
    problems,
    service,
    services_on,
    told,
    with_proxies,
)


def test_members_carry_their_own_services() -> None:
    planned = plan(pg_test())
    names = ["pg-test-primary", "pg-test-replica", "pg-test-default", "pg-test-offline"]
    assert told(planned) == {f"10.10.10.{number}": (names, ("member/*",)) for number in (11, 12, 13)}
    assert (planned.assigned, planned.warnings) == ({}, ())


def test_defaults_of_a_service() -> None:
    found = one_service()
    assert (found.name, found.owner, found.load_balancer) == ("pg-test-extra", "member/pg-test", "10.10.10.11")
    assert (found.ip, found.port, found.check, found.maxconn) == (("*",), 5440, "/", 5000)
    assert (found.balance, found.timeout_client, found.timeout_server) == ("roundrobin", "24h", "24h")
    assert (found.allbackups, found.on_member_removed, found.backups) == (False, "shutdown-sessions", ())
    assert found.servers[0] == Server("pg-test-1", "10.10.10.11", 6432, 8008, 100, backup=False, ca_file=None)


# variables of the cluster, fields of a service, attribute, value
EFFECTS: list[tuple[dict[str, Any], dict[str, Any], str, Any]] = [
    ({}, {"dest": "postgres"}, "ports", (5432, 5432, 5432)),
    ({}, {"dest": "pgbouncer"}, "ports", (6432, 6432, 6432)),
    ({}, {"dest": "6433"}, "ports", (6433, 6433, 6433)),
    ({}, {"dest": 6433}, "ports", (6433, 6433, 6433)),
    ({"pg_default_service_dest": "postgres"}, {}, "ports", (5432, 5432, 5432)),
    ({"pg_default_service_dest": "postgres", "pg_port": "15432"}, {}, "ports", (15432, 15432, 15432)),
    ({"pgbouncer_port": "16432"}, {}, "ports", (16432, 16432, 16432)),
    ({"patroni_port": "18008"}, {}, "check_ports", (18008, 18008, 18008)),
    ({"pg_weight": "0"}, {}, "weights", (0, 0, 0)),
    ({"patroni_ssl_enabled": "true"}, {}, "ca_files", ("/pg/cert/ca.crt",) * 3),
    ({"patroni_ssl_enabled": "1", "patroni_ca_file": "/etc/ca.pem"}, {}, "ca_files", ("/etc/ca.pem",) * 3),
    ({"patroni_ssl_enabled": "false"}, {}, "ca_files", (None, None, None)),
    ({}, {"ip": "10.10.10.11, fd00::1 *"}, "ip", ("10.10.10.11", "fd00::1", "*")),
    ({}, {"ip": ["[fd00::1]", "fd00:0::1"]}, "ip", ("fd00::1",)),
    ({"pg_service_ip": "10.10.10.3"}, {}, "ip", ("10.10.10.3",)),
    ({"pg_service_ip": "10.10.10.3"}, {"ip": "*"}, "ip", ("*",)),
    ({"haproxy_client_timeout": "8h", "haproxy_server_timeout": "9h"}, {}, "timeouts", ("8h", "9h")),
    ({"haproxy_client_timeout": "8h"}, {"timeout_client": "1h"}, "timeouts", ("1h", "24h")),
    ({}, {"allbackups": "yes"}, "allbackups", True),
    ({}, {"maxconn": "100", "port": "5441"}, "maxconn", 100),
    ({}, {"balance": " hash  src "}, "balance", "hash src"),
    ({}, {"selector": "[? pg_offline_query]"}, "names", ()),
    ({"pg_offline_query": "false"}, {"selector": "[? pg_offline_query]"}, "names", ()),
    ({"pg_offline_query": "true"}, {"selector": "[? pg_offline_query]"}, "names", ("1", "2", "3")),
    ({}, {"selector": "[? pg_seq > `1`]"}, "names", ("2", "3")),
    ({}, {"selector": "[-1:]", "backup": "[0]"}, "names", ("3", "1b")),
    ({}, {"selector": "[]", "backup": "[? pg_role == `offline`]"}, "names", ("1", "2", "3b")),
    ({}, {"selector": "[::-1]"}, "names", ("1", "2", "3")),
    ({"site": {"rack": "b"}}, {"selector": "[? site.rack == 'b']"}, "names", ("1", "2", "3")),
    ({}, {"selector": "[? inventory_hostname == '10.10.10.12']"}, "names", ("2",)),
    ({}, {"selector": "[? contains(keys(@), 'pg_port')]"}, "names", ("1", "2", "3")),
]


@pytest.mark.parametrize(("variables", "fields", "attribute", "expected"), EFFECTS)
def test_effects(variables: dict[str, Any], fields: dict[str, Any], attribute: str, expected: Any) -> None:
    found = one_service(variables, **fields)
    seen = {
        **vars(found),
        "ports": tuple(server.port for server in found.servers),
        "check_ports": tuple(server.check_port for server in found.servers),
        "weights": tuple(server.weight for server in found.servers),
        "ca_files": tuple(server.ca_file for server in found.servers),
        "timeouts": (found.timeout_client, found.timeout_server),
        "names": tuple(server.name[len("pg-test-") :] + "b" * server.backup for server in found.servers),
    }
    assert seen[attribute] == expected


def test_everything_as_an_ini_inventory_types_it() -> None:
    typed = cluster("1", "primary", "replica", pg_port="5432", pg_weight="50", pg_offline_query="false")
    for number, variables in enumerate(typed.values(), 1):
        variables["pg_seq"] = f"0{number}"
    found = services_on(plan(typed), "10.10.10.11")["1-replica"]
    assert [(server.name, server.weight, server.backup) for server in found.servers] == [
        ("1-1", 50, True),
        ("1-2", 50, False),
    ]


@pytest.mark.parametrize(("address", "shown"), [("pg-1.example.org", "pg-1.example.org"), ("[fd00::01]", "fd00::1")])
def test_pg_address(address: str, shown: str) -> None:
    hosts = pg_test()
    hosts["10.10.10.12"]["pg_address"] = address
    found = services_on(plan(hosts), "10.10.10.11")["pg-test-primary"]
    assert found.instances == ("10.10.10.11", shown, "10.10.10.13")
    assert found.servers[1].address == shown


def test_each_member_binds_its_own_address() -> None:
    hosts = pg_test()
    for host, variables in hosts.items():
        variables["pg_services"] = [service(ip=host)]
    planned = plan(hosts)
    assert [services_on(planned, host)["pg-test-extra"].ip for host in hosts] == [(host,) for host in hosts]


def test_the_first_primary_speaks_for_dedicated_load_balancers() -> None:
    hosts = cluster("pg-a", "replica", "primary", pg_service_provider="proxy")
    for host, variables in hosts.items():
        variables["pg_default_services"] = [service(ip=host)]
    assert services_on(plan(with_proxies(hosts), PROXIES), "p1")["pg-a-extra"].ip == ("10.10.10.12",)


def test_a_group_of_load_balancers() -> None:
    """Members that gave their services away are told to publish none, which removes what they had."""
    planned = plan(with_proxies(cluster("pg-a", "primary", "replica", **DELEGATED)), PROXIES)
    carried = (["pg-a-primary"], ("delegated/pg-a",))
    withdrawn: tuple[list[str], tuple[str, ...]] = ([], ("member/*",))
    assert told(planned) == {"p1": carried, "p2": carried, "10.10.10.11": withdrawn, "10.10.10.12": withdrawn}
    found = services_on(planned, "p2")["pg-a-primary"]
    assert (found.owner, found.load_balancer, found.port) == ("delegated/pg-a", "p2", 10013)
    assert planned.assigned == {}


def test_a_group_reached_from_the_cluster_alone() -> None:
    """``-l pg-a``: the group's hosts are outside the play, so members publish there, each its share."""
    hosts = with_proxies(cluster("pg-a", "primary", "replica", **DELEGATED))
    planned = plan(hosts, PROXIES, play=["10.10.10.11", "10.10.10.12"])
    assert set(planned.publications) == {"p1", "p2", "10.10.10.11", "10.10.10.12"}
    assert planned.assigned == {"10.10.10.11": ["10.10.10.11", "p1"], "10.10.10.12": ["10.10.10.12", "p2"]}


def test_one_host_of_a_group() -> None:
    """``-l p1``: that load balancer alone, with the services of every cluster that delegates to its group."""
    port = [service(port=10023)]
    hosts = with_proxies(
        cluster("pg-a", "primary", **DELEGATED),
        cluster("pg-b", "primary", first=21, **{**DELEGATED, "pg_default_services": port}),
        cluster("pg-c", "primary", first=31),
    )
    assert told(plan(hosts, PROXIES, play=["p1"])) == {
        "p1": (["pg-a-primary", "pg-b-extra"], ("delegated/pg-a", "delegated/pg-b", "delegated/pg-c"))
    }


def test_a_member_that_is_a_load_balancer_of_others() -> None:
    hosts = with_proxies(
        cluster("pg-a", "primary", **DELEGATED), cluster("pg-p", "primary", first=31, pg_default_services=[service()])
    )
    planned = plan(hosts, {"proxy": ["10.10.10.31"]}, only=("pg-a",))
    assert told(planned)["10.10.10.31"] == (
        ["pg-p-extra", "pg-a-primary"],
        ("member/*", "delegated/pg-a", "delegated/pg-p"),
    )


def test_one_cluster_only() -> None:
    hosts = {**pg_test(), **cluster("pg-meta", "primary", first=31)}
    assert list(plan(hosts, only=("pg-meta",)).publications) == ["10.10.10.31"]
    assert list(plan(hosts, play=["10.10.10.12", "10.10.10.31"]).publications) == ["10.10.10.31", "10.10.10.12"]


def test_hosts_without_haproxy_are_left_out() -> None:
    hosts = pg_test()
    hosts["10.10.10.12"]["haproxy_enabled"] = "false"
    assert list(plan(hosts).publications) == ["10.10.10.11", "10.10.10.13"]


TARGETS: list[tuple[Any, list[str]]] = [
    (["10.10.10.12"], ["10.10.10.12"]),
    ("10.10.10.12,10.10.10.13", ["10.10.10.12", "10.10.10.13"]),
    (["192.0.2.12"], ["10.10.10.12"]),
    (["db-13.example.org"], ["10.10.10.13"]),
    ([], ["10.10.10.11", "10.10.10.12", "10.10.10.13"]),
    ("", ["10.10.10.11", "10.10.10.12", "10.10.10.13"]),
]


@pytest.mark.parametrize(("targets", "expected"), TARGETS)
def test_targets(targets: Any, expected: list[str]) -> None:
    hosts = pg_test(pg_service_targets=targets)
    hosts["10.10.10.12"]["ansible_host"] = "192.0.2.12"
    hosts["10.10.10.13"]["pg_address"] = "db-13.example.org"
    assert list(plan(hosts).publications) == expected


def test_a_target_in_a_group() -> None:
    hosts = with_proxies(cluster("pg-a", "primary", pg_service_targets=["10.10.10.18"], **DELEGATED))
    assert told(plan(hosts, PROXIES)) == {"p1": (["pg-a-primary"], ("delegated/pg-a",))}
    hosts = with_proxies(cluster("pg-a", "primary", pg_service_targets=["p3"], **DELEGATED))
    assert problems(hosts, PROXIES) == [
        "pg-a: pg_service_targets: 'p3' is not a load balancer of this cluster; allowed: p1, p2"
    ]


def test_targets_of_one_cluster_do_not_widen_another() -> None:
    """Given for the whole run (extra variables), they leave out every cluster that has none of them."""
    hosts = {
        **pg_test(pg_service_targets=["10.10.10.12"]),
        **cluster("pg-meta", "primary", first=31, pg_service_targets=["10.10.10.12"]),
    }
    assert list(plan(hosts).publications) == ["10.10.10.12"]


def test_a_load_balancer_that_a_cluster_leaves_out_keeps_its_files_of_it() -> None:
    hosts = with_proxies(
        cluster("pg-a", "primary", pg_service_targets=["p2"], **DELEGATED),
        cluster("pg-b", "primary", first=21, **DELEGATED),
    )
    assert told(plan(hosts, PROXIES, play=["p1"])) == {"p1": (["pg-b-primary"], ("delegated/pg-b",))}


WARNINGS: list[tuple[dict[str, Any], list[str]]] = [
    (
        {"selector": "[? pg_role == 'delayed']"},
        [
            "pg-test: service extra: selector: \"[? pg_role == 'delayed']\" selects no member; "
            "the service refuses connections"
        ],
    ),
]


@pytest.mark.parametrize(("fields", "expected"), WARNINGS)
def test_warnings(fields: dict[str, Any], expected: list[str]) -> None:
    assert list(plan(pg_test(pg_default_services=[service(**fields)])).warnings) == expected


def test_a_cluster_of_one_has_no_offline_service() -> None:
    planned = plan(cluster("pg-meta", "primary"))
    assert not planned.warnings
    assert services_on(planned, "10.10.10.11")["pg-meta-offline"].servers == ()


def test_only_what_is_needed_is_read() -> None:
    hosts = pg_test(pg_default_services=[service(selector="[? site == 'a' && tags.ssd]")], site="a", tags={"ssd": True})
    counted = {
        host: CountingVariables({**variables, "expensive": "{{ never }}", "other": 1})
        for host, variables in hosts.items()
    }
    found = services_on(plan(counted), "10.10.10.11")["pg-test-extra"]
    assert len(found.servers) == 3
    for variables in counted.values():
        assert {"expensive", "other"}.isdisjoint(variables.read)
        assert (variables.read.count("site"), variables.read.count("tags")) == (1, 1)


def test_the_order_of_hosts_and_groups_does_not_matter() -> None:
    hosts = with_proxies(
        pg_test(),
        cluster("pg-a", "primary", "replica", first=21, **DELEGATED),
        cluster("pg-b", "primary", first=31, **{**DELEGATED, "pg_default_services": [service(port=10023)]}),
    )
    play = [host for host in hosts if host not in ("p1", "p2")]
    expected = plan(hosts, PROXIES, play).to_dict()
    shuffle = random.Random(7)  # noqa: S311  no secret
    for _each in range(20):
        names = shuffle.sample(list(hosts), len(hosts))
        group = shuffle.sample(PROXIES["proxy"], 2)
        found = plan({name: hosts[name] for name in names}, {"proxy": group}, shuffle.sample(play, len(play))).to_dict()
        found["publishers"].sort(key=lambda publisher: play.index(publisher["host"]))
        assert found == expected


def test_services_of_one_cluster() -> None:
    hosts = with_proxies(pg_test(), cluster("pg-a", "primary", first=21, **DELEGATED))
    groups = {"all": list(hosts), **PROXIES}

    def resolve(name: str, load_balancer: str | None = None) -> list[tuple[str, str]]:
        report = Report()
        found = services_of(Inventory(hosts, groups, report), report, name, load_balancer)
        return [(service.name, service.load_balancer) for service in found]

    assert resolve("pg-a") == [("pg-a-primary", "p1")]
    assert resolve("pg-a", "p2") == [("pg-a-primary", "p2")]
    assert len(resolve("pg-test")) == 4
    with pytest.raises(
        PlanError, match=r"'p2' is not a load balancer of this cluster, but of pg-a; allowed: 10\.10\.10\.11, "
    ):
        resolve("pg-test", "p2")
    with pytest.raises(PlanError, match="'pg-x' is not a cluster of the inventory, did you mean 'pg-a'"):
        resolve("pg-x")

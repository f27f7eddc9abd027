# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that were load balancers of a provider group once, and what a run does about them."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.pgsvc.access.tests.unit.plugins.plugin_utils.planning import (
    DELEGATED,
    PROXIES,
    cluster,
    pg_test,
    plan,
    told,
    with_proxies,
)

# haproxy variables of p1 and p2, of every host, hosts of the play, clusters to narrow to, who is asked for leftovers
FORMER: list[tuple[dict[str, Any], dict[str, Any], list[str] | None, tuple[str, ...], list[str]]] = [
    ({"haproxy_enabled": True}, {}, None, (), ["p1", "p2"]),
    ({"haproxy_exporter_port": 9102}, {}, None, (), ["p1", "p2"]),
    ({"haproxy_admin_password": "x"}, {}, None, (), ["p1", "p2"]),
    ({"pg_service_ip": "10.10.10.18"}, {}, None, (), ["p1", "p2"]),
    ({"haproxy_enabled": True}, {"haproxy_enabled": True}, None, (), []),
    ({"haproxy_enabled": True}, {"haproxy_conf_dir": "/etc/haproxy/conf.d"}, None, (), ["p1", "p2"]),
    ({}, {"haproxy_conf_dir": "/etc/haproxy/conf.d"}, None, (), []),
    ({"haproxy_enabled": "false"}, {}, None, (), []),
    ({"haproxy_enabled": None}, {}, None, (), []),
    ({}, {}, None, (), []),
    ({}, {}, ["p1"], (), ["p1"]),
    ({}, {}, ["p1", "p2"], ("pg-a",), ["p1", "p2"]),
    ({}, {}, ["p1", "10.10.10.11"], (), []),
    ({"haproxy_enabled": True}, {}, ["p1", "10.10.10.11"], (), ["p1"]),
    ({"haproxy_enabled": True}, {}, None, ("pg-b",), ["p1", "p2"]),
    ({"haproxy_enabled": True}, {}, ["10.10.10.11"], (), []),
    ({}, {}, ["app"], (), ["app"]),
    ({"haproxy_enabled": "false"}, {}, ["p1"], (), []),
]


@pytest.mark.parametrize(("own", "shared", "play", "only", "expected"), FORMER)
def test_former_load_balancers(
    own: dict[str, Any], shared: dict[str, Any], play: list[str] | None, only: tuple[str, ...], expected: list[str]
) -> None:
    """The last cluster has left group proxy, so nothing names it; the app host never was a load balancer."""
    hosts = with_proxies(cluster("pg-a", "primary"), cluster("pg-b", "primary", first=21), {"app": {"app_port": 80}})
    for host, variables in hosts.items():
        variables.update({**shared, **(own if host in ("p1", "p2") else {})})
    planned = plan(hosts, PROXIES, play, only)
    asked = {host: publication for host, publication in planned.publications.items() if publication.if_present}
    assert sorted(asked) == expected
    owners = tuple(f"delegated/{name}" for name in only or ("pg-a", "pg-b"))
    assert all(told(planned)[host] == ([], owners) for host in expected)
    assert all(publication.carries == () for publication in asked.values())
    assert [host for host in planned.publishers if host in ("p1", "p2", "app")] == [
        host for host in play or hosts if host in expected
    ]


def test_a_host_that_left_a_group_which_others_still_form() -> None:
    hosts = with_proxies(cluster("pg-a", "primary", **DELEGATED), {"p3": {"haproxy_enabled": True}})
    planned = plan(hosts, PROXIES)
    assert told(planned)["p3"] == ([], ("delegated/pg-a",))
    assert [planned.publications[host].if_present for host in ("p1", "p2", "p3")] == [False, False, True]


def test_a_member_that_carried_another_cluster() -> None:
    hosts = {**cluster("pg-a", "primary"), **cluster("pg-p", "primary", "replica", first=31)}
    hosts["10.10.10.31"]["haproxy_enabled"] = True
    owners = {host: publication.owners for host, publication in plan(hosts).publications.items()}
    assert owners == {
        "10.10.10.11": ("member/*",),
        "10.10.10.31": ("member/*", "delegated/pg-a", "delegated/pg-p"),
        "10.10.10.32": ("member/*",),
    }


def test_targets_leave_former_load_balancers_alone() -> None:
    hosts = with_proxies(
        cluster("pg-a", "primary", "replica", pg_service_targets=["10.10.10.11"]),
        cluster("pg-b", "primary", first=21),
    )
    for host in ("p1", "p2"):
        hosts[host]["haproxy_enabled"] = True
    assert told(plan(hosts, PROXIES))["p1"] == ([], ("delegated/pg-b",))
    assert list(plan(hosts, PROXIES, only=("pg-a",)).publications) == ["10.10.10.11"]


def test_what_a_run_leaves_out_is_said_in_one_line() -> None:
    hosts = with_proxies(pg_test(), {"app": {}})
    for host in ("p1", "p2"):
        hosts[host]["haproxy_enabled"] = True
    line = (
        "not in this run: {}, not in a group that pg_service_provider names; to remove services that are left there "
        "from earlier, run with -l {}"
    )
    assert plan(hosts, PROXIES).notes == ()
    assert plan(hosts, PROXIES, play=["10.10.10.11"]).notes == (line.format("p1, p2", "p1,p2"),)
    assert plan(hosts, PROXIES, play=["10.10.10.11", "p2"]).notes == (line.format("p1", "p1"),)
    hosts["p2"]["haproxy_enabled"] = False
    assert plan(hosts, PROXIES, play=["10.10.10.11"]).notes == (line.format("p1", "p1"),)
    assert plan(with_proxies(pg_test()), PROXIES, play=["10.10.10.11"]).notes == ()


def test_a_host_with_another_haproxy_does_not_end_the_run() -> None:
    """It never had to do with the clusters: what its variables mean is not for this collection to say."""
    hosts = pg_test()
    hosts["edge"] = {"haproxy_services": {"web": 80}, "haproxy_conf_dir": "conf", "haproxy_stats_socket": "s.sock"}
    planned = plan(hosts)
    assert sorted(planned.publications) == ["10.10.10.11", "10.10.10.12", "10.10.10.13"]
    assert planned.warnings == (
        "edge: haproxy_conf_dir: 'conf' is not a path; allowed: an absolute path of up to 1024 letters, digits and "
        "-_.,:@%+=~/",
        "edge: haproxy_stats_socket: 's.sock' is not a path; allowed: an absolute path of up to 1024 letters, "
        "digits and -_.,:@%+=~/",
    )
    hosts["edge"] = {"haproxy_services": {"web": 80}}
    assert plan(hosts).publications["edge"].if_present

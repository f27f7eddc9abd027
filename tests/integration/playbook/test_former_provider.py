# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last cluster leaves a provider group: what happens to its services on the hosts of the group."""

from __future__ import annotations

import pytest

from ansible_collections.pgsvc.access.tests.integration.playbook.fleet import Fleet
from ansible_collections.pgsvc.access.tests.support import binaries
from ansible_collections.pgsvc.access.tests.support.fixtures import private_address

NONE: list[str] = []
PRIMARY = ["pg-meta-primary"]


@pytest.fixture
def published(fleet: Fleet) -> Fleet:
    """pg-meta is on the hosts of group proxy, where HAProxy is said to run; bystanders have no HAProxy."""
    fleet.groups["proxy"]["vars"]["haproxy_enabled"] = True
    fleet.save()
    fleet.publish("pg-meta")
    for host in fleet.groups["infra"]["hosts"]:
        fleet.conf_dir(host).rmdir()
    return fleet


def move(fleet: Fleet, provider: str) -> None:
    fleet.groups["pg-meta"]["vars"]["pg_service_provider"] = provider
    fleet.save()


def own(fleet: Fleet) -> list[str]:
    return list(fleet.groups["pg-meta"]["hosts"])


@pytest.mark.parametrize("command", ["pgsql-svc", pytest.param("playbook", marks=pytest.mark.full)])
def test_a_run_over_the_whole_inventory_removes_it(published: Fleet, proxies: list[str], command: str) -> None:
    move(published, "")

    said = published.pgsql_svc("pg-meta") if command == "pgsql-svc" else published.playbook("-t", "pg_service")

    assert said.code == 0, said.text
    assert [published.files(host) for host in proxies] == [NONE] * 2
    assert [published.files(host) for host in own(published)] == [PRIMARY] * 2
    if command == "pgsql-svc":
        assert said.last == "pgsql-svc: 4 load balancers: 4 written, not applied"
        assert published.pgsql_svc("pg-meta").last == "pgsql-svc: 2 load balancers: 2 unchanged"
    # Hosts that never had to do with it are not dialed; the first host of all makes the plan.
    _planner, bystander = published.groups["infra"]["hosts"]
    assert bystander not in said.changed


def test_it_moves_to_another_group(published: Fleet, proxies: list[str], members: list[str]) -> None:
    published.group("proxy_b", {members[2]: {}})
    move(published, "proxy_b")

    foreseen, said = published.pgsql_svc("pg-meta", "--check"), published.pgsql_svc("pg-meta")

    assert foreseen.last == "pgsql-svc: 3 load balancers: 3 would be written, not applied"
    assert said.last == "pgsql-svc: 3 load balancers: 3 written, not applied"
    assert [published.files(host) for host in proxies] == [NONE] * 2
    assert "pg-meta-primary" in published.files(members[2])


def test_the_next_run_of_another_cluster_of_the_group_removes_it(published: Fleet, proxies: list[str]) -> None:
    """A run for the cluster that has left does not: it would dial the load balancers of all clusters."""
    service = {"name": "primary", "port": 10014, "check": "/primary", "selector": "[]"}
    published.cluster("pg-more", [private_address()], pg_service_provider="proxy", pg_default_services=[service])
    move(published, "")

    assert published.pgsql_svc("pg-meta").last == "pgsql-svc: 2 load balancers: 2 written, not applied"
    assert [published.files(host) for host in proxies] == [PRIMARY] * 2

    assert published.pgsql_svc("pg-more").last == "pgsql-svc: 2 load balancers: 2 written, not applied"
    assert [published.files(host) for host in proxies] == [["pg-more-primary"]] * 2


@pytest.mark.parametrize("is_marked", [pytest.param(True, marks=pytest.mark.full), False])
def test_a_run_limited_to_the_group_removes_it(published: Fleet, proxies: list[str], is_marked: bool) -> None:
    """Whether or not the inventory says that HAProxy runs there: the run is about nothing else."""
    if not is_marked:
        del published.groups["proxy"]["vars"]["haproxy_enabled"]
    move(published, "")

    said = published.playbook("-t", "pg_service", "-l", "proxy")

    assert said.code == 0, said.text
    assert [published.files(host) for host in proxies] == [NONE] * 2
    assert [published.files(host) for host in own(published)] == [NONE] * 2


def test_a_run_that_leaves_the_group_out_says_so_in_one_line(published: Fleet, proxies: list[str]) -> None:
    move(published, "")

    said = published.playbook("-t", "pg_service", "-l", "pg-meta")

    assert said.code == 0, said.text
    assert [published.files(host) for host in proxies] == [PRIMARY] * 2
    line = f"not in this run: {', '.join(proxies)}, not in a group that pg_service_provider names; to remove services"
    assert line in " ".join(said.text.split())
    assert f"-l {','.join(proxies)}" in said.text


def test_files_of_others_stay(published: Fleet, proxies: list[str]) -> None:
    """Of a cluster that this inventory does not know, and of nobody known at all."""
    path = published.conf_dir(proxies[0]) / "pg-meta-primary.cfg"
    theirs = path.read_text().replace("pg-meta", "pg-other").replace(":10013", ":10019")
    (path.parent / "pg-other-primary.cfg").write_text(theirs)
    (path.parent / "web.cfg").write_text("listen web\n    bind 127.0.0.1:1\n")
    move(published, "")

    published.pgsql_svc("pg-meta")

    assert [published.files(host) for host in proxies] == [["pg-other-primary", "web"], NONE]


@pytest.mark.parametrize("limit", ["infra", "all"])
def test_a_host_that_never_was_a_load_balancer_gets_no_error(published: Fleet, limit: str) -> None:
    """It has neither HAProxy nor its folder; in the second case it has a variable that says otherwise."""
    host = next(iter(published.groups["infra"]["hosts"]))
    if limit == "all":
        published.groups["infra"]["hosts"][host]["haproxy_services"] = []
    published.save()

    said = published.playbook("-t", "pg_service", "-l", limit)

    assert said.code == 0, said.text
    assert said.changed[host] == 0
    assert not published.conf_dir(host).exists()


def test_a_running_haproxy_drops_it(published: Fleet, proxies: list[str]) -> None:
    with published.run_haproxy(proxies[0], binaries.binary("2.6")) as haproxy:
        assert "pg-meta-primary" in {row["pxname"] for row in haproxy.api.stat()}
        move(published, "")

        said = published.pgsql_svc("pg-meta")

        assert said.code == 0, said.text
        assert "pg-meta-primary" not in {row["pxname"] for row in haproxy.api.stat()}

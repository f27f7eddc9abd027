# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook ``pgsvc.access.pgsql``: limits, tags, provider groups, strategies."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ansible_collections.pgsvc.access.tests.integration.playbook.fleet import Fleet
from ansible_collections.pgsvc.access.tests.support import binaries

DEFAULT = ["pg-test-default", "pg-test-offline", "pg-test-primary", "pg-test-replica"]


@pytest.mark.every_core
def test_publishes_every_cluster_of_the_inventory(fleet: Fleet, members: list[str], proxies: list[str]) -> None:
    said = fleet.playbook("-t", "pg_service")

    assert said.code == 0, said.text
    assert [fleet.files(host) for host in members] == [DEFAULT] * 3
    assert [fleet.files(host) for host in proxies] == [["pg-meta-primary"]] * 2
    assert "[DEPRECATION WARNING]" not in said.text
    # The first host of all makes the plan; another one without services costs no task.
    _planner, bystander = fleet.groups["infra"]["hosts"]
    assert bystander not in said.changed


def test_is_the_same_by_path(fleet: Fleet, members: list[str]) -> None:
    said = fleet.playbook("-t", "pg_service", "-l", "pg-test", playbook=str(fleet.checkout / "playbooks" / "pgsql.yml"))

    assert said.code == 0, said.text
    assert [fleet.files(host) for host in members] == [DEFAULT] * 3


def test_a_limit_to_one_member_touches_only_it_and_knows_the_whole_cluster(fleet: Fleet, members: list[str]) -> None:
    fleet.playbook("-t", "pg_service", "-l", members[0])

    assert [fleet.files(host) for host in members] == [DEFAULT, [], []]
    assert (fleet.conf_dir(members[0]) / "pg-test-primary.cfg").read_text().count("    server ") == 3


@pytest.mark.parametrize("limit", [pytest.param("pg-meta", marks=pytest.mark.every_core), "proxy"])
def test_a_provider_group_is_published_from_the_cluster_alone_and_from_itself(
    fleet: Fleet, members: list[str], proxies: list[str], limit: str
) -> None:
    said = fleet.playbook("-t", "pg_service", "-l", limit)

    assert said.code == 0, said.text
    assert [fleet.files(host) for host in proxies] == [["pg-meta-primary"]] * 2
    assert [fleet.files(host) for host in members] == [[]] * 3
    # Two members share the two load balancers: both are told at once.
    assert sorted(host for host, changed in said.changed.items() if changed) == sorted(
        fleet.groups[limit]["hosts"] if limit == "pg-meta" else proxies
    )


def test_members_lose_their_files_when_their_cluster_is_delegated(
    fleet: Fleet, members: list[str], proxies: list[str]
) -> None:
    fleet.playbook("-t", "pg_service", "-l", "pg-test")
    (fleet.conf_dir(members[0]) / "own.cfg").write_text("listen own\n    bind 127.0.0.1:1\n")
    fleet.groups["pg-test"]["vars"]["pg_service_provider"] = "proxy"
    fleet.save()

    said = fleet.playbook("-t", "pg_service", "-l", "pg-test")

    assert said.code == 0, said.text
    assert [fleet.files(host) for host in members] == [["own"], [], []]
    assert fleet.files(proxies[0]) == ["pg-meta-primary", *DEFAULT]


def test_a_renamed_cluster_leaves_nothing_behind(fleet: Fleet, members: list[str]) -> None:
    fleet.playbook("-t", "pg_service", "-l", "pg-test")
    fleet.groups["pg-prod"] = fleet.groups.pop("pg-test")
    fleet.groups["pg-prod"]["vars"]["pg_cluster"] = "pg-prod"
    fleet.save()

    fleet.playbook("-t", "pg_service", "-l", "pg-prod")

    assert fleet.files(members[0]) == [f"pg-prod-{name}" for name in ("default", "offline", "primary", "replica")]


@pytest.mark.every_core
def test_one_mistake_anywhere_keeps_every_host_untouched(fleet: Fleet, members: list[str], proxies: list[str]) -> None:
    fleet.groups["pg-test"]["hosts"][members[2]]["pg_seq"] = 1
    fleet.groups["pg-meta"]["vars"]["pg_default_services"][0]["dest"] = "pgbouncr"
    fleet.save()

    refused = fleet.playbook("-t", "pg_service")

    assert refused.code == 2
    assert "2 problems in the inventory, no host was touched:" in refused.text
    assert f"- pg-test: pg_seq: 1 is used by {', '.join(sorted([members[0], members[2]]))}" in refused.text
    assert "- pg-meta: service primary: dest: 'pgbouncr' is not a destination" in refused.text
    assert [fleet.files(host) for host in [*members, *proxies]] == [[]] * 5


@pytest.mark.parametrize(
    "keywords", [pytest.param({"strategy": "free"}, marks=pytest.mark.every_core), {"serial": 1}, {}]
)
def test_the_role_in_a_play_of_ones_own(
    fleet: Fleet, members: list[str], proxies: list[str], keywords: dict[str, object]
) -> None:
    playbook = fleet.folder / "site.yml"
    roles = [{"role": "pgsvc.access.pg_service"}]
    playbook.write_text(
        yaml.safe_dump([{"hosts": "pg-test,pg-meta", "gather_facts": False, "roles": roles, **keywords}])
    )

    said = fleet.playbook(playbook=str(playbook))

    assert said.code == 0, said.text
    assert [fleet.files(host) for host in [*members, *proxies]] == [DEFAULT] * 3 + [["pg-meta-primary"]] * 2
    assert set(fleet.playbook(playbook=str(playbook)).changed.values()) == {0}


@pytest.mark.every_core
def test_tags_write_without_applying_and_apply_without_writing(fleet: Fleet, members: list[str]) -> None:
    node = members[0]
    with fleet.run_haproxy(node, binaries.binary("2.6")) as haproxy:

        def proxies() -> set[str]:
            return {row["pxname"] for row in haproxy.api.stat() if row["pxname"].startswith("pg-test-")}

        written = fleet.playbook("-t", "pg_service_config", "-l", node)
        assert (written.code, fleet.files(node), proxies()) == (0, DEFAULT, set()), written.text

        applied = fleet.playbook("-t", "pg_service_reload", "-l", node)
        assert (applied.code, proxies()) == (0, set(DEFAULT)), applied.text
        assert applied.changed[node] == 1

        assert fleet.playbook("-t", "pg_service_reload", "-l", node).changed[node] == 0
        assert fleet.playbook("-t", "pg_service", "-l", node).changed[node] == 0


def test_applies_at_once_on_a_running_haproxy(fleet: Fleet, members: list[str]) -> None:
    node = members[0]
    with fleet.run_haproxy(node, binaries.binary("2.6")) as haproxy:
        said = fleet.pgsql_svc("pg-test", node)

        assert said.last == "pgsql-svc: 1 load balancer: 1 changed by a reload"
        assert {row["pxname"] for row in haproxy.api.stat()} >= set(DEFAULT)
        worker = haproxy.worker
        assert fleet.pgsql_svc("pg-test", node).last == "pgsql-svc: 1 load balancer: 1 unchanged"
        assert haproxy.worker == worker


def test_the_checkout_needs_no_writable_folder_of_its_own(fleet: Fleet, checkout: Path) -> None:
    before = set(checkout.iterdir())

    fleet.pgsql_svc("pg-test")

    assert set(checkout.iterdir()) == before

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs with a part of the inventory, as a dynamic inventory that failed half way or a job slice gives it."""

from __future__ import annotations

import re

import pytest

from ansible_collections.pgsvc.access.tests.integration.playbook.fleet import Fleet, Output

DEFAULT = ["pg-test-default", "pg-test-offline", "pg-test-primary", "pg-test-replica"]


def servers(fleet: Fleet, load_balancer: str, service: str = "pg-test-primary") -> list[str]:
    text = (fleet.conf_dir(load_balancer) / f"{service}.cfg").read_text()
    return re.findall(r"^ +server (\S+)", text, re.MULTILINE)


def without(fleet: Fleet, *hosts: str) -> None:
    """The inventory lacks these members of pg-test."""
    for host in hosts:
        del fleet.groups["pg-test"]["hosts"][host]
    fleet.save()


def message(said: Output) -> str:
    """What was said, on one line: Ansible folds long messages."""
    return " ".join(said.text.split())


@pytest.mark.parametrize("option", [[], ["--check"]])
def test_two_of_three_members_are_missing(fleet: Fleet, members: list[str], option: list[str]) -> None:
    fleet.pgsql_svc("pg-test")
    before = {path: path.read_bytes() for path in fleet.conf_dir(members[0]).iterdir()}
    without(fleet, *members[1:])

    refused = fleet.pgsql_svc("pg-test", *option)

    assert refused.code == 2
    assert refused.last == f"pgsql-svc: 1 load balancer: 1 failed ({members[0]})"
    assert (
        "The inventory seems to be incomplete: cluster pg-test would lose pg-test-2, pg-test-3 (2 of 3 members). "
        "Nothing was changed. Run again with the complete inventory, or set pg_service_allow_shrink: true"
    ) in message(refused)
    assert {path: path.read_bytes() for path in fleet.conf_dir(members[0]).iterdir()} == before


def test_it_passes_when_it_is_meant(fleet: Fleet, members: list[str]) -> None:
    fleet.pgsql_svc("pg-test")
    without(fleet, *members[1:])

    allowed = fleet.pgsql_svc("pg-test", "--", "-e", "pg_service_allow_shrink=true")

    assert allowed.last == "pgsql-svc: 1 load balancer: 1 written, not applied"
    assert servers(fleet, members[0]) == ["pg-test-1"]


def test_one_replica_after_the_other_passes_with_the_default_services(fleet: Fleet, members: list[str]) -> None:
    fleet.pgsql_svc("pg-test")
    without(fleet, members[2])
    assert fleet.pgsql_svc("pg-test").last == "pgsql-svc: 2 load balancers: 2 written, not applied"
    assert servers(fleet, members[0], "pg-test-offline") == ["pg-test-2"]

    without(fleet, members[1])

    assert fleet.pgsql_svc("pg-test").last == "pgsql-svc: 1 load balancer: 1 written, not applied"
    assert servers(fleet, members[0]) == ["pg-test-1"]
    assert servers(fleet, members[0], "pg-test-offline") == []


def test_a_declared_service_that_would_lose_its_only_member(fleet: Fleet, members: list[str]) -> None:
    fleet.groups["pg-test"]["hosts"][members[2]]["pg_role"] = "delayed"
    fleet.groups["pg-test"]["vars"]["pg_services"] = [
        {"name": "delayed", "port": 5439, "check": "/replica", "selector": "[? pg_role == 'delayed']"}
    ]
    fleet.save()
    fleet.pgsql_svc("pg-test")
    without(fleet, members[2])

    refused = fleet.pgsql_svc("pg-test")

    assert refused.last == f"pgsql-svc: 2 load balancers: 2 failed ({', '.join(sorted(members[:2]))})"
    assert "service pg-test-delayed would lose pg-test-3 (all of its servers)" in message(refused)
    assert servers(fleet, members[0]) == ["pg-test-1", "pg-test-2", "pg-test-3"]


def test_definitions_that_are_missing(fleet: Fleet, members: list[str], proxies: list[str]) -> None:
    """The variables of a group can be missing as well as its hosts; on a provider group it is the same."""
    fleet.playbook("-t", "pg_service")
    fleet.groups["pg-test"]["vars"]["pg_default_services"] = []
    fleet.groups["pg-meta"]["vars"]["pg_default_services"] = []
    fleet.save()

    refused = fleet.playbook("-t", "pg_service")

    assert refused.code == 2
    assert "cluster pg-test would lose pg-test-1, pg-test-2, pg-test-3 (all of its services)" in message(refused)
    assert "cluster pg-meta would lose pg-meta-1, pg-meta-2 (all of its services)" in message(refused)
    assert [fleet.files(host) for host in [*members, *proxies]] == [DEFAULT] * 3 + [["pg-meta-primary"]] * 2

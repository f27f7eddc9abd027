# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inventories for the tests of planning: plain mappings, as pure as the core that reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import pytest

from ansible_collections.pgsvc.access.plugins.plugin_utils._input.inventory import Inventory
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import (
    Code,
    PlanError,
    Problem,
    Report,
    ValueProblem,
)
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.service import Service
from ansible_collections.pgsvc.access.plugins.plugin_utils._plan.plan import Plan
from ansible_collections.pgsvc.access.plugins.plugin_utils._plan.planner import make_plan

Hosts = dict[str, dict[str, Any]]

TITLE = "{} in the inventory, no host was touched:"


class CountingVariables(Mapping[str, Any]):
    """The variables of a host, which remember what was read of them."""

    def __init__(self, variables: dict[str, Any]) -> None:
        self._variables = variables
        self.read: list[str] = []

    def __getitem__(self, name: str) -> Any:
        self.read.append(name)
        return self._variables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._variables)

    def __len__(self) -> int:
        return len(self._variables)

    def __contains__(self, name: object) -> bool:
        return name in self._variables


def cluster(name: str, *roles: str, network: str = "10.10.10", first: int = 11, **variables: Any) -> Hosts:
    """The hosts of a cluster, one for each role: ``10.10.10.11`` is number 1, and so on. ``variables`` are on each."""
    return {
        f"{network}.{first + index}": {"pg_cluster": name, "pg_seq": index + 1, "pg_role": role, **variables}
        for index, role in enumerate(roles)
    }


def pg_test(**variables: Any) -> Hosts:
    """The description's example: a primary, a replica and an offline instance."""
    return cluster("pg-test", "primary", "replica", "offline", **variables)


def service(**fields: Any) -> dict[str, Any]:
    """A definition that is right, with other fields."""
    return {"name": "extra", "port": 5440, "selector": "[]", **fields}


def plan(
    hosts: Mapping[str, Mapping[str, Any]],
    groups: Mapping[str, Iterable[str]] | None = None,
    play: Iterable[str] | None = None,
    only: tuple[str, ...] = (),
) -> Plan:
    report = Report()
    return make_plan(Inventory(hosts, {"all": list(hosts), **(groups or {})}, report), report, play, only)


def problems(
    hosts: Mapping[str, Mapping[str, Any]],
    groups: Mapping[str, Iterable[str]] | None = None,
    play: Iterable[str] | None = None,
    only: tuple[str, ...] = (),
) -> list[str]:
    """The lines of the one message that this inventory gets."""
    with pytest.raises(PlanError) as caught:
        plan(hosts, groups, play, only)
    title, *lines = str(caught.value).split("\n")
    assert title == TITLE.format("1 problem" if len(lines) == 1 else f"{len(lines)} problems")
    assert all(line.startswith("- ") for line in lines)
    return [line[2:] for line in lines]


class Wrong(NamedTuple):
    """A problem that a test expects; ``says`` is its exact message, which a few rows of each table have."""

    code: Code
    value: Any = None
    field: str = ""
    service: str = ""
    says: str = ""


def found(
    hosts: Mapping[str, Mapping[str, Any]],
    groups: Mapping[str, Iterable[str]] | None = None,
    play: Iterable[str] | None = None,
    only: tuple[str, ...] = (),
) -> tuple[Problem, ...]:
    """The problems of this inventory."""
    with pytest.raises(PlanError) as caught:
        plan(hosts, groups, play, only)
    return caught.value.problems


def assert_problems(problems: Iterable[Problem], where: str, *expected: Wrong) -> None:
    """These problems are in this place, each once, and no other is."""
    given = list(problems)
    assert [(each.code, each.where, each.service, each.field, each.value) for each in given] == [
        (each.code, where, each.service, each.field, each.value) for each in expected
    ]
    for problem, wrong in zip(given, expected, strict=True):
        assert wrong.says in ("", problem.message)


def assert_refused(check: Callable[[Any], Any], value: Any, expected: Wrong) -> None:
    """A function that checks one value raises this problem."""
    with pytest.raises(ValueProblem) as caught:
        check(value)
    assert (caught.value.code, caught.value.value) == (expected.code, expected.value)
    assert expected.says in ("", str(caught.value))


def services_on(planned: Plan, load_balancer: str) -> dict[str, Service]:
    return {service.name: service for service in planned.publications[load_balancer].services}


def one_service(variables: dict[str, Any] | None = None, **fields: Any) -> Service:
    """What becomes of a definition on the first load balancer of `pg_test`."""
    hosts = pg_test(pg_default_services=[service(**fields)], **(variables or {}))
    return plan(hosts).publications["10.10.10.11"].services[0]


DELEGATED: dict[str, Any] = {
    "pg_service_provider": "proxy",
    "pg_default_services": [
        {"name": "primary", "port": 10013, "dest": "postgres", "check": "/primary", "selector": "[]"}
    ],
}
PROXIES = {"proxy": ["p2", "p1"]}


def with_proxies(*hosts: Hosts) -> Hosts:
    merged: Hosts = {"p1": {"ansible_host": "10.10.10.18"}, "p2": {}}
    for some in hosts:
        merged |= some
    return merged


def told(planned: Plan) -> dict[str, tuple[list[str], tuple[str, ...]]]:
    """Each load balancer with the names of its files and whose files it may remove."""
    return {
        host: ([service.name for service in publication.services], publication.owners)
        for host, publication in planned.publications.items()
    }

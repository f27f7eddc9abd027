# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster of the inventory: its members, its service definitions, and which load balancers carry them."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.pgsvc.access.plugins.plugin_utils._input import defaults, values
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.cluster_settings import ClusterSettings, Setting
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.inventory import Inventory
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import (
    Report,
    ValueProblem,
    listed,
    nearest,
    not_allowed,
    shown,
)
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.definition import (
    Declared,
    Definition,
    hold,
    merge,
    parse_declared,
    service_roles,
)
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.member import (
    VARIABLES,
    Member,
    check_members,
    order_members,
    parse_member,
)
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.server_options import server_options
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.timings import preset, with_timings


@dataclass(frozen=True)
class Cluster:
    """A cluster as declared.

    ``definitions`` are those of its first primary; ``by_host`` those of each member, which differ in ``ip`` at most.
    ``options`` is the ``default-server`` line of services without one of their own, with the timings of ``rto``, which
    is empty when the inventory has no ``pg_rto``. ``roles`` and ``hold`` are what services have that do not say
    otherwise. ``load_balancers`` are all that carry its services, ``targets`` those of them that the user wants to be
    touched.
    """

    name: str
    hosts: tuple[str, ...]
    members: tuple[Member, ...]
    definitions: tuple[Definition, ...]
    by_host: dict[str, tuple[Definition, ...]]
    default_dest: str | int
    options: str
    rto: str
    roles: str
    hold: int
    provider: str
    load_balancers: tuple[str, ...]
    targets: tuple[str, ...]

    def definitions_on(self, load_balancer: str) -> tuple[Definition, ...]:
        """What a load balancer serves: its own definitions when it is a member and no group is delegated to."""
        return self.definitions if self.provider else self.by_host.get(load_balancer, self.definitions)


class ClusterReader:
    """Reads clusters from an inventory, looking once at what they share."""

    def __init__(self, inventory: Inventory, report: Report) -> None:
        self._inventory = inventory
        self._report = report
        self._parsed: dict[tuple[str, int], tuple[Any, Declared, Report]] = {}

    def read(self, name: str, hosts: Sequence[str]) -> Cluster:
        """The cluster ``name`` of these hosts. Mistakes go to the report."""
        self._check_name(hosts)
        members = self._members(name, hosts)
        by_host = {host: self._definitions(name, host) for host in hosts}
        first = _first_primary(members) or hosts[0]
        self._compare(name, first, by_host)
        reader = ClusterSettings(self._inventory, self._report, name, hosts)
        settings = reader.read(SETTINGS)
        provider = settings["pg_service_provider"]
        timings = _timings(reader, settings["pg_rto_plan"])
        return Cluster(
            name=name,
            hosts=tuple(hosts),
            members=members,
            definitions=by_host[first],
            by_host=by_host,
            default_dest=settings["pg_default_service_dest"],
            options=server_options(with_timings(defaults.SERVICE["options"], timings)),
            rto=timings,
            roles=settings["pg_service_roles"],
            hold=settings["pg_service_hold"],
            provider=provider,
            load_balancers=tuple(self._load_balancers(name, provider, [member.host for member in members] or hosts)),
            targets=settings["pg_service_targets"],
        )

    def _check_name(self, hosts: Sequence[str]) -> None:
        try:
            values.name(self._inventory.value(hosts[0], "pg_cluster"), "a cluster name")
        except ValueProblem as problem:
            self._report.value_problem(hosts[0], problem, field="pg_cluster")

    def _members(self, name: str, hosts: Sequence[str]) -> tuple[Member, ...]:
        found = [parse_member(host, name, self._inventory.values(host, VARIABLES), self._report) for host in hosts]
        members = order_members(name, [member for member in found if member is not None], self._report)
        if len(members) == len(hosts):
            check_members(name, members, self._report)
        return members

    def _definitions(self, name: str, host: str) -> tuple[Definition, ...]:
        return merge(self._declared(name, host, "pg_default_services"), self._declared(name, host, "pg_services"))

    def _declared(self, name: str, host: str, variable: str) -> Declared:
        value = self._value(host, variable)
        key = (variable, id(value))
        if key not in self._parsed:
            report = Report()
            self._parsed[key] = (value, parse_declared(value, variable, "", report), report)
        _kept_alive, declared, report = self._parsed[key]
        self._report.problems += [replace(problem, where=name) for problem in report.problems]
        return declared

    def _compare(self, name: str, first: str, by_host: dict[str, tuple[Definition, ...]]) -> None:
        expected = {definition.name: definition for definition in by_host[first]}
        for host, definitions in by_host.items():
            if all(map(operator.is_, definitions, by_host[first])) and len(definitions) == len(by_host[first]):
                continue
            found = {definition.name: definition for definition in definitions}
            for service in [*expected, *(service for service in found if service not in expected)]:
                self._compare_one(name, service, first, expected.get(service), host, found.get(service))

    def _compare_one(
        self, name: str, service: str, first: str, one: Definition | None, host: str, other: Definition | None
    ) -> None:
        if one is None or other is None:
            here, there = (host, first) if one is None else (first, host)
            self._report.problem(
                name,
                f"declared on host {here}, not on host {there}; allowed: the same services on every member",
                service,
                code="disagree",
            )
            return
        for field in one.differences(other):
            mine, theirs = _comparable(one, field), _comparable(other, field)
            self._report.problem(
                name,
                f"{shown(mine)} on host {first}, {shown(theirs)} on host {host}; allowed: one value for "
                "all members (only ip may differ)",
                service,
                field,
                code="disagree",
                value=(mine, theirs),
            )

    def _load_balancers(self, name: str, provider: str, hosts: Iterable[str]) -> list[str]:
        if not provider:
            return list(hosts)
        groups = self._inventory.groups
        if provider not in groups:
            allowed = listed(sorted(set(groups) - {"all", "ungrouped"}))
            self._report.problem(
                name,
                f"{shown(provider)} is not a group of the inventory{nearest(provider, groups)}; allowed: {allowed}",
                field="pg_service_provider",
                code="unknown-name",
                value=provider,
            )
            return []
        if not groups[provider]:
            self._report.problem(
                name,
                f"{shown(provider)} is a group without hosts; allowed: a group of load balancers",
                field="pg_service_provider",
                code="empty",
                value=provider,
            )
        return sorted(groups[provider])

    def _value(self, host: str, variable: str) -> Any:
        value = self._inventory.value(host, variable)
        return defaults.CLUSTER[variable] if value is None else value


def _first_primary(members: Sequence[Member]) -> str | None:
    primaries = [member.host for member in members if member.role == "primary"]
    return next(iter([*primaries, *(member.host for member in members)]), None)


def _comparable(definition: Definition, field: str) -> Any:
    value = getattr(definition, field)
    return getattr(value, "expression", value)


def _provider(value: Any) -> str:
    return values.text(value, "a group")


def _targets(value: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values.word_list(value, "a load balancer")))


def _default_dest(value: Any) -> str:
    if value not in ("postgres", "pgbouncer"):
        raise not_allowed(value, "a destination", "postgres or pgbouncer")
    return str(value)


# Variables that all members of a cluster have to agree on. `pg_rto` is read with the presets of `pg_rto_plan`.
SETTINGS: dict[str, Setting] = {
    "pg_service_provider": Setting(_provider, defaults.CLUSTER["pg_service_provider"]),
    "pg_service_targets": Setting(_targets, ()),
    "pg_service_roles": Setting(service_roles, defaults.CLUSTER["pg_service_roles"]),
    "pg_service_hold": Setting(hold, defaults.CLUSTER["pg_service_hold"]),
    "pg_default_service_dest": Setting(_default_dest, defaults.CLUSTER["pg_default_service_dest"]),
    "pg_rto_plan": Setting(lambda value: value, defaults.CLUSTER["pg_rto_plan"]),
}


def _timings(reader: ClusterSettings, plans: Any) -> str:
    """The timings of health checks that ``pg_rto`` stands for; empty when it is not set."""
    timings: str = reader.read({"pg_rto": Setting(lambda value: preset(value, plans), "")})["pg_rto"]
    return timings

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans the access to clusters: endpoints, names, virtual addresses and service files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.pgsvc.access.plugins.plugin_utils._access.balancer_addresses import (
    BalancerVip,
    BalancerVipReader,
)
from ansible_collections.pgsvc.access.plugins.plugin_utils._access.endpoints import (
    Access,
    Balancer,
    Endpoint,
    endpoints_of,
)
from ansible_collections.pgsvc.access.plugins.plugin_utils._access.names import NameReader, Names
from ansible_collections.pgsvc.access.plugins.plugin_utils._access.urls import REACHED_BY, Login, service_sections
from ansible_collections.pgsvc.access.plugins.plugin_utils._access.virtual_addresses import Vip, VipReader
from ansible_collections.pgsvc.access.plugins.plugin_utils._input import values
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.cluster_settings import ClusterSettings, Setting
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.inventory import Inventory
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import (
    Problem,
    Report,
    ValueProblem,
    listed,
    not_allowed,
)
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.cluster import Cluster
from ansible_collections.pgsvc.access.plugins.plugin_utils._plan.collector import without_collection
from ansible_collections.pgsvc.access.plugins.plugin_utils._plan.plan import Plan
from ansible_collections.pgsvc.access.plugins.plugin_utils._plan.planner import Planner

DNS_GROUP = Setting(lambda value: values.text(value, "a group"), "infra")


@dataclass(frozen=True)
class Survey:
    """Some clusters of an inventory: the plan of their services, how each is reached, and the warnings about them."""

    plan: Plan
    accesses: tuple[Access, ...]
    warnings: tuple[Problem, ...]


class AccessPlanner:
    """Plans the access to clusters. Each method raises `PlanError` with every mistake found."""

    def __init__(self, inventory: Inventory, report: Report) -> None:
        self._inventory = inventory
        self._report = report
        self._planner = Planner(inventory, report, inventory.hosts)
        hosts_of = self._planner.hosts_of
        self._names = NameReader(inventory, report, hosts_of)
        self._vips = VipReader(inventory, report, hosts_of)
        self._balancer_vips = BalancerVipReader(inventory, report, self._planner.load_balancers, hosts_of)

    def clusters(self, only: Sequence[str], play_hosts: Iterable[str]) -> list[str]:
        """The clusters of a run: those named, else those with members in the play, else all clusters."""
        self._planner.check_names(only)
        self._report.raise_problems()
        hosts_of, play = self._planner.hosts_of, set(play_hosts)
        return list(only) or [name for name in hosts_of if not play.isdisjoint(hosts_of[name])] or list(hosts_of)

    def endpoints(self, cluster: str) -> list[Endpoint]:
        """All endpoints of a cluster."""
        self._planner.check_names([cluster])
        self._report.raise_problems()
        read = self._planner.cluster(cluster)
        self._report.raise_problems()
        access = self._access(read)
        self._report.raise_problems()
        return endpoints_of(access)

    def survey(self, only: Sequence[str]) -> Survey:
        """Plan these clusters, or all of them, and everything that leads to them."""
        with without_collection():
            plan = self._planner.plan(only)
            self._report.raise_problems()
            accesses = tuple(self._access(self._planner.cluster(name)) for name in only or self._planner.hosts_of)
        self._report.raise_problems()
        return Survey(plan, accesses, tuple(self._report.warnings))

    def names(self, clusters: Iterable[str]) -> list[Names]:
        """The names of these clusters, checked against the names of all clusters in the inventory."""
        found = [self._read_names(self._planner.cluster(name)) for name in clusters]
        self._report.raise_problems()
        self._names.check(found)
        self._report.raise_problems()
        return found

    def dns_nodes(self, clusters: Iterable[str]) -> list[str]:
        """The hosts that serve the names of these clusters."""
        return list(dict.fromkeys(host for name in clusters for host in self._dns_nodes(name)))

    def vips(self, clusters: Iterable[str]) -> list[Vip]:
        """The virtual addresses of these clusters, where they have one."""
        found = [self._vips.read(name, self._planner.cluster(name).members) for name in clusters]
        self._report.raise_problems()
        return [vip for vip in found if vip is not None]

    def balancer_vips(self) -> list[BalancerVip]:
        """The virtual addresses of all groups of load balancers that clusters name, where they have one."""
        hosts = [each for hosts in self._planner.hosts_of.values() for each in hosts]
        providers = (self._inventory.value(host, "pg_service_provider") for host in hosts)
        found = self._balancer_vips.read_all(dict.fromkeys(str(group) for group in providers if group))
        self._report.raise_problems()
        return found

    def sections(self, clusters: Iterable[str], by: Any, who: Login) -> dict[str, list[dict[str, Any]]]:
        """The sections of a service file by cluster, see `service_sections`."""
        try:
            word = values.text(by, "a way")
            if word not in REACHED_BY:
                raise not_allowed(by, "a way to reach services", listed(REACHED_BY))
        except ValueProblem as problem:
            self._report.value_problem("service file", problem, field="pg_service_conf_by")
            self._report.raise_problems()
        found = {name: service_sections(self.endpoints(name), word, who, self._report) for name in clusters}
        self._report.raise_problems()
        return found

    def _access(self, cluster: Cluster) -> Access:
        vip = self._vips.read(cluster.name, cluster.members)
        served = self._dns_nodes(cluster.name, warn=True)
        names = self._read_names(cluster) if served else None
        balancers = tuple(self._balancer(cluster, host) for host in cluster.load_balancers if self._enabled(host))
        front = self._balancer_vips.read(cluster.provider) if cluster.provider else None
        return Access(cluster, balancers, names, vip.address if vip else "", front.address if front else "")

    def _read_names(self, cluster: Cluster) -> Names:
        return self._names.read(cluster.name, cluster.members, self._vips.address(cluster.name))

    def _dns_nodes(self, cluster: str, warn: bool = False) -> list[str]:
        settings = ClusterSettings(self._inventory, self._report, cluster, self._planner.hosts_of[cluster])
        group = settings.read({"pg_dns_group": DNS_GROUP})["pg_dns_group"]
        hosts = self._inventory.groups.get(group, [])
        if warn and not hosts and any(self._inventory.has(h, "pg_dns_group") for h in self._planner.hosts_of[cluster]):
            self._report.warning(
                cluster,
                f"no host is in the group {group!r}, so nothing serves names; they are left out",
                field="pg_dns_group",
                code="empty",
                value=group,
            )
        return hosts

    def _balancer(self, cluster: Cluster, host: str) -> Balancer:
        settings, resolver = self._planner.load_balancers.read(host), self._planner.resolver
        services = tuple(resolver.services(cluster, settings))
        checks = {backend.name: backend.check for backend in resolver.check_backends(cluster, settings)}
        member = next((member for member in cluster.members if member.host == host), None)
        if member is not None and not cluster.provider:
            return Balancer(member.name, member.address, services, checks, host)
        return Balancer(host, self._address(host), services, checks, host)

    def _address(self, host: str) -> str:
        value = self._inventory.value(host, "pg_address")
        try:
            return values.host_address(host if value is None else value)
        except ValueProblem as problem:
            self._report.value_problem(host, problem, field="pg_address")
            return host

    def _enabled(self, host: str) -> bool:
        return self._planner.load_balancers.enabled(host)

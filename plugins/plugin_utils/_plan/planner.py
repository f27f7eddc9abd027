# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the plan of a play: each load balancer of the run with all its services."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ansible_collections.pgsvc.access.plugins.plugin_utils._input import defaults
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.inventory import Inventory
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import (
    PlanError,
    Problem,
    Report,
    ValueProblem,
    listed,
    merged_lines,
    nearest,
    shown,
)
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.cluster import Cluster, ClusterReader
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.load_balancer import (
    Listener,
    LoadBalancerReader,
    Settings,
    report_clashes,
)
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.selector import require_jmespath
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.service import CheckBackend, Service
from ansible_collections.pgsvc.access.plugins.plugin_utils._plan.collector import without_collection
from ansible_collections.pgsvc.access.plugins.plugin_utils._plan.former_load_balancers import FormerReader
from ansible_collections.pgsvc.access.plugins.plugin_utils._plan.plan import Plan, Publication
from ansible_collections.pgsvc.access.plugins.plugin_utils._plan.resolver import Resolver


@without_collection()
def make_plan(
    inventory: Inventory,
    report: Report,
    play_hosts: Iterable[str] | None = None,
    only: Sequence[str] = (),
    members: Sequence[str] = (),
) -> Plan:
    """Plan the services of the clusters of a play.

    ``play_hosts`` are the hosts of the play (all of the inventory when None); ``only`` narrows the run to clusters by
    name. ``members`` are names of members that these clusters must have. Raises `PlanError` with every mistake found.
    """
    planner = Planner(inventory, report, inventory.hosts if play_hosts is None else list(play_hosts))
    plan = planner.plan(only, members)
    report.raise_problems()
    return plan


def check_something_to_publish(
    inventory: Inventory, plan: Plan, play_hosts: Iterable[str], sources: Sequence[str]
) -> None:
    """Raise `PlanError` with the reason if a run has no load balancer to publish to and is not limited to some hosts.

    ``sources`` are the places that the inventory was read from.
    """
    if not plan.publishers and set(inventory.hosts) <= set(play_hosts):
        raise PlanError([_nothing_to_publish(inventory, sources)])


def _nothing_to_publish(inventory: Inventory, sources: Sequence[str]) -> Problem:
    read = f"it was read from {listed(sources)}"
    if not inventory.hosts:
        return Problem(
            "inventory", f"it has no hosts; {read}; allowed: an inventory with PostgreSQL clusters", code="empty"
        )
    members = [host for host in inventory.hosts if inventory.has(host, "pg_cluster")]
    if not members:
        needed = "hosts with pg_cluster, pg_seq and pg_role"
        return Problem(
            "inventory",
            f"no host in it is a member of a cluster; {read}; allowed: {needed}",
            field="pg_cluster",
            code="missing",
        )
    return Problem(
        "inventory",
        f"there is no load balancer to publish to, HAProxy is disabled on all of them; {read}; allowed: true on the "
        "hosts that carry services",
        field="haproxy_enabled",
        code="empty",
    )


def services_of(inventory: Inventory, report: Report, cluster: str, load_balancer: str | None = None) -> list[Service]:
    """The services of one cluster on ``load_balancer`` (None: the first one of the cluster).

    Raises `PlanError` with every mistake found in this cluster.
    """
    planner = Planner(inventory, report, inventory.hosts)
    planner.check_names([cluster])
    report.raise_problems()
    read = planner.cluster(cluster)
    host = load_balancer or next(iter(read.load_balancers), None)
    if load_balancer and load_balancer not in read.load_balancers:
        known = listed(read.load_balancers)
        report.problem(
            cluster,
            f"{shown(load_balancer)} is not a load balancer of this cluster{planner.other_clusters_of(load_balancer)}"
            f"{nearest(load_balancer, read.load_balancers)}; allowed: {known}",
            code="unknown-name",
            value=load_balancer,
        )
        report.raise_problems()
    services = planner.resolver.services(read, planner.load_balancers.read(host)) if host else []
    report.raise_problems()
    return services


class Planner:
    """Reads clusters and load balancers when they are needed, each once. `AccessPlanner` uses it, too."""

    def __init__(self, inventory: Inventory, report: Report, play_hosts: list[str]) -> None:
        try:
            require_jmespath()
        except ValueProblem as problem:
            raise PlanError([Problem("controller", str(problem), code=problem.code)]) from None
        self.inventory = inventory
        self.report = report
        self.play_hosts = dict.fromkeys(play_hosts)
        self.resolver = Resolver(inventory, report)
        self.load_balancers = LoadBalancerReader(inventory, report)
        self.hosts_of = self._find_clusters()
        self._reader = ClusterReader(inventory, report)
        self._clusters: dict[str, Cluster] = {}

    def _find_clusters(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for host in self.inventory.hosts:
            name = self.inventory.value(host, "pg_cluster")
            if name is not None and name != "":
                found.setdefault(str(name), []).append(host)
        # Sorted, so that the plan does not depend on the order of the inventory.
        return {name: sorted(found[name]) for name in sorted(found)}

    def _check_named(self, only: Sequence[str]) -> None:
        """Report hosts with an empty ``pg_cluster``, which may be missing in their cluster."""
        hosts = [host for name in only for host in self.inventory.groups.get(name, ())] if only else self.play_hosts
        for host in hosts:
            if self.inventory.is_empty(host, "pg_cluster"):
                self.report.problem(
                    host,
                    "is empty; allowed: the name of a cluster, or no such variable on a host that is not a member",
                    field="pg_cluster",
                    code="empty",
                )

    def cluster(self, name: str) -> Cluster:
        if name not in self._clusters:
            self._clusters[name] = self._reader.read(name, self.hosts_of[name])
        return self._clusters[name]

    def check_names(self, names: Iterable[str]) -> None:
        for name in names:
            if name not in self.hosts_of:
                known = sorted(self.hosts_of)
                self.report.problem(
                    str(name)[:60],
                    f"{shown(name)} is not a cluster of the inventory{nearest(str(name), known)}; allowed: "
                    f"{listed(known)}",
                    code="unknown-name",
                    value=name,
                )

    def plan(self, only: Sequence[str], members: Sequence[str] = ()) -> Plan:
        self.check_names(only)
        delegating = self._delegating()
        chosen = frozenset(only)
        scope = [name for name in self.hosts_of if name in chosen] if only else self._clusters_of_play(delegating)
        clusters = [self.cluster(name) for name in scope]
        self._check_named(only)
        self._check_members(clusters, members)
        self._check_groups(scope)
        self._check_variable_names(scope)
        self._check_targets(clusters)
        carried = self._carried(clusters, delegating)
        in_use = {*delegating, *(host for hosts in self.hosts_of.values() for host in hosts)}
        former = FormerReader(self.inventory, self.report, in_use)
        publications = {
            host: self._publication(host, names, delegated=host in delegating or former.has_haproxy(host))
            for host, names in carried.items()
        }
        publications |= self._leftovers(former, only, clusters)
        note = former.note(publications)
        assigned = self._assign(publications, clusters)
        publishers = tuple(host for host in self.play_hosts if host in publications or host in assigned)
        warnings = tuple(merged_lines(self.report.warnings))
        return Plan(publications, assigned, publishers, warnings, (note,) if note else ())

    def _check_members(self, clusters: Sequence[Cluster], members: Sequence[str]) -> None:
        known = [member.name for cluster in clusters for member in cluster.members]
        for member in members if clusters else ():
            if member not in known:
                self.report.problem(
                    listed(cluster.name for cluster in clusters),
                    f"{shown(member)} is not a member of this cluster{nearest(member, known)}; "
                    f"allowed: {listed(known)}",
                    code="unknown-name",
                    value=member,
                )

    def _check_groups(self, names: Iterable[str]) -> None:
        """Report hosts in the groups of two clusters: they have one ``pg_cluster``, so the other lacks a member."""
        for name in names:
            for host in self.inventory.groups.get(name, ()):
                own = self.inventory.value(host, "pg_cluster")
                if own is not None and str(own) != name and str(own) in self.hosts_of:
                    self.report.problem(
                        name,
                        f"host {host} is in this group but has {shown(own)}, set by another group or by the host "
                        "itself; allowed: each host in the group of one cluster",
                        field="pg_cluster",
                        code="disagree",
                        value=own,
                    )

    def _check_variable_names(self, names: Iterable[str]) -> None:
        """Warn about variables with a misspelled name, which have no effect."""
        for name in names:
            for host in self.hosts_of[name]:
                for variable in self.inventory.names(host):
                    meant = defaults.meant(variable)
                    if meant is not None and not self.inventory.has(host, meant):
                        self.report.warning(
                            name,
                            f"is not a variable of services; did you mean {meant!r}?",
                            field=variable,
                            code="unknown-name",
                            value=variable,
                        )

    def _leftovers(
        self, former: FormerReader, only: Sequence[str], clusters: Sequence[Cluster]
    ) -> dict[str, Publication]:
        """Publications for the former load balancers of the play: remove the files of all clusters from them."""
        found: dict[str, Publication] = {}
        for settings in former.in_play(self.play_hosts):
            left_alone = {cluster.name for cluster in clusters if not self._is_target(cluster, settings.host)}
            names = [name for name in self.hosts_of if name not in left_alone and (not only or name in only)]
            if names:
                owners = tuple(f"delegated/{name}" for name in names)
                found[settings.host] = Publication(settings, owners, (), (), if_present=True)
        return found

    def _delegating(self) -> dict[str, list[str]]:
        """The clusters that delegate to each host of a provider group, according to the first member of each."""
        groups: dict[str, list[str]] = {}
        for name, hosts in self.hosts_of.items():
            provider = self.inventory.value(hosts[0], "pg_service_provider")
            if provider:
                groups.setdefault(str(provider), []).append(name)
        found: dict[str, list[str]] = {}
        for group, names in groups.items():
            for host in self.inventory.groups.get(group, ()):
                found.setdefault(host, []).extend(names)
        return found

    def _clusters_of_play(self, delegating: dict[str, list[str]]) -> list[str]:
        own = {name for name, hosts in self.hosts_of.items() if any(host in self.play_hosts for host in hosts)}
        carried = {name for host, names in delegating.items() if host in self.play_hosts for name in names}
        return [name for name in self.hosts_of if name in own or name in carried]

    def _carried(self, clusters: Sequence[Cluster], delegating: dict[str, list[str]]) -> dict[str, list[str]]:
        """The load balancers of this run, each with the clusters that it carries or may have carried earlier."""
        carried: dict[str, list[str]] = {}
        for cluster in clusters:
            in_play = any(host in self.play_hosts for host in cluster.hosts)
            for host in cluster.load_balancers:
                reached = host in self.play_hosts or (in_play and bool(cluster.provider))
                if reached and self._is_target(cluster, host) and self.load_balancers.enabled(host):
                    carried.setdefault(host, [])
            if cluster.provider and not cluster.targets:
                for host in cluster.hosts:
                    if host in self.play_hosts and self.load_balancers.enabled(host):
                        carried.setdefault(host, [])
        for host, names in carried.items():
            own = self.inventory.value(host, "pg_cluster")
            names.extend(dict.fromkeys([*([str(own)] if own else []), *delegating.get(host, ())]))
        return carried

    def _publication(self, host: str, names: Sequence[str], delegated: bool) -> Publication:
        """``delegated``: whether the host has, or may have had, services of other clusters."""
        settings = self.load_balancers.read(host)
        clusters = [self.cluster(name) for name in names]
        left_alone = {cluster.name for cluster in clusters if not self._is_target(cluster, host)}
        carried = [cluster for cluster in clusters if host in cluster.load_balancers and cluster.name not in left_alone]
        services = [service for cluster in carried for service in self.resolver.services(cluster, settings)]
        checks = [backend for cluster in carried for backend in self.resolver.check_backends(cluster, settings)]
        self._check_listeners(settings, clusters, services)
        self._check_file_names(settings, services, checks)
        owners = self._owners(host, clusters, left_alone, delegated)
        return Publication(settings, owners, tuple(cluster.name for cluster in carried), tuple(services), tuple(checks))

    def _owners(self, host: str, clusters: Sequence[Cluster], left_alone: set[str], delegated: bool) -> tuple[str, ...]:
        """The owners of the files that this call may remove: its own as a member, and delegated ones of known clusters.

        Files of a cluster that is not in this inventory may belong to another controller that uses the load balancer.
        """
        owners = [f"delegated/{name}" for name in self.hosts_of if name not in left_alone] if delegated else []
        if any(host in cluster.hosts and cluster.name not in left_alone for cluster in clusters):
            owners.insert(0, "member/*")
        return tuple(owners)

    def _check_listeners(self, settings: Settings, clusters: Sequence[Cluster], services: Sequence[Service]) -> None:
        listeners = [
            Listener(f"service {service.service} of cluster {service.cluster}", service.ip, service.port)
            for service in services
        ]
        listeners += [
            Listener(f"{service.name} of haproxy_services", service.ip or settings.ip, service.port)
            for service in settings.node_services
        ]
        listeners.append(Listener("haproxy_exporter_port", ("*",), settings.exporter_port))
        for cluster in clusters:
            for member in cluster.members:
                if member.host == settings.host:
                    ports = {
                        "pg_port": member.pg_port,
                        "pgbouncer_port": member.pgbouncer_port,
                        "patroni_port": member.patroni_port,
                    }
                    listeners += [
                        Listener(f"{variable} of instance {member.name}", ("*", "::"), port)
                        for variable, port in ports.items()
                    ]
        report_clashes(settings.host, listeners, self.report)

    def _check_file_names(
        self, settings: Settings, services: Sequence[Service], checks: Sequence[CheckBackend]
    ) -> None:
        """Report services with the same file name, such as ``dr-primary`` of pg-test and ``primary`` of pg-test-dr."""
        owners: dict[str, str] = {service.name: "haproxy_services" for service in settings.node_services}
        named = [(each.name, f"service {each.service} of cluster {each.cluster}") for each in services]
        named += [(each.name, f"the health checks {each.check} of cluster {each.cluster}") for each in checks]
        for name, what in named:
            if name in owners:
                self.report.problem(
                    f"load balancer {settings.host}",
                    f"{name}.cfg would be the file of {what} and of {owners[name]}; allowed: a different "
                    "<cluster>-<service> for each service",
                    code="clash",
                    value=name,
                )
            owners[name] = what

    def _is_target(self, cluster: Cluster, host: str) -> bool:
        """Whether ``pg_service_targets`` selects a host, by inventory name or by address."""
        return not cluster.targets or not self._names_of(host).isdisjoint(cluster.targets)

    def _names_of(self, host: str) -> set[str]:
        known = self.inventory.values(host, ("ansible_host", "pg_address"))
        return {host, *map(str, known.values())}

    def _check_targets(self, clusters: Sequence[Cluster]) -> None:
        load_balancers = dict.fromkeys(host for cluster in clusters for host in cluster.load_balancers)
        allowed = {name for host in load_balancers for name in self._names_of(host)}
        for target in dict.fromkeys(target for cluster in clusters for target in cluster.targets):
            if target not in allowed:
                names = listed(sorted(cluster.name for cluster in clusters if target in cluster.targets))
                self.report.problem(
                    names,
                    f"{shown(target)} is not a load balancer of this cluster{self.other_clusters_of(target)}"
                    f"{nearest(target, sorted(allowed))}; allowed: {listed(load_balancers)}",
                    field="pg_service_targets",
                    code="unknown-name",
                    value=target,
                )

    def other_clusters_of(self, name: str) -> str:
        """``, but of pg-meta`` for a load balancer of other clusters, empty otherwise."""
        delegating = self._delegating()
        found: list[str] = []
        for host in self.inventory.hosts:
            if name in self._names_of(host):
                own = self.inventory.value(host, "pg_cluster")
                found += [*delegating.get(host, ()), *([str(own)] if own is not None else [])]
        return f", but of {listed(dict.fromkeys(found))}" if found else ""

    def _assign(self, publications: dict[str, Publication], clusters: Sequence[Cluster]) -> dict[str, list[str]]:
        outside = [host for host in publications if host not in self.play_hosts]
        assigned: dict[str, list[str]] = {}
        for host in outside:
            members = [
                member
                for cluster in clusters
                if host in cluster.load_balancers
                for member in cluster.hosts
                if member in self.play_hosts
            ]
            publisher = min(members, key=lambda member: len(assigned.get(member, ())))
            assigned.setdefault(publisher, [publisher] if publisher in publications else []).append(host)
        return assigned

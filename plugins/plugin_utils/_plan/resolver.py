# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a cluster's definitions to the services of one load balancer: selectors become servers, ``dest`` a port."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.pgsvc.access.plugins.plugin_utils._input import defaults
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.inventory import Inventory
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import Report, ValueProblem, nearest, shown
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.cluster import Cluster
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.definition import Definition
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.load_balancer import Settings
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.member import Member
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.selector import Selector
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.service import Server, Service


@dataclass(frozen=True)
class _Choice:
    """What the selectors of one definition chose."""

    instances: tuple[str, ...]
    backups: tuple[str, ...]
    servers: tuple[Server, ...]


_NOTHING = _Choice((), (), ())


class Resolver:
    """Resolves services, evaluating each selector once for each cluster however many load balancers there are."""

    def __init__(self, inventory: Inventory, report: Report) -> None:
        self._inventory = inventory
        self._report = report
        self._choices: dict[tuple[str, Definition], _Choice] = {}

    def services(self, cluster: Cluster, settings: Settings) -> list[Service]:
        """The services of a cluster on one load balancer, in the order of their definitions."""
        return [self._service(cluster, definition, settings) for definition in cluster.definitions_on(settings.host)]

    def _service(self, cluster: Cluster, definition: Definition, settings: Settings) -> Service:
        choice = self._choice(cluster, definition)
        kind = "delegated" if cluster.provider else "member"
        return Service(
            name=f"{cluster.name}-{definition.name}",
            cluster=cluster.name,
            service=definition.name,
            owner=f"{kind}/{cluster.name}",
            load_balancer=settings.host,
            ip=settings.ip if definition.ip is None else definition.ip,
            port=definition.port,
            check=definition.check,
            maxconn=definition.maxconn,
            balance=definition.balance,
            options=definition.options or cluster.options,
            timeout_client=definition.timeout_client or settings.client_timeout,
            timeout_server=definition.timeout_server or settings.server_timeout,
            allbackups=definition.allbackups,
            on_member_removed=definition.on_member_removed,
            may_be_empty=definition.has_built_in_members,
            instances=choice.instances,
            backups=choice.backups,
            servers=choice.servers,
        )

    def _choice(self, cluster: Cluster, definition: Definition) -> _Choice:
        key = (cluster.name, definition)
        if key not in self._choices:
            self._choices[key] = self._choose(cluster, definition)
        return self._choices[key]

    def _choose(self, cluster: Cluster, definition: Definition) -> _Choice:
        if len(cluster.members) != len(cluster.hosts):
            return _NOTHING  # a member is a mistake, told already; what a selector says of the others would mislead
        selected = self._select(cluster, definition, "selector", definition.selector)
        backups = self._select(cluster, definition, "backup", definition.backup) if definition.backup else []
        if not selected and not backups and not definition.has_built_in_members:
            self._report.warning(
                cluster.name,
                f"{shown(definition.selector.expression)} selects no member; the service refuses connections",
                definition.name,
                "selector",
            )
        ordered = [*selected, *(index for index in backups if index not in selected)]
        servers = (self._server(cluster, cluster.members[index], definition, index in backups) for index in ordered)
        return _Choice(
            instances=tuple(cluster.members[index].address for index in selected),
            backups=tuple(cluster.members[index].address for index in backups),
            servers=tuple(servers),
        )

    def _server(self, cluster: Cluster, member: Member, definition: Definition, backup: bool) -> Server:
        return Server(
            name=member.name,
            address=member.address,
            port=member.port(definition.dest, cluster.default_dest),
            check_port=member.patroni_port,
            weight=member.weight,
            backup=backup,
            ca_file=member.ca_file,
        )

    def _select(self, cluster: Cluster, definition: Definition, field: str, selector: Selector) -> list[int]:
        before = len(self._report.problems)
        variables = [self._member_variables(member, selector) for member in cluster.members]
        if len(self._report.problems) > before:
            return []  # a variable is a mistake, told already; what a selector says without it would mislead
        unknown = sorted(name for name in selector.names if not any(name in seen for seen in variables))
        for name in unknown:
            self._report.problem(
                cluster.name,
                f"{shown(selector.expression)} names {name!r}, which is a variable of no member"
                f"{self._meant(name, cluster)}",
                definition.name,
                field,
            )
        if unknown:
            return []
        try:
            return selector.select(variables)
        except ValueProblem as problem:
            self._report.problem(cluster.name, str(problem), definition.name, field)
            return []

    def _meant(self, name: str, cluster: Cluster) -> str:
        """What to write in the place of a name that no member has."""
        if name in defaults.ROLES:
            return f"; allowed: a role in quotes, '{name}' or `{name}`"
        known = {known for member in cluster.members for known in self._inventory.names(member.host)}
        known |= cluster.members[0].variables().keys() if cluster.members else set()
        return f"{nearest(name, sorted(known))}; allowed: variables of the members, and values in quotes"

    def _member_variables(self, member: Member, selector: Selector) -> dict[str, Any]:
        """The variables of a member that a selector reads; typed ones win over what the inventory has for them."""
        known = member.variables()
        named = self._inventory.values(member.host, sorted(selector.names - known.keys()))
        return {**(self._inventory.everything(member.host) if selector.reads_all else {}), **named, **known}

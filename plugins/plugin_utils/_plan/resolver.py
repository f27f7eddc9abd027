# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a cluster's definitions to the services of one load balancer: selectors become servers, ``dest`` a port."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.pgsvc.access.plugins.plugin_utils._input.inventory import Inventory
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import Report, ValueProblem, shown
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.cluster import Cluster
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.definition import Definition
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.live_roles import UndecidedError, standings
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.load_balancer import Settings
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.member import Member
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.patroni import (
    passes_on_leader_only,
    split_check,
    with_lag,
)
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.server_options import split_options, without_option
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.service import CheckBackend, Server, Service
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.timings import verifies_role
from ansible_collections.pgsvc.access.plugins.plugin_utils._plan.selection import Selection, SelectionReader
from ansible_collections.pgsvc.access.plugins.plugin_utils._plan.shared_checks import (
    Follower,
    check_backends,
    checks_of,
    followers,
)


@dataclass(frozen=True)
class _Choice:
    """What the selectors of one definition chose; ``followers`` are those of ``servers`` that share health checks."""

    instances: tuple[str, ...] = ()
    backups: tuple[str, ...] = ()
    servers: tuple[Server, ...] = ()
    followers: tuple[Follower, ...] = ()


class Resolver:
    """Resolves services, evaluating each selector once for each cluster however many load balancers there are."""

    def __init__(self, inventory: Inventory, report: Report) -> None:
        self._report = report
        self._selections = SelectionReader(inventory, report)
        self._choices: dict[tuple[str, Definition], _Choice] = {}

    def services(self, cluster: Cluster, settings: Settings) -> list[Service]:
        """The services of a cluster on one load balancer, in the order of their definitions."""
        return [self._service(cluster, definition, settings) for definition in cluster.definitions_on(settings.host)]

    def check_backends(self, cluster: Cluster, settings: Settings) -> list[CheckBackend]:
        """The health checks that the live services of a cluster share on one load balancer, by name."""
        choices = [self._choice(cluster, definition) for definition in cluster.definitions_on(settings.host)]
        found = [follower for choice in choices for follower in choice.followers]
        return check_backends(cluster, settings.host, _owner(cluster), found)

    def _service(self, cluster: Cluster, definition: Definition, settings: Settings) -> Service:
        choice = self._choice(cluster, definition)
        return Service(
            name=f"{cluster.name}-{definition.name}",
            cluster=cluster.name,
            service=definition.name,
            owner=_owner(cluster),
            load_balancer=settings.host,
            ip=settings.ip if definition.ip is None else definition.ip,
            port=definition.port,
            check=with_lag(definition.check, definition.lag),
            maxconn=definition.maxconn,
            balance=definition.balance,
            options=_server_options(cluster, definition),
            timeout_client=definition.timeout_client or settings.client_timeout,
            timeout_server=definition.timeout_server or settings.server_timeout,
            allbackups=definition.allbackups,
            on_member_removed=definition.on_member_removed,
            may_be_empty=definition.has_built_in_members,
            instances=choice.instances,
            backups=choice.backups,
            servers=choice.servers,
            roles=_roles(cluster, definition),
            hold=_hold(cluster, definition),
            verify_role=_verifies_role(cluster, definition),
            redispatch_at_once=_is_preset(cluster, definition) and passes_on_leader_only(definition.check),
        )

    def _choice(self, cluster: Cluster, definition: Definition) -> _Choice:
        key = (cluster.name, definition)
        if key not in self._choices:
            self._choices[key] = self._choose(cluster, definition)
        return self._choices[key]

    def _choose(self, cluster: Cluster, definition: Definition) -> _Choice:
        if len(cluster.members) != len(cluster.hosts):
            return _Choice()  # a member is a mistake, reported already: what a selector makes of the rest misleads
        selection = self._selections.read(cluster, definition)
        if selection is None:
            return _Choice()
        before = len(self._report.problems)
        choose = self._choose_live if _roles(cluster, definition) == "live" else self._choose_declared
        choice = choose(cluster, definition, selection)
        is_known = len(self._report.problems) == before
        if is_known and not choice.servers and not definition.has_built_in_members:
            self._report.warning(
                cluster.name,
                f"{shown(definition.selector.expression)} selects no member; the service refuses connections",
                definition.name,
                "selector",
                code="empty",
                value=definition.selector.expression,
            )
        return choice

    def _choose_declared(self, cluster: Cluster, definition: Definition, selection: Selection) -> _Choice:
        if definition.lagging == "backup":
            self._report.problem(
                cluster.name,
                "'backup' needs two health checks of each member; allowed: exclude, or backup with roles: live",
                definition.name,
                "lagging",
                code="conflict",
                value=definition.lagging,
            )
        selected, backups = selection.choose([member.role for member in cluster.members])
        ordered = [*selected, *(index for index in backups if index not in selected)]
        return _Choice(
            instances=tuple(cluster.members[index].address for index in selected),
            backups=tuple(cluster.members[index].address for index in backups),
            servers=tuple(_server(cluster, cluster.members[index], definition, index in backups) for index in ordered),
        )

    def _choose_live(self, cluster: Cluster, definition: Definition, selection: Selection) -> _Choice:
        found = self._followers(cluster, definition, selection)
        servers = tuple(each.server(cluster, _port(cluster, each.member, definition)) for each in found)
        return _Choice(
            instances=tuple(dict.fromkeys(server.address for server in servers if not server.backup)),
            backups=tuple(dict.fromkeys(server.address for server in servers if server.backup)),
            servers=servers,
            followers=tuple(found),
        )

    def _followers(self, cluster: Cluster, definition: Definition, selection: Selection) -> list[Follower]:
        try:
            roles = split_check(with_lag(definition.check, definition.lag))
        except ValueProblem as problem:
            self._report.value_problem(cluster.name, problem, definition.name, "check")
            return []
        try:
            options, _rest = split_options(definition.options or cluster.options)
        except ValueProblem as problem:
            self._report.value_problem(cluster.name, problem, definition.name, "options")
            return []
        try:
            found = standings([member.role for member in cluster.members], selection.choose)
        except UndecidedError as error:
            self._report.problem(
                cluster.name,
                f"what they make of {cluster.members[error.index].name} while it follows depends on which other member "
                "leads; allowed with roles: live: selectors that look at one member at a time, or roles: declared",
                definition.name,
                "selector and backup",
                code="undecided",
            )
            return []
        lagging = split_check(definition.check).following if definition.lagging == "backup" else None
        # Services with the same options share a check, whether these come from the preset or not.
        from_preset = options == split_options(cluster.options)[0]
        verify_role = from_preset and verifies_role(cluster.rto, definition.check)
        return followers(cluster.members, found, checks_of(roles, options, lagging, verify_role))


def _owner(cluster: Cluster) -> str:
    return f"{'delegated' if cluster.provider else 'member'}/{cluster.name}"


def _roles(cluster: Cluster, definition: Definition) -> str:
    return cluster.roles if definition.roles is None else definition.roles


def _hold(cluster: Cluster, definition: Definition) -> int:
    return cluster.hold if definition.hold is None else definition.hold


def _is_preset(cluster: Cluster, definition: Definition) -> bool:
    """Whether the timings of a service are those of a preset (``pg_rto``)."""
    return bool(cluster.rto) and definition.options is None


def _verifies_role(cluster: Cluster, definition: Definition) -> bool:
    return _is_preset(cluster, definition) and verifies_role(cluster.rto, definition.check)


def _server_options(cluster: Cluster, definition: Definition) -> str:
    """The ``default-server`` line of a service.

    A preset leaves out ``slowstart`` where one server serves at a time: it would only delay the new one. A service that
    holds has none, either, unless its own options say so: ``slowstart`` also limits the connections of a server that
    comes up, and those that waited for it would time out in its queue.
    """
    options = definition.options or cluster.options
    is_single = _is_preset(cluster, definition) and passes_on_leader_only(definition.check)
    if is_single or (definition.options is None and _hold(cluster, definition)):
        options = without_option(options, "slowstart")
    if _roles(cluster, definition) == "live":
        try:
            return split_options(options)[1]
        except ValueProblem:
            return options  # reported already
    return options


def _port(cluster: Cluster, member: Member, definition: Definition) -> int:
    return member.port(definition.dest, cluster.default_dest)


def _server(cluster: Cluster, member: Member, definition: Definition, backup: bool) -> Server:
    return Server(
        name=member.name,
        address=member.address,
        port=_port(cluster, member, definition),
        check_port=member.patroni_port,
        weight=member.weight,
        backup=backup,
        ca_file=member.ca_file,
    )

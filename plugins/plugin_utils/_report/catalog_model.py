# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the catalogue shows, as values that JSON has. The same inventory and the same status give the same values.

The values are made for the script of the page (`catalog/model.js`), and small for large fleets: what clusters have in
common stands once, and they refer to it by number.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.pgsvc.access.plugins.plugin_utils._access.endpoints import Access, Endpoint, endpoints_of
from ansible_collections.pgsvc.access.plugins.plugin_utils._access.planner import Survey
from ansible_collections.pgsvc.access.plugins.plugin_utils._access.promise import of_service
from ansible_collections.pgsvc.access.plugins.plugin_utils._access.urls import Login
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import Problem, merged_lines
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.definition import Definition
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.member import Member
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.service import Service
from ansible_collections.pgsvc.access.plugins.plugin_utils._plan.plan import Publication
from ansible_collections.pgsvc.access.plugins.plugin_utils._report.catalog_clients import FORMATS, shape, templates
from ansible_collections.pgsvc.access.plugins.plugin_utils._report.catalog_picture import COLUMNS, picture, services_of
from ansible_collections.pgsvc.access.plugins.plugin_utils._report.catalog_status import clusters_of
from ansible_collections.pgsvc.access.plugins.plugin_utils._report.catalog_words import in_words

# A port in use, by what, and the cluster that this belongs to.
_Use = tuple[int, str, str]

# The kinds of endpoints with their headings, in the order of the page.
_WAYS = {
    "cluster": "By the name of the cluster",
    "vip": "By the virtual address",
    "multi": "By several hosts, of which the client selects one",
    "load_balancer": "By a load balancer",
    "instance": "By the name of an instance",
    "address": "By an address",
}


class _Shared:
    """Values that clusters have in common, each once; `number` is where a value stands."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._numbers: dict[str, int] = {}

    def number(self, value: Any) -> int:
        key = value if isinstance(value, str) else json.dumps(value)
        if key not in self._numbers:
            self._numbers[key] = len(self.values)
            self.values.append(value)
        return self._numbers[key]


def model(survey: Survey, who: Login, status: Mapping[str, Any] | None, status_time: int | None) -> dict[str, Any]:
    """The whole page. ``status`` is a report of ``--status --format json``, of the time ``status_time`` (epoch)."""
    said = clusters_of(status)
    warnings = _by_place(survey.warnings)
    maker = _Clusters(who)
    clusters = []
    for access in survey.accesses:
        name = access.cluster.name
        cluster = {**maker.cluster(access), "warnings": merged_lines(warnings.pop(name, ()))}
        clusters.append({**cluster, "status": said[name]} if name in said else cluster)
    return {
        "formats": [[name, title] for name, (title, _write) in FORMATS.items()],
        "ways": [list(item) for item in _WAYS.items()],
        "columns": [list(column) for column in COLUMNS],
        "templates": maker.templates,
        "definitions": maker.definitions.values,
        "texts": maker.texts.values,
        "clusters": clusters,
        "balancers": _balancers(survey),
        "warnings": merged_lines(problem for some in warnings.values() for problem in some),
        "hasStatus": status is not None,
        "statusTime": status_time,
    }


def _by_place(problems: Iterable[Problem]) -> dict[str, list[Problem]]:
    found: dict[str, list[Problem]] = {}
    for problem in problems:
        found.setdefault(problem.where, []).append(problem)
    return found


class _Clusters:
    """Makes the values of clusters, and collects what they share."""

    def __init__(self, who: Login) -> None:
        self._who = who
        self.templates: dict[str, dict[str, str]] = {}
        self.definitions = _Shared()
        self.texts = _Shared()

    def cluster(self, access: Access) -> dict[str, Any]:
        cluster, names = access.cluster, access.names
        definitions = {definition.name: definition for definition in cluster.definitions}
        return {
            "name": cluster.name,
            "provider": cluster.provider,
            "vip": access.vip,
            "dns": names.name if names is not None and names.address else "",
            "members": [_member(member) for member in access.members],
            "balancers": [one.host for one in access.balancers],
            "services": [
                self._service(service, definitions[service.service], access)
                for service in services_of(access.balancers)
            ],
            "endpoints": [self._endpoint(endpoint) for endpoint in endpoints_of(access)],
            "picture": picture(access),
        }

    def _service(self, service: Service, definition: Definition, access: Access) -> list[int]:
        shared = {
            "name": service.service,
            "port": service.port,
            "uses": in_words(definition.selector, definition.backup),
            "selector": definition.selector.expression,
            "backup": definition.backup.expression if definition.backup else "",
            "check": service.check,
            "roles": service.roles,
        }
        promise = of_service(service, access.members, access.balancers[0].checks)
        return [self.definitions.number(shared), self.texts.number(promise.text)]

    def _endpoint(self, endpoint: Endpoint) -> list[Any]:
        form = shape(endpoint)
        if form not in self.templates:
            self.templates[form] = templates(endpoint, self._who)
        ports = [str(port) for _host, port in endpoint.hosts]
        return [
            endpoint.kind,
            endpoint.name,
            endpoint.service,
            self.texts.number(endpoint.promise),
            self.texts.number(" → ".join(endpoint.path)),
            form,
            ",".join(host for host, _port in endpoint.hosts),
            ports[0] if len(set(ports)) == 1 else ",".join(ports),
            endpoint.label,
        ]


def _member(member: Member) -> dict[str, Any]:
    return {
        "name": member.name,
        "address": member.address,
        "role": member.role,
        "offline": member.offline_query,
        "weight": member.weight,
        "ports": _ports(member),
    }


def _ports(member: Member) -> dict[str, int]:
    return {"PostgreSQL": member.pg_port, "pgbouncer": member.pgbouncer_port, "Patroni": member.patroni_port}


def _balancers(survey: Survey) -> dict[str, dict[str, Any]]:
    """Each load balancer of these clusters, with the ports in use on it: port, by what, and its cluster."""
    addresses: dict[str, str] = {}
    found: dict[str, set[_Use]] = {}
    for access in survey.accesses:
        own = {member.host: member for member in access.members}
        for one in access.balancers:
            addresses[one.host] = one.address
            uses = found.setdefault(one.host, set())
            uses.update((service.port, service.service, service.cluster) for service in one.services)
            if one.host in own:
                uses.update((port, name, "") for name, port in _ports(own[one.host]).items())
    for host, publication in survey.plan.publications.items():
        if host in found:
            found[host].update(_other_uses(publication))
    return {host: {"address": addresses[host], "ports": [list(use) for use in sorted(found[host])]} for host in found}


def _other_uses(publication: Publication) -> Iterator[_Use]:
    """Ports of what else a load balancer carries, with the services of clusters that the page leaves out."""
    settings = publication.settings
    yield settings.exporter_port, "statistics", ""
    yield from ((service.port, service.service, service.cluster) for service in publication.services)
    yield from ((service.port, service.name, "") for service in settings.node_services)

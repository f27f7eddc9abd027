# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The status of clusters as ``bin/pgsql-svc CLUSTER --status --format json`` prints it. Values in, values out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ansible_collections.pgsvc.access.plugins.plugin_utils._model.member import Member
from ansible_collections.pgsvc.access.plugins.plugin_utils._report.findings import CRITICAL, WARNING, Finding, findings
from ansible_collections.pgsvc.access.plugins.plugin_utils._report.status_view import (
    Answer,
    Known,
    Place,
    Planned,
    View,
    VirtualAddress,
    views,
)

OK, UNKNOWN = "ok", "unknown"
EXIT_CODES = {OK: 0, WARNING: 1, CRITICAL: 2, UNKNOWN: 3}
_WORST_FIRST = (CRITICAL, UNKNOWN, WARNING, OK)


def status(
    clusters: Mapping[str, Sequence[Member]],
    planned: Iterable[Planned],
    answers: Mapping[str, Answer],
    addresses: Mapping[str, Sequence[VirtualAddress]] | None = None,
) -> dict[str, Any]:
    """The report of some clusters, in types that JSON has; docs/status.md describes its fields.

    ``clusters`` are the members of each in the inventory, ``planned`` all load balancers of the plan, and ``answers``
    what each of these has said. ``addresses`` are the declared virtual addresses of each cluster.
    """
    return {"clusters": [_cluster(view) for view in views(clusters, planned, answers, addresses)]}


def exit_code(report: Mapping[str, Any]) -> int:
    """0 well, 1 something needs attention, 2 critical, 3 a cluster could not be looked at."""
    found = {cluster["health"] for cluster in report["clusters"]}
    return next((EXIT_CODES[health] for health in _WORST_FIRST if health in found), EXIT_CODES[UNKNOWN])


def _cluster(view: View) -> dict[str, Any]:
    found = findings(view)
    return {
        "cluster": view.cluster,
        "health": _health(view, found),
        "members": [_member(known) for known in view.members],
        "services": [_service(where) for where in view.by_service().values()],
        "findings": [asdict(finding) for finding in found],
    }


def _health(view: View, found: Sequence[Finding]) -> str:
    if not view.facts:
        return UNKNOWN
    severities = {finding.severity for finding in found}
    return next((severity for severity in (CRITICAL, WARNING) if severity in severities), OK)


def _member(known: Known) -> dict[str, Any]:
    member, said = known.member, known.patroni
    lag = said.get("lag")
    return {
        "name": member.name,
        "address": member.address,
        "declared_role": member.role,
        "role": str(said.get("role", "")),
        "state": str(said.get("state", "")),
        "timeline": said.get("timeline"),
        "lag": 0 if known.leads else lag,
        "tags": said["tags"] if isinstance(said.get("tags"), dict) else {},
    }


def _service(where: Sequence[Place]) -> dict[str, Any]:
    return {
        "service": where[0].service.service,
        "port": where[0].service.port,
        "load_balancers": [_place(place) for place in where],
    }


def _place(place: Place) -> dict[str, Any]:
    return {
        "load_balancer": place.load_balancer,
        "serves": place.serves,
        "servers": [_server(server) for server in place.servers],
        "sessions": place.facts["sessions"] if place.facts else 0,
        "queue": place.facts["queue"] + sum(server["queue"] for server in place.servers) if place.facts else 0,
    }


def _server(server: Mapping[str, Any]) -> dict[str, Any]:
    fields = ("name", "member", "status", "backup", "weight", "sessions", "check", "admin", "since")
    return {name: server[name] for name in fields}

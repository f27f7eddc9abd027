# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A status report (docs/status.md) as the catalogue shows it: its parts that the page needs, whatever else it has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import ValueProblem, shown
from ansible_collections.pgsvc.access.plugins.plugin_utils._report.status_view import LEADERS

_MEMBER = ("role", "state", "timeline", "lag")
_PLACE = ("load_balancer", "serves", "sessions", "queue")
_SERVER = ("member", "status", "backup", "admin", "since")
_FINDING = ("severity", "code", "text", "fix")


def clusters_of(report: Mapping[str, Any] | None) -> dict[str, dict[str, Any]]:
    """The status of each cluster by its name. Raises `ValueProblem` for something other than a report."""
    if report is None:
        return {}
    try:
        return {str(cluster["cluster"]): _cluster(cluster) for cluster in report["clusters"]}
    except (KeyError, TypeError) as error:
        raise ValueProblem(
            f"status: {shown(report)} is not a report; allowed: what pgsql-svc --status --format json prints",
            "not-allowed",
        ) from error


def _cluster(cluster: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "health": cluster["health"],
        "findings": [_some(finding, _FINDING) for finding in cluster["findings"]],
        "members": {member["name"]: _member(member) for member in cluster["members"]},
        "services": {
            service["service"]: [
                {**_some(place, _PLACE), "servers": [_some(server, _SERVER) for server in place["servers"]]}
                for place in service["load_balancers"]
            ]
            for service in cluster["services"]
        },
    }


def _member(member: Mapping[str, Any]) -> dict[str, Any]:
    return {**_some(member, _MEMBER), "leads": member["role"] in LEADERS}


def _some(values: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: values[name] for name in names}

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of planning: the publications of a play, by load balancer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import listed
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.load_balancer import Settings
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.service import CheckBackend, Service
from ansible_collections.pgsvc.access.plugins.plugin_utils._plan.collector import without_collection

_ASKERS = 2


@dataclass(frozen=True)
class Publication:
    """The complete services of ``owners`` on one load balancer, and the health checks that they share.

    ``carries`` are the clusters that it serves after the run; these are protected from losing too many servers.
    ``if_present``: skip a host that has no file of ``owners``, even if HAProxy is not installed there.
    """

    settings: Settings
    owners: tuple[str, ...]
    carries: tuple[str, ...]
    services: tuple[Service, ...]
    checks: tuple[CheckBackend, ...] = ()
    if_present: bool = False

    def to_dict(self) -> dict[str, Any]:
        settings = self.settings
        return {
            "conf_dir": settings.conf_dir,
            "state_dir": settings.state_dir,
            "config_args": None if settings.config_args is None else list(settings.config_args),
            "master_socket": settings.master_socket,
            "stats_socket": settings.stats_socket,
            "reload": settings.reload,
            "allow_shrink": settings.allow_shrink,
            "owners": list(self.owners),
            "carries": list(self.carries),
            "if_present": self.if_present,
            "services": [service.to_dict() for service in self.services],
            "checks": [backend.to_dict() for backend in self.checks],
        }


@dataclass(frozen=True)
class Plan:
    """What a run will do.

    ``assigned`` maps a host of the play to the load balancers that it publishes, if that is not only itself: load
    balancers of a provider group outside the play are published by the members that delegate to them. ``notes`` are
    messages about hosts that the run leaves out.
    """

    publications: dict[str, Publication]
    assigned: dict[str, list[str]]
    publishers: tuple[str, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @without_collection()
    def to_dict(self) -> dict[str, Any]:
        """The plan as JSON types."""
        return {
            "load_balancers": {host: publication.to_dict() for host, publication in self.publications.items()},
            "assigned": self.assigned,
            "patroni_askers": self._patroni_askers(),
            "publishers": [{"host": host, "carries": self._carries(host)} for host in self.publishers],
            "warnings": list(self.warnings),
            "notes": list(self.notes),
        }

    def _patroni_askers(self) -> dict[str, list[str]]:
        """The load balancers that ask Patroni in a status, each with the clusters: two for each, as one may be down."""
        askers: dict[str, list[str]] = {}
        asked: dict[str, int] = {}
        for host, publication in self.publications.items():
            for cluster in publication.carries:
                asked[cluster] = asked.get(cluster, 0) + 1
                if asked[cluster] <= _ASKERS:
                    askers.setdefault(host, []).append(cluster)
        return askers

    def _carries(self, publisher: str) -> str:
        """What a host of the play publishes, as text: ``10.10.10.11: pg-a-primary 5433, pg-a-replica 5434``."""
        load_balancers = self.assigned.get(publisher, [publisher])
        return "; ".join(f"{host}: {_listing(self.publications[host])}" for host in load_balancers)


def _listing(publication: Publication) -> str:
    if publication.if_present:
        return "none, not in a group that pg_service_provider names; services left from earlier are removed"
    return listed(f"{service.name} {service.port}" for service in publication.services)

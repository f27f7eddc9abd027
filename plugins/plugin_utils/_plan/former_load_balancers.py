# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Former load balancers: hosts that may still have services of clusters which have left their provider group.

When the last cluster leaves a group, no variable names the group any more. A host that is neither a member nor in a
provider group in use is treated as a former load balancer if the inventory indicates that HAProxy runs there: it sets
a load balancer variable for this host but not for every host, such as ``haproxy_enabled: true`` in a group. Variables
of the group ``all`` are no indication.
"""

from __future__ import annotations

from collections.abc import Collection

from ansible_collections.pgsvc.access.plugins.plugin_utils._input import defaults
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.inventory import Inventory
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import Problem, Report, listed
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.load_balancer import LoadBalancerReader, Settings


class FormerReader:
    """Finds former load balancers. ``in_use`` are all members and the hosts of the provider groups that are named."""

    def __init__(self, inventory: Inventory, report: Report, in_use: Collection[str]) -> None:
        self._inventory = inventory
        self._report = report
        self._in_use = in_use
        self._load_balancers = LoadBalancerReader(inventory, report, node_services=False)
        self._everywhere: dict[str, bool] = {}
        self._settings: dict[str, tuple[Settings, list[Problem]]] = {}

    def in_play(self, play_hosts: Collection[str]) -> list[Settings]:
        """The former load balancers of the play: all its hosts if none of them is in use (``-l proxy_a``)."""
        hosts = [host for host in play_hosts if host not in self._in_use]
        if len(hosts) < len(play_hosts):
            hosts = [host for host in hosts if self.has_haproxy(host)]
        found: list[Settings] = []
        for host in hosts:
            settings, mistakes = self._read(host)
            # The host may be unrelated to the clusters, so mistakes in its variables do not fail the run.
            self._report.warnings += mistakes
            if settings.enabled and not mistakes:
                found.append(settings)
        return found

    def note(self, planned: Collection[str]) -> str:
        """One line about the former load balancers that are not in ``planned``; empty if there are none."""
        left = [
            host
            for host in self._inventory.hosts
            if host not in self._in_use
            and host not in planned
            and self.has_haproxy(host)
            and self._read(host)[0].enabled
        ]
        if not left:
            return ""
        return (
            f"not in this run: {listed(left)}, not in a group that pg_service_provider names; to remove services that "
            f"are left there from earlier, run with -l {','.join(left)}"
        )

    def has_haproxy(self, host: str) -> bool:
        """Whether the inventory indicates that HAProxy runs on this host, see the module's docstring."""
        names = filter(_is_load_balancer_variable, self._inventory.names(host))
        return any(self._inventory.has(host, name) and not self._is_set_everywhere(name) for name in names)

    def _is_set_everywhere(self, name: str) -> bool:
        if name not in self._everywhere:
            self._everywhere[name] = all(self._inventory.has(host, name) for host in self._inventory.hosts)
        return self._everywhere[name]

    def _read(self, host: str) -> tuple[Settings, list[Problem]]:
        """The load balancer settings of a host, and the mistakes in them, which are taken out of the report."""
        if host not in self._settings:
            before = len(self._report.problems)
            settings = self._load_balancers.read(host)
            self._settings[host] = settings, self._report.problems[before:]
            del self._report.problems[before:]
        return self._settings[host]


def _is_load_balancer_variable(name: str) -> bool:
    return name.startswith("haproxy_") or name in defaults.LOAD_BALANCER

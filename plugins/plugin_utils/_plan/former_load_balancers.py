# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Former load balancers: hosts that may still have services of clusters which have left their provider group.

When the last cluster leaves a group, no variable names the group any more. A host that is neither a member nor in a
provider group in use is taken for a former load balancer when the inventory says that HAProxy runs there: it sets a
variable of a load balancer for the host that it does not set for every host, such as ``haproxy_enabled: true`` of a
group. Variables of the group ``all`` say nothing about a host.
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
        """Those of the play. All hosts of a play that has none in use (``-l proxy_a``) are taken for such."""
        hosts = [host for host in play_hosts if host not in self._in_use]
        if len(hosts) < len(play_hosts):
            hosts = [host for host in hosts if self.has_haproxy(host)]
        found: list[Settings] = []
        for host in hosts:
            settings, mistakes = self._read(host)
            # The host perhaps has nothing to do with the clusters: its mistakes do not end the run.
            self._report.warnings += mistakes
            if settings.enabled and not mistakes:
                found.append(settings)
        return found

    def note(self, asked: Collection[str]) -> str:
        """One line about the former load balancers that are not ``asked`` in this run; nothing when there is none."""
        left = [
            host
            for host in self._inventory.hosts
            if host not in self._in_use and host not in asked and self.has_haproxy(host) and self._read(host)[0].enabled
        ]
        if not left:
            return ""
        return (
            f"not in this run: {listed(left)}, in no pg_service_provider; what is left there of clusters that named "
            f"them is removed by a run with -l {','.join(left)}"
        )

    def has_haproxy(self, host: str) -> bool:
        """Whether the inventory says that HAProxy runs on this host, not only where it would."""
        names = filter(_is_of_load_balancer, self._inventory.names(host))
        return any(self._inventory.has(host, name) and not self._is_everywhere(name) for name in names)

    def _is_everywhere(self, name: str) -> bool:
        if name not in self._everywhere:
            self._everywhere[name] = all(self._inventory.has(host, name) for host in self._inventory.hosts)
        return self._everywhere[name]

    def _read(self, host: str) -> tuple[Settings, list[Problem]]:
        """How HAProxy runs there, and the mistakes in it, which are not left in the report."""
        if host not in self._settings:
            before = len(self._report.problems)
            settings = self._load_balancers.read(host)
            self._settings[host] = settings, self._report.problems[before:]
            del self._report.problems[before:]
        return self._settings[host]


def _is_of_load_balancer(name: str) -> bool:
    return name.startswith("haproxy_") or name in defaults.LOAD_BALANCER

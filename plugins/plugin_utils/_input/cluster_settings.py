# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of a whole cluster, which its members must agree on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.pgsvc.access.plugins.plugin_utils._input.inventory import Inventory
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import Report, ValueProblem, shown


@dataclass(frozen=True)
class Setting:
    """A variable of a cluster: how its value is parsed, and its default.

    The value of a ``secret`` is never shown in a message.
    """

    parse: Callable[[Any], Any]
    default: Any = None
    secret: bool = False


class ClusterSettings:
    """Reads the settings of one cluster. Mistakes go to the report, and planning continues with the default."""

    def __init__(self, inventory: Inventory, report: Report, cluster: str, hosts: Sequence[str]) -> None:
        self._inventory = inventory
        self._report = report
        self._cluster = cluster
        self._hosts = hosts

    def read(self, settings: Mapping[str, Setting]) -> dict[str, Any]:
        """The settings by variable, typed. They must be the same on all members. A default is not parsed."""
        return {variable: self._agreed(variable, setting) for variable, setting in settings.items()}

    def of_host(self, host: str, variable: str, setting: Setting) -> Any:
        """A setting that may differ between members."""
        value = self._inventory.value(host, variable)
        try:
            return setting.default if value is None else setting.parse(value)
        except ValueProblem as problem:
            self._report.value_problem(self._cluster, problem.prefixed(f"on host {host}: "), field=variable)
            return setting.default

    def _agreed(self, variable: str, setting: Setting) -> Any:
        values: dict[str, Any] = {}
        for host in self._hosts:
            value = self._inventory.value(host, variable)
            try:
                values[host] = setting.default if value is None else setting.parse(value)
            except ValueProblem as problem:
                self._report.value_problem(self._cluster, problem, field=variable)
                return setting.default
        first = self._hosts[0]
        other = next((host for host in self._hosts if values[host] != values[first]), None)
        if other is not None:
            written = tuple(self._written(host, variable, setting) for host in (first, other))
            mine, theirs = ("another value" if setting.secret else shown(value) for value in written)
            self._report.problem(
                self._cluster,
                f"{mine} on host {first}, {theirs} on host {other}; allowed: one value for all members",
                field=variable,
                code="disagree",
                value=None if setting.secret else written,
            )
        return values[first]

    def _written(self, host: str, variable: str, setting: Setting) -> Any:
        """The value in the inventory, as it is written there."""
        value = self._inventory.value(host, variable)
        return setting.default if value is None else value

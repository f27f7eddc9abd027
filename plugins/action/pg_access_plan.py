# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.release import __version__

from ansible_collections.pgsvc.access.plugins.plugin_utils._access.planner import AccessPlanner
from ansible_collections.pgsvc.access.plugins.plugin_utils._access.urls import login
from ansible_collections.pgsvc.access.plugins.plugin_utils._input import values
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.inventory import Inventory
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import PlanError, Report, merged_lines


class ActionModule(ActionBase):
    """Plans on the controller, once for a play. The module of the same name has the documentation."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _VALID_ARGS = frozenset({"what", "clusters", "by", "user", "database", "sslmode"})

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables: Mapping[str, Any] = task_vars or {}
        plans: dict[str, Callable[[AccessPlanner, list[str], Report], dict[str, Any]]] = {
            "names": _names,
            "vips": _vips,
            "lb_vips": _lb_vips,
            "sections": self._sections,
        }
        what = str(self._task.args.get("what"))
        if what not in plans:
            return {**result, "failed": True, "msg": f"{what!r} is not a plan; allowed: {', '.join(plans)}"}
        report = Report()
        try:
            planner = AccessPlanner(Inventory(variables["hostvars"], variables["groups"], report), report)
            only = values.word_list(values.native(self._task.args.get("clusters") or []), "clusters")
            play = () if what == "sections" else variables["ansible_play_hosts_all"]
            planned = plans[what](planner, planner.clusters(only, play), report)
        except (PlanError, ValueError) as error:
            self._display_problems(str(error))
            return {**result, "failed": True, "msg": str(error)}
        warnings = merged_lines(report.warnings)
        return {**result, "changed": False, "warnings": warnings, "_ansible_verbose_override": True, **planned}

    def _sections(self, planner: AccessPlanner, clusters: list[str], report: Report) -> dict[str, Any]:
        given = {name: values.native(self._task.args.get(name)) or None for name in ("user", "database", "sslmode")}
        who = login(given["user"], given["database"], given["sslmode"], None, report)
        found = planner.sections(clusters, values.native(self._task.args.get("by") or "auto"), who)
        return {"clusters": [{"name": name, "sections": sections} for name, sections in found.items()]}

    def _display_problems(self, message: str) -> None:
        """Print one problem per line. ansible-core 2.19 and later do that themselves."""
        if tuple(map(int, __version__.split(".")[:2])) < (2, 19):
            self._display.error(message, wrap_text=False)


def _names(planner: AccessPlanner, clusters: list[str], report: Report) -> dict[str, Any]:  # noqa: ARG001
    names = planner.names(clusters)
    return {"clusters": [one.to_dict() for one in names], "dns_nodes": planner.dns_nodes(clusters)}


def _vips(planner: AccessPlanner, clusters: list[str], report: Report) -> dict[str, Any]:  # noqa: ARG001
    return {"hosts": {host: found for vip in planner.vips(clusters) for host, found in vip.to_dict().items()}}


def _lb_vips(planner: AccessPlanner, clusters: list[str], report: Report) -> dict[str, Any]:  # noqa: ARG001
    return {"hosts": {host: found for vip in planner.balancer_vips() for host, found in vip.to_dict().items()}}

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.pgsvc.access.plugins.plugin_utils._access.balancer_addresses import BalancerVipReader
from ansible_collections.pgsvc.access.plugins.plugin_utils._access.virtual_addresses import VipReader
from ansible_collections.pgsvc.access.plugins.plugin_utils._input import values
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.inventory import Inventory
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import PlanError, Report
from ansible_collections.pgsvc.access.plugins.plugin_utils._plan.planner import Planner
from ansible_collections.pgsvc.access.plugins.plugin_utils._plan.publication import variable_name
from ansible_collections.pgsvc.access.plugins.plugin_utils._report.asked import answers_in, planned_by
from ansible_collections.pgsvc.access.plugins.plugin_utils._report.command_files import (
    report_form,
    write_exit_code,
    write_report,
)
from ansible_collections.pgsvc.access.plugins.plugin_utils._report.status import exit_code, status
from ansible_collections.pgsvc.access.plugins.plugin_utils._report.status_text import render
from ansible_collections.pgsvc.access.plugins.plugin_utils._report.status_view import VirtualAddress


class ActionModule(ActionBase):
    """Makes one report of the facts of all load balancers. Documented beside the module of the same name."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _VALID_ARGS = frozenset({"plan", "facts", "clusters", "path"})

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables: Mapping[str, Any] = task_vars or {}
        try:
            report = self._report(variables)
        except (PlanError, ValueError) as error:
            return {**result, "failed": True, "msg": str(error)}
        path = values.native(self._task.args.get("path"))
        if path:
            Path(path).write_text(_shown(report, "json"), encoding="utf-8")
        elif form := report_form():
            write_exit_code(exit_code(report))
            write_report(_shown(report, form))
        else:
            self._display.display(render(report))
        done = {"report": json.dumps(report), "exit_code": exit_code(report)}
        return {**result, "changed": False, "_ansible_verbose_override": True, **done}

    def _report(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        problems = Report()
        inventory = Inventory(variables["hostvars"], variables["groups"], problems)
        planner = Planner(inventory, problems, inventory.hosts)
        plan = variable_name(self._task.args.get("plan"))
        facts = variable_name(self._task.args.get("facts"))
        if plan not in variables:
            raise ValueError(f"plan: there is no variable {plan!r}")
        planned = list(planned_by(plan, variables[plan]))
        only = values.word_list(values.native(self._task.args.get("clusters") or []), "clusters")
        clusters = only or sorted({service.cluster for each in planned for service in each.services})
        planner.check_names(clusters)
        problems.raise_problems()
        read = {cluster: planner.cluster(cluster) for cluster in clusters}
        members = {cluster: each.members for cluster, each in read.items()}
        addresses = {cluster: _addresses(inventory, planner, cluster, each.provider) for cluster, each in read.items()}
        asking = [each["host"] for each in variables[plan].get("publishers", ())]
        answers = dict(answers_in(facts, variables["hostvars"], asking))
        return status(members, planned, answers, addresses)


def _shown(report: dict[str, Any], form: str) -> str:
    return f"{json.dumps(report, indent=2)}\n" if form == "json" else render(report, colour=form == "colour")


def _addresses(inventory: Inventory, planner: Planner, cluster: str, provider: str) -> list[VirtualAddress]:
    """The declared virtual addresses of a cluster. Mistakes are reported by the run that sets them up."""
    own = VipReader(inventory, Report(), planner.hosts_of).address(cluster)
    shared = BalancerVipReader(inventory, Report(), planner.load_balancers, planner.hosts_of)
    front = shared.read(provider) if provider else None
    found = [VirtualAddress(str(own.ip), is_shared=False)] if own else []
    return [*found, VirtualAddress(front.address, is_shared=True)] if front else found

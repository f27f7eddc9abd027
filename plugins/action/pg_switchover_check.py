# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.common.text.formatters import human_to_bytes
from ansible.plugins.action import ActionBase

from ansible_collections.pgsvc.access.plugins.plugin_utils._input import values
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.inventory import Inventory
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import PlanError, Report
from ansible_collections.pgsvc.access.plugins.plugin_utils._plan.planner import Planner
from ansible_collections.pgsvc.access.plugins.plugin_utils._plan.publication import variable_name
from ansible_collections.pgsvc.access.plugins.plugin_utils._report.asked import answers_in, planned_by
from ansible_collections.pgsvc.access.plugins.plugin_utils._report.command_files import write_exit_code
from ansible_collections.pgsvc.access.plugins.plugin_utils._report.findings import LAG
from ansible_collections.pgsvc.access.plugins.plugin_utils._report.status_view import views
from ansible_collections.pgsvc.access.plugins.plugin_utils._report.switchover import Move, prepare
from ansible_collections.pgsvc.access.plugins.plugin_utils._report.switchover_text import (
    ATTENTION,
    NOT_SEEN,
    OK,
    planned,
)


class ActionModule(ActionBase):
    """Says whether the primary of a cluster may move. Documented beside the module of the same name."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _VALID_ARGS = frozenset({"plan", "facts", "cluster", "member", "lag", "force"})

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        given = {name: values.native(value) for name, value in self._task.args.items()}
        try:
            move, is_seen = self._prepare(given, task_vars or {})
            force = values.boolean(given.get("force") or False)
        except (PlanError, ValueError) as error:
            return {**result, "failed": True, "msg": str(error)}
        for line in planned(move):
            self._display.display(line)
        done = {"changed": False, "move": move.to_dict(), "obstacles": [vars(each) for each in move.obstacles]}
        is_allowed = move.is_allowed(force=force)
        # The report has the last word. Until then the primary has not moved.
        write_exit_code(OK if is_allowed and self._task.check_mode else ATTENTION if is_seen else NOT_SEEN)
        if is_allowed:
            return {**result, **done}
        can_force = not any(each.is_final for each in move.obstacles)
        hint = "; correct what is found, or set pg_switchover_force (--force)" if can_force else ""
        words = f"the primary of {move.cluster} is not moved{hint}; nothing was changed"
        self._display.display(f"pgsql-svc: {words}")
        return {**result, **done, "failed": True, "msg": words}

    def _prepare(self, given: Mapping[str, Any], variables: Mapping[str, Any]) -> tuple[Move, bool]:
        """The planned switchover, and whether every load balancer has answered."""
        problems = Report()
        inventory = Inventory(variables["hostvars"], variables["groups"], problems)
        planner = Planner(inventory, problems, inventory.hosts)
        plan, facts = variable_name(given.get("plan")), variable_name(given.get("facts"))
        if plan not in variables:
            raise ValueError(f"plan: there is no variable {plan!r}")
        cluster = values.text(given.get("cluster"), "a cluster")
        planner.check_names([cluster])
        problems.raise_problems()
        answers = dict(answers_in(facts, variables["hostvars"], variables["groups"]["all"]))
        members = {cluster: planner.cluster(cluster).members}
        (view,) = views(members, planned_by(plan, variables[plan]), answers)
        lag = human_to_bytes(str(given.get("lag") or LAG))
        move = prepare(view, str(given.get("member") or ""), lag)
        return move, len(view.facts) == len(view.answers)

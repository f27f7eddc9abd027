# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase

from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import ValueProblem
from ansible_collections.pgsvc.access.plugins.plugin_utils._plan.publication import planned_arguments, take_plan


class ActionModule(ActionBase):
    """Renders the planned services of one load balancer and passes them to the module of the same name."""

    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        try:
            arguments = _arguments(dict(self._task.args), task_vars or {})
        except ValueProblem as problem:
            return {**result, "changed": False, "failed": True, "msg": str(problem)}
        if arguments is None:
            return {
                **result,
                "changed": False,
                "skipped": True,
                "skip_reason": "This host carries no service in this run.",
            }
        try:
            done = self._execute_module(
                module_name="pgsvc.access.haproxy_publish", module_args=arguments, task_vars=task_vars
            )
        except AnsibleConnectionFailure as error:
            # Ansible would mark the host of the play as unreachable, which may be a different host.
            host = self._task.delegate_to or (task_vars or {})["inventory_hostname"]
            done = {"changed": False, "failed": True, "reachable": False, "msg": f"{host} cannot be reached: {error}"}
        return {**result, **done}


def _arguments(given: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any] | None:
    """The arguments of the module; None if the plan has nothing for the load balancer. Raises `ValueProblem`."""
    planned = take_plan(given, variables)
    if planned is None:
        return given
    return planned_arguments(*planned, given)

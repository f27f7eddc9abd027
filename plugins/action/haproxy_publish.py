# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase

from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import ValueProblem, shown
from ansible_collections.pgsvc.access.plugins.plugin_utils._plan.publication import planned_arguments, variable_name


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
    """The arguments of the module; None if the plan has nothing for the load balancer.

    The plan is given by the name of its variable: templating a plan of a thousand clusters on each host would take
    longer than all the rest. Raises `ValueProblem`.
    """
    plan, load_balancer = given.pop("plan", None), given.pop("load_balancer", None)
    if plan is None:
        if load_balancer is not None:
            raise ValueProblem("load_balancer: not allowed without plan; give plan as well", "conflict", load_balancer)
        return given
    variable = variable_name(plan)
    if variable not in variables:
        raise ValueProblem(
            f"plan: there is no variable {variable!r}; register the result of pgsvc.access.pg_service_plan in it first",
            "unknown-name",
            variable,
        )
    host = variables["inventory_hostname"] if load_balancer is None else load_balancer
    if not isinstance(host, str) or host not in variables["hostvars"]:
        said = f"load_balancer: {shown(host)} is not a host of the inventory; allowed: one, by its name"
        raise ValueProblem(said, "unknown-name", host)
    return planned_arguments(variable, variables[variable], host, given)

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase

from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import ValueProblem
from ansible_collections.pgsvc.access.plugins.plugin_utils._plan.publication import member_arguments, take_plan

_MODULE = "pgsvc.access.haproxy_service_gate"


class ActionModule(ActionBase):
    """Hands the planned settings of one load balancer to the module of the same name."""

    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        given = dict(self._task.args)
        host = str(given.get("load_balancer") or self._task.delegate_to or variables["inventory_hostname"])
        try:
            arguments = _arguments(given, variables)
        except ValueProblem as problem:
            return {**result, "changed": False, "failed": True, "msg": str(problem), "load_balancer": host}
        if arguments is None:
            reason = "This host does not carry the cluster in this run."
            return {**result, "changed": False, "skipped": True, "skip_reason": reason}
        try:
            done = self._execute_module(module_name=_MODULE, module_args=arguments, task_vars=task_vars)
        except AnsibleConnectionFailure as error:
            # Ansible would give up the host of the play, which may be another one, and name neither.
            done = {"changed": False, "failed": True, "reachable": False, "msg": f"{host} cannot be reached: {error}"}
        return {**result, **done, "load_balancer": host}


def _arguments(given: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any] | None:
    """The arguments of the module; None when the load balancer does not carry the cluster. Raises `ValueProblem`."""
    planned = take_plan(given, variables)
    if planned is None:
        return given
    arguments = member_arguments(*planned, given)
    if arguments is not None:
        arguments.pop("state_dir")
    return arguments

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase

from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import ValueProblem
from ansible_collections.pgsvc.access.plugins.plugin_utils._plan.publication import (
    OF_LOAD_BALANCER,
    publication_of,
    take_plan,
)

_FACTS = ("running", "addresses", "process", "services", "files", "removed", "old_workers", "patroni")


class ActionModule(ActionBase):
    """Gives the module of the same name the settings of a planned load balancer, and passes on what it finds."""

    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        given = dict(self._task.args)
        is_planned = given.get("plan") is not None
        try:
            arguments = _arguments(given, variables)
        except ValueProblem as problem:
            return {**result, "changed": False, "failed": True, "msg": str(problem)}
        if arguments is None:
            skipped = {"skipped": True, "skip_reason": "This host carries no service in this run."}
            return {**result, "changed": False, **skipped}
        try:
            found = self._execute_module(
                module_name="pgsvc.access.pg_service_info", module_args=arguments, task_vars=variables
            )
        except AnsibleConnectionFailure as error:
            # Ansible would give up the host of the play, which may be another one.
            host = self._task.delegate_to or variables["inventory_hostname"]
            found = {"changed": False, "failed": True, "reachable": False, "msg": f"{host} cannot be reached: {error}"}
        if is_planned and not found.get("failed"):
            # As text the facts are one value: Ansible copies, cleans and templates every value of a result.
            found["facts"] = json.dumps({name: found.pop(name, None) for name in _FACTS})
        return {**result, **found}


def _arguments(given: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any] | None:
    """The arguments of the module; None when the plan has no service for the load balancer. Raises `ValueProblem`."""
    named = take_plan(given, variables)
    if named is None:
        return given
    variable, plan, host = named
    publication = publication_of(variable, plan, host)
    if publication is None or not publication["services"]:
        return None
    planned = {name: publication[name] for name in OF_LOAD_BALANCER}
    planned["ask_patroni"] = list(plan.get("patroni_askers", {}).get(host, ()))
    return {**planned, **{name: value for name, value in given.items() if value is not None}}

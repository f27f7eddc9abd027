# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.pgsvc.access.plugins.plugin_utils._publication import module_arguments


class ActionModule(ActionBase):
    """Renders the planned services of one load balancer and hands them to the module of the same name."""

    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        if "plan" in arguments:
            planned = self._planned(arguments, task_vars or {})
            if planned is None:
                return {
                    **result,
                    "changed": False,
                    "skipped": True,
                    "skip_reason": "This host carries no service in this run.",
                }
            arguments = planned
        return {
            **result,
            **self._execute_module(
                module_name="pgsvc.access.haproxy_publish", module_args=arguments, task_vars=task_vars
            ),
        }

    def _planned(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any] | None:
        """The module's arguments for one load balancer of a plan, None when the plan has nothing for it.

        The plan is named, not templated: templating a plan of a thousand clusters on every host would cost
        more than all the rest.
        """
        variable, host = arguments.pop("plan"), arguments.pop("load_balancer", task_vars.get("inventory_hostname"))
        if variable not in task_vars:
            raise AnsibleActionFail(
                f"plan: there is no variable {variable!r}; register the result of "
                "pgsvc.access.pg_service_plan in it first"
            )
        publication = task_vars[variable].get("load_balancers", {}).get(host)
        return None if publication is None else {**module_arguments(json.loads(publication)), **arguments}

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.release import __version__

from ansible_collections.pgsvc.access.plugins.plugin_utils._input import values
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.defaults import VARIABLES
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.inventory import Inventory
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import PlanError, Report
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.yaml_numbers import check_numbers
from ansible_collections.pgsvc.access.plugins.plugin_utils._plan.planner import check_something_to_publish, make_plan


class ActionModule(ActionBase):
    """Plans on the controller, once for a play. The module of the same name has the documentation."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _VALID_ARGS = frozenset({"clusters", "members"})

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables: Mapping[str, Any] = task_vars or {}
        report = Report()
        inventory = Inventory(variables["hostvars"], variables["groups"], report)
        try:
            clusters = values.word_list(values.native(self._task.args.get("clusters") or []), "clusters")
            members = values.word_list(values.native(self._task.args.get("members") or []), "members")
            sources = variables.get("ansible_inventory_sources") or ()
            self._refuse_play_variables(variables, report)
            check_numbers(inventory, sources, report)
            plan = make_plan(inventory, report, variables["ansible_play_hosts"], clusters, members)
            played = variables.get("ansible_play_hosts_all", variables["ansible_play_hosts"])
            check_something_to_publish(inventory, plan, played, sources)
        except PlanError as error:
            self._display_problems(str(error))
            return {**result, "failed": True, "msg": str(error)}
        except ValueError as error:
            raise AnsibleActionFail(str(error)) from error
        planned = plan.to_dict()
        self._display_notes(planned)
        # Each load balancer's part is one text, because Ansible copies, cleans and templates every value of a result.
        texts = {host: json.dumps(publication) for host, publication in planned.pop("load_balancers").items()}
        return {**result, "changed": False, "_ansible_verbose_override": True, **planned, "load_balancers": texts}

    def _refuse_play_variables(self, variables: Mapping[str, Any], report: Report) -> None:
        """Report variables of the play, of a role or of the task, which the plan of all clusters does not include."""
        host = variables["inventory_hostname"]
        known = variables["hostvars"].raw_get(host)
        for name in VARIABLES:
            if name in variables and variables[name] != known.get(name) and not self._is_default(name, variables[name]):
                report.problem(
                    "play",
                    "is set in the play, a role or a task, which the plan does not read; allowed: in the inventory "
                    "(group_vars, host_vars), or as an extra variable (-e)",
                    field=name,
                    code="misplaced",
                    value=variables[name],
                )

    def _is_default(self, name: str, value: Any) -> bool:
        """Whether the value is the default of a role of the play, which Ansible makes visible to all tasks."""
        return any(role.get_default_vars().get(name) == value for role in self._task.get_play().get_roles())

    def _display_notes(self, planned: Mapping[str, Any]) -> None:
        """Print what the run leaves out, and with -v what each load balancer carries."""
        for note in planned["notes"]:
            self._display.display(note)
        for publisher in planned["publishers"]:
            self._display.v(publisher["carries"])

    def _display_problems(self, message: str) -> None:
        """Print one problem per line. ansible-core 2.19 and later do that themselves, before the result in JSON."""
        if tuple(map(int, __version__.split(".")[:2])) < (2, 19):
            self._display.error(message, wrap_text=False)

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

from ansible_collections.pgsvc.access.plugins.plugin_utils import _values
from ansible_collections.pgsvc.access.plugins.plugin_utils._inventory import Inventory
from ansible_collections.pgsvc.access.plugins.plugin_utils._plan import make_plan
from ansible_collections.pgsvc.access.plugins.plugin_utils._problems import PlanError, Report


class ActionModule(ActionBase):
    """Plans on the controller, once for a play. Documented beside the module of the same name."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _VALID_ARGS = frozenset({"clusters"})

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables: Mapping[str, Any] = task_vars or {}
        report = Report()
        inventory = Inventory(variables["hostvars"], variables["groups"], report)
        try:
            clusters = _values.word_list(_values.native(self._task.args.get("clusters") or []), "clusters")
            plan = make_plan(inventory, report, variables["ansible_play_hosts"], clusters)
        except PlanError as error:
            self._tell(str(error))
            return {**result, "failed": True, "msg": str(error)}
        except ValueError as error:
            raise AnsibleActionFail(str(error)) from error
        planned = plan.to_dict()
        # As text a load balancer's part is one value: Ansible copies, cleans and templates every value of a result.
        texts = {host: json.dumps(publication) for host, publication in planned.pop("load_balancers").items()}
        return {**result, "changed": False, "_ansible_verbose_override": True, **planned, "load_balancers": texts}

    def _tell(self, message: str) -> None:
        """Print the problems a line each; ansible-core does so itself from 2.19 on, before it shows them as JSON."""
        if tuple(map(int, __version__.split(".")[:2])) < (2, 19):
            self._display.error(message, wrap_text=False)

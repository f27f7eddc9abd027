# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of an inventory, made without Ansible."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.pgsvc.access.plugins.plugin_utils._input.inventory import Inventory
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import Report
from ansible_collections.pgsvc.access.plugins.plugin_utils._plan.planner import make_plan
from ansible_collections.pgsvc.access.plugins.plugin_utils._plan.publication import module_arguments


def arguments_of_load_balancers(
    hostvars: Mapping[str, Mapping[str, Any]], groups: Mapping[str, Sequence[str]], only: Sequence[str] = ()
) -> dict[str, dict[str, Any]]:
    """Load balancer to the arguments of its publish module, by way of JSON as between two tasks.

    `only` names the clusters to plan; all are planned when it is empty.
    """
    report = Report()
    plan = make_plan(Inventory(hostvars, groups, report), report, only=only).to_dict()
    publications: dict[str, Any] = json.loads(json.dumps(plan["load_balancers"]))
    return {load_balancer: module_arguments(publication) for load_balancer, publication in publications.items()}

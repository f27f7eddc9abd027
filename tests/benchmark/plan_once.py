# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Load an inventory as ansible-playbook does, plan all its clusters, and print how many seconds the plan took.

usage: plan_once.py INVENTORY [LOAD_BALANCER]

The last line is a mapping in JSON: seconds by the clock (`wall`) and of processor time (`cpu`). With a load balancer
they include the rendering of its files, and `arguments` are those of its publish module.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager

from ansible_collections.pgsvc.access.plugins.filter.plan import plan
from ansible_collections.pgsvc.access.plugins.plugin_utils._plan.publication import compact, module_arguments


def main(source: str, load_balancer: str = "") -> None:
    """Plan through the filter, with the hostvars that a play has."""
    init_plugin_loader()
    loader = DataLoader()
    inventory = InventoryManager(loader=loader, sources=[source])
    variables = VariableManager(loader=loader, inventory=inventory)
    hostvars = HostVars(inventory, variables, loader)
    groups = {name: [host.name for host in group.get_hosts()] for name, group in inventory.groups.items()}
    said: dict[str, Any] = {}
    wall, cpu = time.perf_counter(), time.process_time()
    planned = plan(hostvars, groups)
    if load_balancer:
        said["arguments"] = compact(module_arguments(planned["load_balancers"][load_balancer]))
    said.update(wall=time.perf_counter() - wall, cpu=time.process_time() - cpu)
    if len(planned["load_balancers"]) != len(hostvars):
        sys.exit(f"{len(planned['load_balancers'])} of {len(hostvars)} load balancers were planned")
    print(json.dumps(said))


if __name__ == "__main__":
    main(*sys.argv[1:])

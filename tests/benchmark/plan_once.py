# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Load an inventory as ansible-playbook does, plan all its clusters, and print how many seconds the plan took.

usage: plan_once.py INVENTORY
"""

from __future__ import annotations

import sys
import time

from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager

from ansible_collections.pgsvc.access.plugins.filter.plan import plan


def main(source: str) -> None:
    """Plan through the filter, with the hostvars that a play has."""
    init_plugin_loader()
    loader = DataLoader()
    inventory = InventoryManager(loader=loader, sources=[source])
    variables = VariableManager(loader=loader, inventory=inventory)
    hostvars = HostVars(inventory, variables, loader)
    groups = {name: [host.name for host in group.get_hosts()] for name, group in inventory.groups.items()}
    begin = time.perf_counter()
    planned = plan(hostvars, groups)
    seconds = time.perf_counter() - begin
    if len(planned["load_balancers"]) != len(hostvars):
        sys.exit(f"{len(planned['load_balancers'])} of {len(hostvars)} load balancers were planned")
    print(f"{seconds:.3f}")


if __name__ == "__main__":
    main(sys.argv[1])

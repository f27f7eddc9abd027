#!/usr/bin/python
# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_service_plan
short_description: Plan the services of PostgreSQL clusters, once for a play
version_added: 1.0.0
author: pgsvc.access contributors (@pgsvc)
description:
  - Reads the clusters of the play from the inventory and plans which services each load balancer carries.
  - Runs on the controller and connects to no host. All mistakes of the inventory are reported in one message.
  - Register the result and give the name of the variable as O(pgsvc.access.haproxy_publish#module:plan) to
    M(pgsvc.access.haproxy_publish).
extends_documentation_fragment:
  - pgsvc.access._attributes.info
  - pgsvc.access._attributes
  - pgsvc.access._requirements.jmespath
options:
  clusters:
    description:
      - Plan these clusters only, by the value of C(pg_cluster) of their members.
      - By default the clusters with members in the play, and those that delegate to a load balancer in the play.
    type: list
    elements: str
    default: []
  members:
    description:
      - Names of members that the planned clusters must have, such as V(pg-test-2). The plan fails for any other name
        and lists those that there are.
    type: list
    elements: str
    default: []
seealso:
  - plugin: pgsvc.access.plan
    plugin_type: filter
    description: The same plan as a filter.
"""

EXAMPLES = r"""
- name: Plan the services of every cluster of the play
  pgsvc.access.pg_service_plan:
  run_once: true
  register: services_plan

- name: Show the load balancers in the plan
  ansible.builtin.debug:
    msg: "{{ services_plan.load_balancers.keys() | list }}"
  run_once: true
"""

RETURN = r"""
load_balancers:
  description:
    - For each load balancer its settings, owners and services, in the format of P(pgsvc.access.plan#filter).
    - Each value is a JSON text, so that Ansible handles one value instead of many.
  returned: success
  type: dict
assigned:
  description: Load balancers outside the play, by the host of the play that publishes them.
  returned: success
  type: dict
patroni_askers:
  description:
    - For each load balancer the clusters whose Patroni it asks when M(pgsvc.access.pg_service_info) has this plan. Two
      load balancers ask for each cluster, as one of them may be down.
  returned: success
  type: dict
publishers:
  description: The hosts of the play that publish something, each with C(host) and, as text, what it C(carries).
  returned: success
  type: list
notes:
  description:
    - Messages about hosts that the run leaves out. There is a line if hosts with HAProxy are neither in the play nor in
      a provider group that a cluster names, as they may still have services of clusters that have left their group.
  returned: success
  type: list
"""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """The action plugin of the same name does the work. The module is never sent to a host."""
    words = {"type": "list", "elements": "str", "default": []}
    arguments = {"clusters": words, "members": words}
    module = AnsibleModule(argument_spec=arguments, supports_check_mode=True)
    module.fail_json(msg="pgsvc.access.pg_service_plan runs on the controller; call it from a playbook")


if __name__ == "__main__":
    main()

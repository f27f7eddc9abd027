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
  - Reads the clusters of the play from the inventory and works out which services every load balancer carries.
  - Runs on the controller and touches no host. Every mistake of the inventory is reported in one message.
  - Register the result and name it in O(pgsvc.access.haproxy_publish#module:plan) of M(pgsvc.access.haproxy_publish).
extends_documentation_fragment:
  - pgsvc.access._attributes.info
  - pgsvc.access._attributes
  - pgsvc.access._requirements.jmespath
options:
  clusters:
    description:
      - Plan these clusters only, by the value of C(pg_cluster) of their members.
      - Without it the clusters that have members in the play, and those that delegate to a load balancer in the play.
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

- name: Show which load balancers will be told
  ansible.builtin.debug:
    msg: "{{ services_plan.load_balancers.keys() | list }}"
  run_once: true
"""

RETURN = r"""
load_balancers:
  description:
    - For each load balancer its settings, owners and services, as P(pgsvc.access.plan#filter) gives them.
    - Each is JSON text, which is one value to Ansible, whatever the size of the plan.
  returned: success
  type: dict
assigned:
  description: Load balancers outside the play, by the host of the play that publishes them.
  returned: success
  type: dict
publishers:
  description: The hosts of the play that publish something, each with C(host) and, in words, what it C(carries).
  returned: success
  type: list
notes:
  description:
    - What the run leaves out, in words. There is a line when a host with HAProxy is in no provider group that a cluster
      names, and not in the play either, as services of clusters that have left its group may be there still.
  returned: success
  type: list
"""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """The work is done by the action plugin of the same name; a module is never sent to a host."""
    arguments = {"clusters": {"type": "list", "elements": "str", "default": []}}
    module = AnsibleModule(argument_spec=arguments, supports_check_mode=True)
    module.fail_json(msg="pgsvc.access.pg_service_plan runs on the controller; call it from a playbook")


if __name__ == "__main__":
    main()

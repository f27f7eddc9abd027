#!/usr/bin/python
# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_service_status
short_description: Report what serves the services of clusters, and what is wrong
version_added: 1.0.0
author: pgsvc.access contributors (@pgsvc)
description:
  - Compares the plan of the services with what each load balancer and Patroni said to M(pgsvc.access.pg_service_info),
    and reports which members serve each service, and what needs attention.
  - Runs on the controller and touches no host. The playbook C(pgsvc.access.status) shows how to use it.
extends_documentation_fragment:
  - pgsvc.access._attributes.info
  - pgsvc.access._attributes
  - pgsvc.access._requirements.jmespath
attributes:
  check_mode:
    description: Can run in C(check_mode) and gives the same result.
  idempotent:
    description: The same plan and the same facts give the same report.
options:
  plan:
    description: The name of the variable in which the result of M(pgsvc.access.pg_service_plan) was registered.
    type: str
    required: true
  facts:
    description:
      - The name of the variable in which the results of M(pgsvc.access.pg_service_info) were registered, with the same
        name on all hosts.
    type: str
    required: true
  clusters:
    description: Report these clusters only. All clusters of the plan without it.
    type: list
    elements: str
    default: []
  path:
    description: A file on the controller that gets the report as JSON. Without it the report is printed as a table.
    type: path
seealso:
  - module: pgsvc.access.pg_service_info
"""

EXAMPLES = r"""
- name: Report the status of every cluster of the plan
  pgsvc.access.pg_service_status:
    plan: services_plan
    facts: services_info
  run_once: true
  register: services_status

- name: Fail if something is critical
  ansible.builtin.assert:
    that: services_status.exit_code != 2
"""

RETURN = r"""
report:
  description: The report, as one text in JSON. C(docs/status.md) of the collection describes its fields.
  returned: success
  type: str
exit_code:
  description:
    - V(0) when all is well, V(1) when something needs attention, V(2) when something is critical, V(3) when no load
      balancer of a cluster could be asked.
  returned: success
  type: int
  sample: 0
"""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """The work is done by the action plugin of the same name; a module is never sent to a host."""
    arguments = {
        "plan": {"type": "str", "required": True},
        "facts": {"type": "str", "required": True},
        "clusters": {"type": "list", "elements": "str", "default": []},
        "path": {"type": "path"},
    }
    AnsibleModule(argument_spec=arguments, supports_check_mode=True).fail_json(
        msg="pgsvc.access.pg_service_status runs on the controller; call it from a playbook"
    )


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_switchover_check
short_description: Say whether the primary of a cluster may move now
version_added: 1.0.0
author: pgsvc.access contributors (@pgsvc)
description:
  - Compares the plan of the services with what each load balancer and Patroni said to M(pgsvc.access.pg_service_info),
    and says to which member the primary may move, and what stands in the way. Without a way, the task fails.
  - Runs on the controller and touches no host. The playbook C(pgsvc.access.switchover) shows how to use it.
extends_documentation_fragment:
  - pgsvc.access._attributes.info
  - pgsvc.access._attributes
  - pgsvc.access._requirements.jmespath
attributes:
  check_mode:
    description: Can run in C(check_mode) and gives the same result.
  idempotent:
    description: The same plan and the same facts give the same result.
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
  cluster:
    description: The cluster, the value of C(pg_cluster) of its members.
    type: str
    required: true
  member:
    description:
      - The member that is to lead, C(pg_cluster) and C(pg_seq) joined by C(-). Without it, a synchronous standby, or
        else the member that lags least.
    type: str
  lag:
    description: The replication lag that the member may have, such as V(16MB).
    type: str
    default: 16MB
  force:
    description:
      - V(true) ignores what stands in the way, except where Patroni would refuse as well. C(docs/switchover.md) of the
        collection describes each obstacle.
    type: bool
    default: false
seealso:
  - module: pgsvc.access.pg_service_info
  - module: pgsvc.access.pg_switchover_report
"""

EXAMPLES = r"""
- name: Check whether the primary can move to pg-test-2
  pgsvc.access.pg_switchover_check:
    plan: services_plan
    facts: services_info
    cluster: pg-test
    member: pg-test-2
  run_once: true
  register: checked
"""

RETURN = r"""
move:
  description:
    - The switchover. C(leader) and C(candidate) are members, C(patroni_leader) and C(patroni_candidate) their names in
      Patroni, C(leader_host) is the leader in the inventory, C(url) and C(ca_file) its REST API, C(via) a load balancer
      that can reach it, C(services) has the services that only the leader serves, by load balancer, and C(holds) the
      seconds for which their new connections can wait.
    - Empty when there is no leader, or no candidate.
  returned: when the load balancers were compared
  type: dict
  sample: {"cluster": "pg-test", "leader": "pg-test-1", "candidate": "pg-test-2"}
obstacles:
  description: What stands in the way, each with C(code), C(text), C(fix), and C(is_final) for what cannot be forced.
  returned: when the load balancers were compared
  type: list
  elements: dict
  sample: []
"""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """The work is done by the action plugin of the same name; a module is never sent to a host."""
    arguments = {
        "plan": {"type": "str", "required": True},
        "facts": {"type": "str", "required": True},
        "cluster": {"type": "str", "required": True},
        "member": {"type": "str"},
        "lag": {"type": "str", "default": "16MB"},
        "force": {"type": "bool", "default": False},
    }
    AnsibleModule(argument_spec=arguments, supports_check_mode=True).fail_json(
        msg="pgsvc.access.pg_switchover_check runs on the controller; call it from a playbook"
    )


if __name__ == "__main__":
    main()

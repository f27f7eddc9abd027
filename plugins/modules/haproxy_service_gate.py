#!/usr/bin/python
# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: haproxy_service_gate
short_description: Let new connections of services wait while the primary moves
version_added: 1.0.0
author: pgsvc.access contributors (@pgsvc)
description:
  - Closes and opens the gates of services on one load balancer, through the Runtime API of HAProxy. While the gate of a
    service is closed, its new connections wait, at most for the C(hold) of the service. Open sessions go on.
  - With O(state=following), waits until another member leads the cluster, makes the services use this member, opens the
    gates, and ends the sessions of the member that led before.
  - A closed gate opens by itself after O(seconds), also when the run that closed it has been killed.
  - Only services with C(hold) have a gate, see C(docs/hold.md). No file is changed and nothing is reloaded.
  - The playbook C(pgsvc.access.switchover) shows how to use it.
extends_documentation_fragment:
  - pgsvc.access._places
  - pgsvc.access._attributes.linux
  - pgsvc.access._attributes
options:
  cluster:
    description: The name of the cluster, the value of C(pg_cluster) of its members.
    type: str
    required: true
  services:
    description: The services, as C(<pg_cluster>-<name>). They must be services that only the leader serves.
    type: list
    elements: str
    required: true
  leader:
    description: The member that leads before the switchover, C(pg_cluster) and C(pg_seq) joined by C(-).
    type: str
    required: true
  state:
    description:
      - V(closed) lets new connections wait.
      - V(open) forwards them.
      - V(following) keeps the gates closed until a member other than O(leader) takes writes, sends the services there,
        opens the gates and ends the sessions of O(leader). If there is no other leader after O(wait) seconds, the gates
        stay closed, and V(ignore:leader) is empty in the result.
    type: str
    choices: [closed, open, following]
    required: true
  seconds:
    description: A closed gate opens by itself after so many seconds, 1 to 60.
    type: int
    default: 30
  wait:
    description: How many seconds V(following) waits for another leader.
    type: int
    default: 20
  plan:
    description:
      - The name of the variable in which the result of M(pgsvc.access.pg_service_plan) was registered; the name, not a
        template, and not the value.
      - Folders and sockets are those of the plan, unless they are given here as well.
      - A load balancer that does not carry O(cluster) in this plan is skipped.
    type: str
  load_balancer:
    description:
      - Which load balancer of the O(plan) this is, by its name in the inventory. The host of the task by default.
      - Not allowed without O(plan).
    type: str
attributes:
  check_mode:
    description: Looks, and changes nothing.
    support: full
  diff_mode:
    description: The state of gates is in the result.
    support: none
  idempotent:
    description: Closing a closed gate sets its time again, and reports no change.
    support: full
  platform:
    description: Linux with HAProxy 2.6 or later. An older HAProxy is refused.
notes:
  - Needs root, or a user who may use the sockets of HAProxy.
  - A reload of HAProxy opens all gates. M(pgsvc.access.haproxy_publish) waits while one is closed, before it reloads.
  - HAProxy counts the command that sets a gate (C(set var)) as experimental.
seealso:
  - module: pgsvc.access.patroni_switchover
  - module: pgsvc.access.haproxy_member_state
"""

EXAMPLES = r"""
- name: Let new connections to the primary wait, for up to 20 seconds
  pgsvc.access.haproxy_service_gate:
    cluster: pg-test
    services: [pg-test-primary, pg-test-default]
    leader: pg-test-1
    state: closed
    seconds: 20

- name: Wait for the new primary, and forward the connections to it
  pgsvc.access.haproxy_service_gate:
    cluster: pg-test
    services: [pg-test-primary, pg-test-default]
    leader: pg-test-1
    state: following
  register: followed
  failed_when: not followed.leader
"""

RETURN = r"""
gates:
  description: The state of the gate of each service that has one, when the call ends.
  returned: success
  type: dict
  sample: {"pg-test-primary": "closed"}
without_gate:
  description: Those of O(services) that have no gate, because they have no C(hold).
  returned: success
  type: list
  elements: str
at:
  description: When the gates were closed or opened, in seconds since 1970.
  returned: success
  type: float
sessions:
  description: Sessions of O(leader) in these services when the call began, also in old workers.
  returned: success
  type: int
  sample: 40
leader:
  description: The new leader. Empty unless one was found.
  returned: success
  type: str
  sample: pg-test-2
stopped_at:
  description: When the Patroni of O(leader) first said that its PostgreSQL takes no writes; 0 for never.
  returned: success
  type: float
leads_at:
  description: When the new leader was found to take writes; 0 for never.
  returned: success
  type: float
waiting:
  description: How many new connections were waiting when the gates opened.
  returned: success
  type: int
  sample: 25
serves:
  description: The members that take new connections now, by service.
  returned: success
  type: dict
  sample: {"pg-test-primary": ["pg-test-2"]}
commands:
  description: The commands that made HAProxy use the new leader before its next health checks.
  returned: success
  type: list
  elements: str
  sample: ["set server pg-test-primary/pg-test-2 health up"]
load_balancer:
  description: The load balancer, by its name in the inventory.
  returned: always
  type: str
  sample: 10.10.10.11
reachable:
  description: V(false) when the connection to the load balancer failed.
  returned: when it is V(false)
  type: bool
  sample: false
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import PublishError
from ansible_collections.pgsvc.access.plugins.module_utils._publish.hold import LONGEST_CLOSED
from ansible_collections.pgsvc.access.plugins.module_utils._publish.request import places
from ansible_collections.pgsvc.access.plugins.module_utils._switchover.gate import GateRequest, set_gate

_ARGUMENTS: dict[str, Any] = {
    "cluster": {"type": "str", "required": True},
    "services": {"type": "list", "elements": "str", "required": True},
    "leader": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["closed", "open", "following"], "required": True},
    "seconds": {"type": "int", "default": 30},
    "wait": {"type": "int", "default": 20},
    "plan": {"type": "str"},
    "load_balancer": {"type": "str"},
    "conf_dir": {"type": "path"},
    "master_socket": {"type": "path"},
    "stats_socket": {"type": "path"},
}


def main() -> None:
    module = AnsibleModule(argument_spec=_ARGUMENTS, supports_check_mode=True)
    arguments = dict(module.params)
    # The action plugin of this name has put the folders and sockets of the plan in their place.
    if any([arguments.pop("plan"), arguments.pop("load_balancer")]):
        module.fail_json(msg="plan and load_balancer are understood on the controller only, not by the module itself")
    if not 1 <= arguments["seconds"] <= LONGEST_CLOSED:
        module.fail_json(msg=f"seconds: {arguments['seconds']} is not allowed; allowed: 1 to {LONGEST_CLOSED}")
    try:
        arguments.update(places(arguments))
        result = set_gate(GateRequest(**arguments, check=module.check_mode))
    except PublishError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result.to_dict())


if __name__ == "__main__":
    main()

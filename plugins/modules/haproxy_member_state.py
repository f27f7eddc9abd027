#!/usr/bin/python
# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: haproxy_member_state
short_description: Take a member out of all services of a load balancer, and bring it back
version_added: 1.0.0
author: pgsvc.access contributors (@pgsvc)
description:
  - Sets the state of a member in every service of its cluster on one load balancer, through the Runtime API of HAProxy.
    No file is changed and nothing is reloaded.
  - Only the services that this collection has published for the cluster are changed.
  - The state stays when services are published again, also with a reload. Another reload of HAProxy and a restart of
    it end the state.
  - A member that comes back from maintenance gets no connection before it has passed its health checks.
  - The call waits for a M(pgsvc.access.haproxy_publish) that runs on the same load balancer.
extends_documentation_fragment:
  - pgsvc.access._places
  - pgsvc.access._attributes.linux
  - pgsvc.access._attributes
options:
  cluster:
    description: The name of the cluster, the value of C(pg_cluster) of its members.
    type: str
    required: true
  member:
    description: The name of the member, C(pg_cluster) and C(pg_seq) joined by C(-).
    type: str
    required: true
  state:
    description:
      - V(drain) keeps new connections away from the member. Its sessions go on.
      - V(maint) keeps new connections away, stops health checks and ends the sessions of the member.
      - V(ready) brings the member back. It gets connections when its health checks pass.
    type: str
    choices: [drain, maint, ready]
    required: true
  force:
    description:
      - V(false) refuses V(drain) and V(maint) where a service would have no usable server without this member. Nothing
        is changed on this load balancer then.
    type: bool
    default: false
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
  state_dir:
    description: The O(pgsvc.access.haproxy_publish#module:state_dir) of M(pgsvc.access.haproxy_publish).
    type: path
    default: /var/lib/haproxy/pgsvc
attributes:
  check_mode:
    description: Returns the commands that would be sent to HAProxy, and sends none.
    support: full
  diff_mode:
    description: Shows the state of each server, before and after.
    support: full
  idempotent:
    description: A member that is in the state already is left alone.
    support: full
  platform:
    description: Linux with HAProxy 2.6 or later. An older HAProxy is refused.
notes:
  - Needs root, or a user who may use the sockets of HAProxy.
  - Services with C(pg_service_roles=live) share health checks. The state is then set on the server that makes the
    checks, and all servers that track it follow.
seealso:
  - module: pgsvc.access.haproxy_publish
  - name: HAProxy Management Guide
    description: The command C(set server).
    link: https://docs.haproxy.org/2.6/management.html
"""

EXAMPLES = r"""
- name: Keep new connections away from a member
  pgsvc.access.haproxy_member_state:
    cluster: pg-test
    member: pg-test-2
    state: drain

- name: Wait up to five minutes for its sessions to end
  pgsvc.access.haproxy_member_state:
    cluster: pg-test
    member: pg-test-2
    state: drain
  register: drained
  until: drained.settled
  retries: 60
  delay: 5

- name: Bring the member back
  pgsvc.access.haproxy_member_state:
    cluster: pg-test
    member: pg-test-2
    state: ready
"""

RETURN = r"""
services:
  description: The services that have a server of the member, as they are when the call ends.
  returned: success, and when refused
  type: list
  elements: dict
  contains:
    service:
      description: Name of the service.
      type: str
      sample: pg-test-replica
    servers:
      description:
        - The servers of the member, each with C(server), its C(state) (V(ready), V(drain) or V(maint)), its
          C(status) as HAProxy shows it, whether it is C(usable), and its C(sessions).
      type: list
      elements: dict
      sample: [{"server": "pg-test-2", "state": "drain", "status": "DRAIN", "usable": false, "sessions": 3}]
    sessions:
      description: Sessions of the member in this service.
      type: int
      sample: 3
    usable:
      description: How many servers of the service can get connections, whichever member they belong to.
      type: int
      sample: 1
sessions:
  description: Sessions of the member in all services, including those that earlier reloads have left to old workers.
  returned: success, and when refused
  type: int
  sample: 3
settled:
  description:
    - With V(drain) and V(maint), whether all sessions of the member have ended. With V(ready), whether its health
      checks have passed or failed since it came back.
  returned: success, and when refused
  type: bool
  sample: false
commands:
  description: The commands that were sent to HAProxy, or would be in check mode.
  returned: success, and when refused
  type: list
  elements: str
  sample: ["set server pg-test-replica/pg-test-2 state drain"]
load_balancer:
  description: The load balancer, by its name in the inventory.
  returned: always
  type: str
  sample: 10.10.10.11
cluster:
  description: The cluster of the call.
  returned: always
  type: str
  sample: pg-test
member:
  description: The member of the call.
  returned: always
  type: str
  sample: pg-test-2
state:
  description: The state that was asked for.
  returned: always
  type: str
  sample: drain
refused:
  description: V(true) when the state would leave a service without a usable server.
  returned: when it is V(true)
  type: bool
  sample: true
reachable:
  description: V(false) when the connection to the load balancer failed.
  returned: when it is V(false)
  type: bool
  sample: false
diff:
  description: The states of the servers, before and after.
  returned: in diff mode, when they differ
  type: list
  elements: dict
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import PublishError
from ansible_collections.pgsvc.access.plugins.module_utils._publish.member_state import MemberRequest, set_member_state
from ansible_collections.pgsvc.access.plugins.module_utils._publish.request import places

_ARGUMENTS: dict[str, Any] = {
    "cluster": {"type": "str", "required": True},
    "member": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["drain", "maint", "ready"], "required": True},
    "force": {"type": "bool", "default": False},
    "plan": {"type": "str"},
    "load_balancer": {"type": "str"},
    "conf_dir": {"type": "path"},
    "state_dir": {"type": "path", "default": "/var/lib/haproxy/pgsvc"},
    "master_socket": {"type": "path"},
    "stats_socket": {"type": "path"},
}


def main() -> None:
    module = AnsibleModule(argument_spec=_ARGUMENTS, supports_check_mode=True)
    arguments = dict(module.params)
    # The action plugin of this name has put the folders and sockets of the plan in their place.
    if any([arguments.pop("plan"), arguments.pop("load_balancer")]):
        module.fail_json(msg="plan and load_balancer are understood on the controller only, not by the module itself")
    try:
        arguments.update(places(arguments))
        result = set_member_state(MemberRequest(**arguments, check=module.check_mode))
    except PublishError as error:
        module.fail_json(msg=str(error))
    for warning in result.warnings:
        module.warn(warning)
    returned = result.to_dict(diff=module._diff)
    if result.refused:
        module.fail_json(msg=result.refused, refused=True, **{**returned, "changed": False})
    module.exit_json(**returned)


if __name__ == "__main__":
    main()

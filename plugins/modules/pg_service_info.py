#!/usr/bin/python
# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_service_info
short_description: Show what the services of a load balancer serve at this moment
version_added: 1.0.0
author: pgsvc.access contributors (@pgsvc)
description:
  - Reads the service files of this collection on a load balancer, asks its running HAProxy for their servers, and says
    whether HAProxy runs what the files say. Nothing is changed.
  - Asks Patroni for the members of a cluster as well, from this load balancer and in the way of the health checks. With
    TLS the certificate is verified by the C(ca-file) of the servers.
  - M(pgsvc.access.pg_service_status) makes a report of the results of all load balancers.
extends_documentation_fragment:
  - pgsvc.access._places
  - pgsvc.access._attributes.info
  - pgsvc.access._attributes.linux
  - pgsvc.access._attributes
options:
  plan:
    description:
      - The name of the variable in which the result of M(pgsvc.access.pg_service_plan) was registered; the name, not a
        template, and not the value.
      - Folders, sockets and O(ask_patroni) are then those of the plan, unless they are given here as well. A load
        balancer without services in the plan is skipped.
    type: str
  load_balancer:
    description:
      - Which load balancer of the O(plan) this is, by its name in the inventory. The host of the task by default.
      - Not allowed without O(plan).
    type: str
  clusters:
    description: Only the services of these clusters. All without it.
    type: list
    elements: str
    default: []
  ask_patroni:
    description: The clusters whose Patroni is asked.
    type: list
    elements: str
    default: []
  state_dir:
    description: Directory of the record of what HAProxy has loaded.
    type: path
    default: /var/lib/haproxy/pgsvc
attributes:
  idempotent:
    description: Changes nothing. The result is that of the moment.
  platform:
    description: Linux with HAProxy 2.6 or later, started in master-worker mode.
notes:
  - Needs root, or a user who may read O(conf_dir) and O(state_dir) and use the sockets.
seealso:
  - module: pgsvc.access.pg_service_status
"""

EXAMPLES = r"""
- name: Look at all services of this load balancer
  pgsvc.access.pg_service_info:
  register: services_info

- name: Look at one cluster, and ask its Patroni
  pgsvc.access.pg_service_info:
    clusters: [pg-test]
    ask_patroni: [pg-test]
  register: services_info
"""

RETURN = r"""
running:
  description: Whether HAProxy answers at one of its sockets.
  returned: success
  type: bool
  sample: true
addresses:
  description: The addresses of the host, among them virtual addresses. Empty (V(null)) when they cannot be read.
  returned: success
  type: list
  elements: str
  sample: [10.10.10.11, 10.10.10.3]
process:
  description: The current worker. Empty when HAProxy does not run.
  returned: success
  type: dict
  sample: {"pid": 4711, "version": "2.6.12", "uptime": 86400, "failed_reloads": 0}
services:
  description: Every service file of the clusters, and each file of their shared health checks that is not applied.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the file and of the proxy.
      type: str
      sample: pg-test-primary
    cluster:
      description: The cluster, from the owner in the file.
      type: str
      sample: pg-test
    is_service:
      description: V(false) for shared health checks.
      type: bool
    is_running:
      description: Whether HAProxy knows the proxy.
      type: bool
    file:
      description:
        - V(applied) when HAProxy runs what the file says, V(not_applied) when the file was written and not applied,
          V(different) when the running servers are not those of the file, V(not_running) without HAProxy.
      type: str
      sample: applied
    differences:
      description: In what the running servers differ from the file.
      type: list
      elements: str
    all_backups:
      description: Whether all backups serve at once (C(option allbackups)).
      type: bool
    sessions:
      description: Client connections.
      type: int
    max_sessions:
      description: How many it takes (C(maxconn)).
      type: int
    queue:
      description: Connections that wait for a server.
      type: int
    servers:
      description: The running servers.
      type: list
      elements: dict
      contains:
        name:
          description: Name of the server.
          type: str
          sample: pg-test-1
        member:
          description: The member of the cluster that it stands for.
          type: str
          sample: pg-test-1
        status:
          description: The status that HAProxy shows.
          type: str
          sample: UP
        usable:
          description: Whether it may get new connections.
          type: bool
        backup:
          description: Whether it serves only when no other server can.
          type: bool
        weight:
          description: Its weight.
          type: int
        sessions:
          description: Its sessions.
          type: int
        queue:
          description: Connections that wait for this server.
          type: int
        max_sessions:
          description: How many sessions it takes; 0 without a limit.
          type: int
        check:
          description: The result of its last health check, or of the check that it tracks.
          type: str
          sample: L7OK 200
        verified:
          description: Whether a health check has ended since HAProxy knows the server.
          type: bool
        admin:
          description: V(drain) or V(maint) when an administrator has put it there, otherwise empty.
          type: str
        since:
          description: Seconds since its status last changed. HAProxy does not say when it last checked.
          type: int
        times_down:
          description: How often its checks have failed since the worker started.
          type: int
files:
  description: SHA-256 of each file on disk, by name.
  returned: success
  type: dict
removed:
  description: Services that HAProxy still runs though their files are gone.
  returned: success
  type: list
  elements: str
old_workers:
  description: Workers of earlier reloads that still hold sessions, each with the servers of these.
  returned: success
  type: list
  elements: dict
  sample: [{"pid": 4700, "uptime": 90000, "sessions": 1, "servers":
           [{"service": "pg-test-primary", "server": "pg-test-1", "member": "pg-test-1", "sessions": 1}]}]
patroni:
  description: For each cluster of O(ask_patroni) what Patroni says of it, or in C(error) why it could not be asked.
  returned: success
  type: dict
  sample: {"pg-test": {"members": [{"name": "pg-test-1", "role": "leader", "state": "running", "timeline": 1}],
           "pause": false, "asked": "10.10.10.11:8008"}}
facts:
  description: All of the above but C(changed), as one text in JSON and instead of it.
  returned: with O(plan)
  type: str
reachable:
  description: V(false) when the connection to the load balancer failed.
  returned: when it is V(false)
  type: bool
  sample: false
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.pgsvc.access.plugins.module_utils._host import compile_once

compile_once.install()

from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import PublishError
from ansible_collections.pgsvc.access.plugins.module_utils._publish.request import places
from ansible_collections.pgsvc.access.plugins.module_utils._status.facts import Question, look

_ARGUMENTS: dict[str, Any] = {
    "plan": {"type": "str"},
    "load_balancer": {"type": "str"},
    "clusters": {"type": "list", "elements": "str", "default": []},
    "ask_patroni": {"type": "list", "elements": "str", "default": []},
    "conf_dir": {"type": "path"},
    "state_dir": {"type": "path", "default": "/var/lib/haproxy/pgsvc"},
    "master_socket": {"type": "path"},
    "stats_socket": {"type": "path"},
}


def main() -> None:
    module = AnsibleModule(argument_spec=_ARGUMENTS, supports_check_mode=True)
    given = module.params
    try:
        facts = look(Question(**places(given), clusters=given["clusters"], ask_patroni=given["ask_patroni"]))
    except PublishError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, **facts)


if __name__ == "__main__":
    main()

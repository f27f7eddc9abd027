#!/usr/bin/python
# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: haproxy_publish
short_description: Publish service files to a running HAProxy
version_added: 1.0.0
author: pgsvc.access contributors (@pgsvc)
description:
  - Writes the service files of one load balancer and applies them to its running HAProxy.
  - Compares the files with those on disk, validates the whole configuration with the HAProxy binary and the arguments
    that HAProxy is started with, replaces the files as one change, applies it and verifies the result. If HAProxy
    rejects the files, nothing is changed; if it fails to load them, the old files are restored.
  - If only servers differ, the change is made through the Runtime API and no session is lost. Otherwise HAProxy is
    reloaded once, and the new process starts with the health of the servers that the old process knew.
  - The files are also compared with what HAProxy runs. Files that are up to date but not loaded yet are applied.
  - Call the module once per load balancer and set of owners. Concurrent calls wait for each other.
extends_documentation_fragment:
  - pgsvc.access._attributes.linux
  - pgsvc.access._attributes
  - pgsvc.access._places
options:
  files:
    description:
      - The complete set of service files of O(owners). A file of these owners that is not in the list is removed.
      - Ignored with O(write=false).
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description:
          - Name of the service. It is the name of the file, without C(.cfg), and of the C(listen) section in it.
          - Letters, digits, C(-), C(_) and C(.); neither a leading C(.) nor V(haproxy).
        type: str
        required: true
      owner:
        description:
          - The owner of the file. The content must name the same owner, see O(files[].content).
        type: str
        required: true
      content:
        description:
          - The text of the file, with one C(listen) section of that name.
          - It has a line C(# managed by pgsvc.access, owner OWNER:), followed by any text. Only this line distinguishes
            the files of this collection from other files.
        type: str
        required: true
      cut_removed:
        description:
          - Whether the sessions of a server that is removed from this service through the Runtime API are closed.
            V(true) closes them, because the server has no health checks any more; V(false) lets them end by themselves.
        type: bool
        default: true
      may_be_empty:
        description:
          - Whether this service may lose all of its servers although its cluster is in O(carries). Set it for a service
            that has members in larger clusters only, such as V(offline) of the default services.
        type: bool
        default: false
  files_json:
    description:
      - O(files) as one JSON text, in place of the list. The action plugin passes a plan in this way, because Ansible
        processes, copies and logs each value of a list, which is slow for thousands of services.
    type: str
  owners:
    description:
      - The owners whose files this call manages, each exact or as C(prefix/*). Files of other owners, and files without
        an owner, are never removed.
      - Required without O(plan).
    type: list
    elements: str
  plan:
    description:
      - The name of the variable in which the result of M(pgsvc.access.pg_service_plan) was registered. It must be the
        name, not a template or the value.
      - O(files) and O(owners) are then those of the plan and cannot be given here. The other options are also those of
        the plan, unless they are given here. The files then contain the O(state_dir) that is given here.
      - A load balancer that is not in the plan is skipped.
    type: str
  load_balancer:
    description:
      - The load balancer in the O(plan), by its name in the inventory. The host of the task by default.
      - Not allowed without O(plan).
    type: str
  conf_dir:
    description:
      - Directory of the service files.
      - By default the directory that HAProxy loads, according to the running master, else to O(unit). This is
        C(/etc/haproxy) if HAProxy loads it as a whole, otherwise the last one that it loads.
    type: path
  state_dir:
    description:
      - Directory of the module's own state. It contains the server states that a new HAProxy process starts with, the
        script of services that hold, and the record of what HAProxy has loaded. It is created with mode 0700 if it does
        not exist.
    type: path
    default: /var/lib/haproxy/pgsvc
  config_args:
    description:
      - The arguments about the configuration that HAProxy is started with, for example V(["-f", "/etc/haproxy"]).
      - By default those of the running master, else those of O(unit), else C(-f) and O(conf_dir).
    type: list
    elements: str
  binary:
    description: The HAProxy program that validates the files.
    type: str
    default: haproxy
  unit:
    description: The systemd unit of HAProxy. It is used to reload only if there is no master socket.
    type: str
    default: haproxy
  master_socket:
    description:
      - The socket of HAProxy's master CLI (its option C(-S)).
      - By default that of the running master or of O(unit), else C(/run/haproxy-master.sock).
    type: path
  write:
    description: With V(false) no file is changed, and the files of O(owners) on disk that do not run yet are applied.
    type: bool
    default: true
  apply:
    description: With V(false) the files are validated and written, and the running HAProxy is not changed.
    type: bool
    default: true
  carries:
    description:
      - The clusters that stay on this load balancer, by the name that follows C(member/) or C(delegated/) in the
        owner of their files.
      - The call is refused, before anything is written, if the files of such a cluster would lose more than half of
        their servers, the current leader, all servers of one service, or all services. A plan that was made from a part
        of the inventory has this effect.
      - The current leader is a server that is up in a service for leaders only, with a check such as C(/primary). It is
        known if HAProxy runs and O(apply=true).
      - A cluster that is not listed here may lose all of its files. With O(write=false) nothing is refused.
    type: list
    elements: str
    default: []
  allow_shrink:
    description: With V(true) the protection by O(carries) is disabled.
    type: bool
    default: false
  if_present:
    description:
      - With V(true) a host is skipped if it has no file of O(owners) and its HAProxy, if any, runs none. Files that
        exist are removed or replaced as usual, also if HAProxy is not installed or does not run.
      - It is meant for hosts that may have been load balancers earlier.
    type: bool
    default: false
attributes:
  check_mode:
    description: Tells what would be done and validates the files; writes nothing outside the temporary folder.
    support: full
  diff_mode:
    description: Shows each file that changes.
    support: full
  idempotent:
    description: When the files are there and HAProxy runs them, nothing is written and no process is started.
    support: full
  platform:
    description:
      - Linux with HAProxy 2.6 or later, started in master-worker mode. An older HAProxy is refused before anything is
        written, the running one and the O(binary) that validates.
notes:
  - Needs root, or a user who can write to O(conf_dir) and O(state_dir) and use the sockets.
  - Before a reload the module checks whether HAProxy can bind the listeners in the files. It refuses only what would
    certainly fail. As a user other than root or that of HAProxy it cannot check this, and the reload itself decides.
seealso:
  - name: HAProxy Management Guide
    description: The master CLI and the Runtime API.
    link: https://docs.haproxy.org/2.6/management.html
"""

EXAMPLES = r"""
- name: Publish one service
  pgsvc.access.haproxy_publish:
    owners: [example]
    files:
      - name: app-db
        owner: example
        content: |
          # managed by pgsvc.access, owner example: changes made here are overwritten
          listen app-db
              bind *:6433
              mode tcp
              timeout connect 3s
              timeout client 24h
              timeout server 24h
              server app-db-1 10.10.10.11:6432 check

- name: Write and validate now, apply later
  pgsvc.access.haproxy_publish:
    owners: ["member/*"]
    files: "{{ files }}"
    apply: false

- name: Apply files that are on disk but do not run yet
  pgsvc.access.haproxy_publish:
    owners: ["member/*"]
    write: false

- name: Plan once for the play
  pgsvc.access.pg_service_plan:
  run_once: true
  register: services_plan

- name: Publish what is planned for this load balancer
  pgsvc.access.haproxy_publish:
    plan: services_plan

- name: Remove all files of an owner on a host where Pigsty manages HAProxy
  pgsvc.access.haproxy_publish:
    owners: [member/pg-test]
    files: []
    conf_dir: /etc/haproxy/conf.d
"""

RETURN = r"""
services:
  description: All service files of the call, including those it removed, by name.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the service.
      type: str
      sample: pg-test-primary
    owner:
      description: The owner of the file.
      type: str
      sample: member/pg-test
    status:
      description: The status of the file, V(created), V(updated), V(removed) or V(unchanged).
      type: str
      sample: updated
applied:
  description: How the files were applied to the running HAProxy.
  returned: success
  type: dict
  contains:
    method:
      description:
        - V(none) if nothing had to be applied or with O(apply=false), V(runtime) through the Runtime API, V(reload)
          through the master's socket, V(systemd) by a reload of the unit.
      type: str
      sample: runtime
    reason:
      description: Why this method was used, in one sentence.
      type: str
      sample: only servers changed (pg-test-primary)
    draining:
      description:
        - Servers, as C(service/server), that are no longer in the files and wait for their sessions to end. They accept
          no new sessions, and a later run removes them.
      type: list
      elements: str
      sample: []
old_workers:
  description:
    - Workers of earlier reloads that still have sessions. The servers of these sessions have no health checks any more.
  returned: success
  type: dict
  contains:
    count:
      description: The number of workers.
      type: int
      sample: 1
    sessions:
      description: The total number of their sessions.
      type: int
      sample: 12
warnings:
  description: What could not be found out in check mode, and what could not be completed.
  returned: when there are any
  type: list
  elements: str
diff:
  description: All files that change, before and after.
  returned: in diff mode
  type: list
  elements: dict
reachable:
  description: V(false) when the connection to the load balancer failed.
  returned: when it is V(false)
  type: bool
  sample: false
rolled_back:
  description: Whether files had been changed and have been restored.
  returned: failure
  type: bool
  sample: true
"""

import gc
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.pgsvc.access.plugins.module_utils._host import compile_once

compile_once.install()

from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import PublishError
from ansible_collections.pgsvc.access.plugins.module_utils._publish.directory import Wanted
from ansible_collections.pgsvc.access.plugins.module_utils._publish.publication import publish
from ansible_collections.pgsvc.access.plugins.module_utils._publish.request import Request, files_of, places

_FILE: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "owner": {"type": "str", "required": True},
    "content": {"type": "str", "required": True},
    "cut_removed": {"type": "bool", "default": True},
    "may_be_empty": {"type": "bool", "default": False},
}
_ARGUMENTS: dict[str, Any] = {
    "files": {"type": "list", "elements": "dict", "default": [], "options": _FILE},
    "files_json": {"type": "str", "no_log": True},
    "owners": {"type": "list", "elements": "str"},
    "plan": {"type": "str"},
    "load_balancer": {"type": "str"},
    "conf_dir": {"type": "path"},
    "state_dir": {"type": "path", "default": "/var/lib/haproxy/pgsvc"},
    "config_args": {"type": "list", "elements": "str"},
    "binary": {"type": "str", "default": "haproxy"},
    "unit": {"type": "str", "default": "haproxy"},
    "master_socket": {"type": "path"},
    "stats_socket": {"type": "path"},
    "write": {"type": "bool", "default": True},
    "apply": {"type": "bool", "default": True},
    "carries": {"type": "list", "elements": "str", "default": []},
    "allow_shrink": {"type": "bool", "default": False},
    "if_present": {"type": "bool", "default": False},
}


def main() -> None:
    # A run is short and creates few reference cycles, but many objects, which make garbage collection slow.
    gc.disable()
    module = AnsibleModule(argument_spec=_ARGUMENTS, supports_check_mode=True, required_one_of=[("owners", "plan")])
    arguments = dict(module.params)
    # The action plugin of this name has replaced them by the files and owners of the plan.
    if any([arguments.pop("plan"), arguments.pop("load_balancer")]):
        module.fail_json(msg="plan and load_balancer work on the controller only; call the module from a playbook")
    # By default Ansible returns the arguments with the full text of each file.
    invocation = {"module_args": {**module.params, "files": [file["name"] for file in module.params["files"]]}}
    try:
        arguments["files"] = _files(arguments["files"], arguments.pop("files_json"))
        arguments.update(places(arguments))
        result = publish(Request(**arguments, check=module.check_mode, temporary=module.tmpdir))
    except PublishError as error:
        module.fail_json(msg=str(error), rolled_back=error.rolled_back, invocation=invocation)
    for warning in result.warnings:
        module.warn(warning)
    returned = result.to_dict(arguments["conf_dir"], diff=module._diff)
    if "diff" in returned:
        returned["diff"] = [_without_secrets(each) for each in returned["diff"]]
    module.exit_json(**returned, invocation=invocation)


def _files(listed: list[dict[str, Any]], text: str | None) -> list[Wanted]:
    if text is None:
        return [Wanted(**file) for file in listed]
    if listed:
        raise PublishError("files_json: not allowed together with files; remove one of the two")
    return files_of(text)


def _without_secrets(difference: dict[str, str]) -> dict[str, str]:
    """The diff of a file, without its text if the old or the new one contains a secret."""
    from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.secrets import discloses  # noqa: PLC0415

    if not discloses(difference["before"]) and not discloses(difference["after"]):
        return difference
    path = difference["before_header"].replace("/dev/null", difference["after_header"])
    return {"prepared": f"{path} changes; its text contains a secret and is not shown\n"}


if __name__ == "__main__":
    main()

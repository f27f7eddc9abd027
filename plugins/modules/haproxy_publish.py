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
  - Brings the service files of one load balancer to a given state and makes its running HAProxy follow.
  - Compares the files with those on disk, validates the whole configuration with the HAProxy binary and the arguments
    that this HAProxy is started with, replaces the files as one, applies the change and verifies it. When HAProxy
    rejects the files nothing is changed; when it fails to take them over, the old ones are put back.
  - When only servers differ, the change is made through the Runtime API and no session is lost; otherwise HAProxy is
    reloaded, once, and the new process begins with the health of the servers that the old one knew.
  - It also compares with what HAProxy really runs. Files that are right but not loaded yet are applied.
  - One call per load balancer and set of owners. Two calls at once wait for each other.
extends_documentation_fragment:
  - pgsvc.access._attributes.linux
  - pgsvc.access._attributes
options:
  files:
    description:
      - The complete set of service files of O(owners). A file of these owners that is not in the list is removed.
      - Not looked at with O(write=false).
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
          - Whose file it is. The content has to say the same, see O(files[].content).
        type: str
        required: true
      content:
        description:
          - The text of the file, with one C(listen) section of that name.
          - It has a line C(# managed by pgsvc.access, owner OWNER:), followed by any text. This line alone tells the
            files of this collection from those of others.
        type: str
        required: true
      cut_removed:
        description:
          - What becomes of the sessions of a server that is removed from this service through the Runtime API.
            V(true) ends them, because nobody watches the server any more; V(false) lets them end by themselves.
        type: bool
        default: true
      may_be_empty:
        description:
          - Whether this service may lose all of its servers though its cluster is one of O(carries). True of a service
            that has members in larger clusters only, such as V(offline) of the default services.
        type: bool
        default: false
  files_json:
    description:
      - O(files) as one text in JSON, in place of the list. The action plugin hands a plan on in this way. Ansible looks
        at, copies and logs every value of a list, which takes longer for thousands of services than comparing them.
    type: str
  owners:
    description:
      - The owners that this call speaks for, each exact or as C(prefix/*). Files of other owners, and files without an
        owner, are never removed.
      - Required without O(plan).
    type: list
    elements: str
  plan:
    description:
      - The name of the variable in which the result of M(pgsvc.access.pg_service_plan) was registered; the name, not a
        template, and not the value.
      - O(files) and O(owners) are then those of the plan and cannot be given here. Folders, sockets and the other
        options are those of the plan, too, unless they are given here as well. The files then name the O(state_dir)
        given here.
      - A load balancer that is not in the plan is skipped.
    type: str
  load_balancer:
    description:
      - Which load balancer of the O(plan) this is, by its name in the inventory. The host of the task by default.
      - Not allowed without O(plan).
    type: str
  conf_dir:
    description: Directory of the service files.
    type: path
    default: /etc/haproxy
  state_dir:
    description:
      - Directory of the module's own state. It holds the server states that a new HAProxy process begins with, and the
        record of what HAProxy has loaded. Made with mode 0700 when it is not there.
    type: path
    default: /var/lib/haproxy/pgsvc
  config_args:
    description:
      - The arguments about its configuration that HAProxy is started with, for example V(["-f", "/etc/haproxy"]).
      - Without it they are those of the running master, else those of O(unit), else C(-f) and O(conf_dir).
    type: list
    elements: str
  binary:
    description: The HAProxy program that validates the files.
    type: str
    default: haproxy
  unit:
    description: The systemd unit of HAProxy. Used to reload only where there is no master socket.
    type: str
    default: haproxy
  master_socket:
    description: The socket of HAProxy's master CLI (its option C(-S)).
    type: path
    default: /run/haproxy-master.sock
  stats_socket:
    description: The socket of HAProxy's Runtime API (C(stats socket)), with level admin.
    type: path
    default: /run/haproxy/admin.sock
  write:
    description: With V(false) no file is changed, and what is on disk of O(owners) but not running is applied.
    type: bool
    default: true
  apply:
    description: With V(false) the files are validated and written, and the running HAProxy is left alone.
    type: bool
    default: true
  carries:
    description:
      - The clusters that stay on this load balancer, by the name that follows C(member/) or C(delegated/) in the
        owner of their files.
      - The call is refused, before anything is written, when the files of such a cluster would lose more than half of
        their servers, the server that leads at this moment, all servers of one service, or all services. A plan that
        was made of a part of the inventory does that.
      - The server that leads is one that is up in a service which only a leader serves, with a check such as
        C(/primary). It is known when HAProxy runs and O(apply=true).
      - A cluster that is not named here may lose all of its files. With O(write=false) nothing is refused.
    type: list
    elements: str
    default: []
  allow_shrink:
    description: With V(true) nothing of what O(carries) protects is refused.
    type: bool
    default: false
  if_present:
    description:
      - With V(true) a host that has no file of O(owners), and whose HAProxy runs none, is left alone, whether there is
        an HAProxy or not. Files that are there are removed or replaced as always, also where HAProxy is not installed
        or does not run.
      - For hosts that may have been load balancers once.
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
  - Needs root, or a user who may write O(conf_dir) and O(state_dir) and use the sockets.
  - Before a reload it is tried whether HAProxy could listen where the files say. Only what is certain is refused; as
    another user than root or that of HAProxy the module cannot tell, and HAProxy's own attempt decides.
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

- name: Apply what is on disk and not yet running
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

- name: Remove all files of an owner, where HAProxy is kept by Pigsty
  pgsvc.access.haproxy_publish:
    owners: [member/pg-test]
    files: []
    conf_dir: /etc/haproxy/conf.d
"""

RETURN = r"""
services:
  description: Every service file of the call and every one it removed, by name.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the service.
      type: str
      sample: pg-test-primary
    owner:
      description: Whose file it is.
      type: str
      sample: member/pg-test
    status:
      description: V(created), V(updated), V(removed) or V(unchanged), said of the file.
      type: str
      sample: updated
applied:
  description: How the running HAProxy was brought to what the files say.
  returned: success
  type: dict
  contains:
    method:
      description:
        - V(none) when it was there already or O(apply=false), V(runtime) through the Runtime API, V(reload) through
          the master's socket, V(systemd) by a reload of the unit.
      type: str
      sample: runtime
    reason:
      description: Why this way, in one sentence.
      type: str
      sample: only servers changed (pg-test-primary)
    draining:
      description:
        - Servers, as C(service/server), that are no longer in the files and wait for their last sessions to end. They
          take no new ones, and a later run removes them.
      type: list
      elements: str
      sample: []
old_workers:
  description:
    - Workers of earlier reloads that still hold sessions. Nobody checks the servers of those sessions any more.
  returned: success
  type: dict
  contains:
    count:
      description: How many workers.
      type: int
      sample: 1
    sessions:
      description: How many sessions they hold together.
      type: int
      sample: 12
warnings:
  description: What a check mode run could not tell, and what could not be completed.
  returned: when there are any
  type: list
  elements: str
diff:
  description: Every file that changes, before and after.
  returned: in diff mode
  type: list
  elements: dict
reachable:
  description: V(false) when the connection to the load balancer failed.
  returned: when it is V(false)
  type: bool
  sample: false
rolled_back:
  description: Whether files had been changed and were put back.
  returned: failure
  type: bool
  sample: true
"""

import gc
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.pgsvc.access.plugins.module_utils._host import compile_once

compile_once.install()

from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import PublishError
from ansible_collections.pgsvc.access.plugins.module_utils._publish.directory import Wanted
from ansible_collections.pgsvc.access.plugins.module_utils._publish.publication import publish
from ansible_collections.pgsvc.access.plugins.module_utils._publish.request import Request, absolute_path, files_of

_FILE: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "owner": {"type": "str", "required": True},
    "content": {"type": "str", "required": True},
    "cut_removed": {"type": "bool", "default": True},
    "may_be_empty": {"type": "bool", "default": False},
}
_DIRECTORIES = ("conf_dir", "state_dir")
_PATHS = (*_DIRECTORIES, "master_socket", "stats_socket")
_ARGUMENTS: dict[str, Any] = {
    "files": {"type": "list", "elements": "dict", "default": [], "options": _FILE},
    "files_json": {"type": "str", "no_log": True},
    "owners": {"type": "list", "elements": "str"},
    "plan": {"type": "str"},
    "load_balancer": {"type": "str"},
    "conf_dir": {"type": "path", "default": "/etc/haproxy"},
    "state_dir": {"type": "path", "default": "/var/lib/haproxy/pgsvc"},
    "config_args": {"type": "list", "elements": "str"},
    "binary": {"type": "str", "default": "haproxy"},
    "unit": {"type": "str", "default": "haproxy"},
    "master_socket": {"type": "path", "default": "/run/haproxy-master.sock"},
    "stats_socket": {"type": "path", "default": "/run/haproxy/admin.sock"},
    "write": {"type": "bool", "default": True},
    "apply": {"type": "bool", "default": True},
    "carries": {"type": "list", "elements": "str", "default": []},
    "allow_shrink": {"type": "bool", "default": False},
    "if_present": {"type": "bool", "default": False},
}


def main() -> None:
    # A run is short and makes no cycles worth collecting, but looks at as many values as there are servers.
    gc.disable()
    module = AnsibleModule(argument_spec=_ARGUMENTS, supports_check_mode=True, required_one_of=[("owners", "plan")])
    arguments = dict(module.params)
    # The action plugin of this name has put the plan's files and owners in their place.
    if any([arguments.pop("plan"), arguments.pop("load_balancer")]):
        module.fail_json(msg="plan and load_balancer are understood on the controller only, not by the module itself")
    # What Ansible would send back of the arguments has every file in full.
    invocation = {"module_args": {**module.params, "files": [file["name"] for file in module.params["files"]]}}
    try:
        arguments["files"] = _files(arguments["files"], arguments.pop("files_json"))
        for name in _PATHS:
            arguments[name] = absolute_path(name, arguments[name])
        for name in _DIRECTORIES:
            arguments[name] = Path(arguments[name])
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
        raise PublishError("files_json: not allowed beside files; leave out one of the two")
    return files_of(text)


def _without_secrets(difference: dict[str, str]) -> dict[str, str]:
    """A difference, unless the file that is replaced discloses a secret, as one from before they were refused may."""
    from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.secrets import discloses  # noqa: PLC0415

    if not discloses(difference["before"]) and not discloses(difference["after"]):
        return difference
    path = difference["before_header"].replace("/dev/null", difference["after_header"])
    return {"prepared": f"{path} changes; what it says holds a secret and is not shown\n"}


if __name__ == "__main__":
    main()

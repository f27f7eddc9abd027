#!/usr/bin/python
# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: patroni_switchover
short_description: Move the primary of a Patroni cluster to another member
version_added: 1.0.0
author: pgsvc.access contributors (@pgsvc)
description:
  - Asks Patroni for a switchover (C(POST /switchover) of its REST API), and waits until it is over.
  - The playbook C(pgsvc.access.switchover) uses it, and lets new connections of load balancers wait meanwhile.
extends_documentation_fragment:
  - pgsvc.access._attributes
options:
  url:
    description: The REST API of a member, best the leader, as C(http://10.10.10.11:8008).
    type: str
    required: true
  ca_file:
    description: The certificate authority that verifies the REST API with C(https). That of the system without it.
    type: path
  leader:
    description: The member that leads, by the name that Patroni gives it.
    type: str
    required: true
  candidate:
    description: The member that is to lead, by the name that Patroni gives it. Without it Patroni chooses one.
    type: str
  username:
    description: User of the REST API (C(restapi.authentication) of Patroni). Without it no credentials are sent.
    type: str
  password:
    description: Password of this user.
    type: str
  delay:
    description:
      - Seconds to wait before the request. With C(async), other tasks can begin meanwhile to watch what happens.
    type: int
    default: 0
  timeout:
    description: Seconds to wait for the answer of Patroni, which comes when the switchover is over.
    type: int
    default: 60
attributes:
  check_mode:
    description: Sends a request that Patroni refuses after it has looked at the credentials, and changes nothing.
    support: full
  diff_mode:
    description: There is no difference to show.
    support: none
  idempotent:
    description: Patroni refuses a switchover from a member that does not lead.
    support: none
notes:
  - Runs where the REST API can be reached, for example on a load balancer, and needs no rights there.
seealso:
  - module: pgsvc.access.haproxy_service_gate
  - name: Patroni REST API
    description: The switchover endpoint.
    link: https://patroni.readthedocs.io/en/latest/rest_api.html#switchover-and-failover-endpoints
"""

EXAMPLES = r"""
- name: Move the primary from pg-test-1 to pg-test-2
  pgsvc.access.patroni_switchover:
    url: https://10.10.10.11:8008
    ca_file: /pg/cert/ca.crt
    username: "{{ patroni_username }}"
    password: "{{ patroni_password }}"
    leader: pg-test-1
    candidate: pg-test-2
"""

RETURN = r"""
status:
  description: The HTTP status of Patroni's answer.
  returned: success
  type: int
  sample: 200
answer:
  description: What Patroni says.
  returned: success
  type: str
  sample: Successfully switched over to "pg-test-2"
"""

import time
from typing import Any
from urllib.parse import urlsplit

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import PublishError
from ansible_collections.pgsvc.access.plugins.module_utils._status.patroni import Api
from ansible_collections.pgsvc.access.plugins.module_utils._switchover.patroni import (
    SwitchoverRequest,
    check_access,
    switch_over,
)

_PORTS = {"http": 80, "https": 443}
_ARGUMENTS: dict[str, Any] = {
    "url": {"type": "str", "required": True},
    "ca_file": {"type": "path"},
    "leader": {"type": "str", "required": True},
    "candidate": {"type": "str"},
    "username": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "delay": {"type": "int", "default": 0},
    "timeout": {"type": "int", "default": 60},
}


def main() -> None:
    module = AnsibleModule(argument_spec=_ARGUMENTS, supports_check_mode=True)
    given = module.params
    try:
        request = SwitchoverRequest(
            api=_api(given["url"], given["ca_file"]),
            leader=given["leader"],
            candidate=given["candidate"] or "",
            username=given["username"] or "",
            password=given["password"] or "",
            timeout=float(given["timeout"]),
        )
        if module.check_mode:
            answer = check_access(request)
        else:
            time.sleep(given["delay"])
            answer = switch_over(request)
    except PublishError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=True, status=answer.status, answer=answer.words)


def _api(url: str, ca_file: Any) -> Api:
    """The address in a URL. Raises `PublishError`."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS[parts.scheme]
    except (ValueError, KeyError):
        raise PublishError(f"url: {url!r} is not allowed; allowed: http(s)://ADDRESS:PORT") from None
    if not parts.hostname:
        raise PublishError(f"url: {url!r} has no address; allowed: http(s)://ADDRESS:PORT")
    return Api(parts.hostname, port, (ca_file or "") if parts.scheme == "https" else None)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: haproxy_unit_info
short_description: Find out how HAProxy is installed on a host
version_added: 1.0.0
author: pgsvc.access contributors (@pgsvc)
description:
  - Reads the systemd unit that a package of HAProxy installed, its drop-ins and its environment files, and the version
    of the program. Packages of distributions differ in the files that HAProxy loads, in its master socket, and in the
    variable for further options.
  - Fails if HAProxy is older than 2.6. The message names a source of newer packages.
  - The role P(pgsvc.access.haproxy#role) uses it to configure HAProxy in the way of the host.
extends_documentation_fragment:
  - pgsvc.access._attributes.linux
  - pgsvc.access._attributes.info
  - pgsvc.access._attributes
options:
  unit:
    description: The systemd unit of HAProxy.
    type: str
    default: haproxy
  drop_in:
    description: A drop-in of the unit that is disregarded, so that the result does not depend on what it sets.
    type: path
    default: /etc/systemd/system/haproxy.service.d/pgsvc.conf
  chroot:
    description: The folder that HAProxy changes its root to.
    type: path
    default: /var/lib/haproxy
attributes:
  idempotent:
    description: The same host gives the same result.
  platform:
    description: Linux with systemd. On a host without systemd or without the unit, the result has the defaults.
"""

EXAMPLES = r"""
- name: Find out how HAProxy is installed
  pgsvc.access.haproxy_unit_info:
  register: found

- name: Show where its service files go
  ansible.builtin.debug:
    msg: "{{ found.conf_dir }}"
"""

RETURN = r"""
installed:
  description: Whether HAProxy is installed.
  returned: success
  type: bool
version:
  description: The version of HAProxy. Empty if it is not installed.
  returned: success
  type: str
  sample: 3.0.11-1+deb13u1
binary:
  description: The program that the unit starts.
  returned: success
  type: str
  sample: /usr/sbin/haproxy
conf_dir:
  description:
    - The folder for service files. It is C(/etc/haproxy), unless the unit loads another folder.
  returned: success
  type: str
  sample: /etc/haproxy/conf.d
master_socket:
  description: The socket of the master process.
  returned: success
  type: str
  sample: /run/haproxy-master.sock
option_variables:
  description: The variables with which the unit adds options to the command.
  returned: success
  type: list
  elements: str
  sample: [EXTRAOPTS]
has_log_socket:
  description: Whether the unit gives HAProxy a socket of the system's log within its O(chroot).
  returned: success
  type: bool
may_connect:
  description:
    - V(false) if SELinux is enabled and its boolean C(haproxy_connect_any) is off. HAProxy then cannot use the ports of
      PostgreSQL services.
  returned: success
  type: bool
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.installation import find
from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import PublishError

_ARGUMENTS: dict[str, Any] = {
    "unit": {"type": "str", "default": "haproxy"},
    "drop_in": {"type": "path", "default": "/etc/systemd/system/haproxy.service.d/pgsvc.conf"},
    "chroot": {"type": "path", "default": "/var/lib/haproxy"},
}


def main() -> None:
    module = AnsibleModule(argument_spec=_ARGUMENTS, supports_check_mode=True)
    given = module.params
    try:
        found = find(given["unit"], Path(given["drop_in"]), given["chroot"])
    except PublishError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, installed=bool(found.version), **asdict(found))


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: role_settings
short_description: Check the variables of a role of this collection
version_added: 1.0.0
author: pgsvc.access contributors (@pgsvc)
description:
  - Reads the variables of a role for one host, checks their values, and returns them converted to their types.
  - Runs on the controller and connects to no host. All mistakes are reported in one message, which contains no secret.
  - The roles of the collection call it before they write anything, and use the values that it returns.
extends_documentation_fragment:
  - pgsvc.access._attributes.info
  - pgsvc.access._attributes
attributes:
  idempotent:
    description: The same variables give the same result.
options:
  role:
    description: The role.
    type: str
    choices: [haproxy, lb_vip, pg_dns, pg_service, pg_vip]
    required: true
"""

EXAMPLES = r"""
- name: Check the variables of role haproxy
  pgsvc.access.role_settings:
    role: haproxy
  register: checked

- name: Show one of them
  ansible.builtin.debug:
    msg: "{{ checked.settings.haproxy_conf_dir }}"
"""

RETURN = r"""
settings:
  description: The variables by name. Secrets are checked, too, but not returned.
  returned: success
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """The action plugin of the same name does the work. The module is never sent to a host."""
    arguments = {
        "role": {"type": "str", "choices": ["haproxy", "lb_vip", "pg_dns", "pg_service", "pg_vip"], "required": True}
    }
    AnsibleModule(argument_spec=arguments, supports_check_mode=True).fail_json(
        msg="pgsvc.access.role_settings runs on the controller; call it from a playbook"
    )


if __name__ == "__main__":
    main()

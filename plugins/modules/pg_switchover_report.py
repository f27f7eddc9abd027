#!/usr/bin/python
# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_switchover_report
short_description: Report what clients saw of a switchover
version_added: 1.0.0
author: pgsvc.access contributors (@pgsvc)
description:
  - Makes one report of what M(pgsvc.access.haproxy_service_gate) returned on each load balancer, and prints it. The
    task fails when the primary did not move, or when a service does not use the new one.
  - Runs on the controller and touches no host. The playbook C(pgsvc.access.switchover) shows how to use it.
extends_documentation_fragment:
  - pgsvc.access._attributes.info
  - pgsvc.access._attributes
attributes:
  check_mode:
    description: Can run in C(check_mode) and gives the same result.
  idempotent:
    description: The same results give the same report.
options:
  move:
    description: The RV(pgsvc.access.pg_switchover_check#module:move) of M(pgsvc.access.pg_switchover_check).
    type: dict
    required: true
  done:
    description: The result of M(pgsvc.access.patroni_switchover), empty when it was not called.
    type: dict
    required: true
  closed:
    description:
      - The name of the variable in which the results of M(pgsvc.access.haproxy_service_gate) with V(state=closed) were
        registered, with the same name on all hosts.
    type: str
    required: true
  followed:
    description: The same with V(state=following). Of several variables, the last with a result counts.
    type: list
    elements: str
    required: true
  opened:
    description: The same with V(state=open).
    type: str
    required: true
seealso:
  - module: pgsvc.access.pg_switchover_check
  - module: pgsvc.access.haproxy_service_gate
"""

EXAMPLES = r"""
- name: Report what clients saw
  pgsvc.access.pg_switchover_report:
    move: "{{ checked.move }}"
    done: "{{ switched }}"
    closed: gates_closed
    followed: [gates_followed]
    opened: gates_opened
  run_once: true
"""

RETURN = r"""
leader:
  description: The new leader; empty when the old one was not replaced.
  returned: always
  type: str
  sample: pg-test-2
report:
  description: The lines that were printed.
  returned: always
  type: list
  elements: str
exit_code:
  description:
    - V(0) when the primary moved and every service uses it, V(1) when it did not move, or not to the candidate, V(2)
      when a service does not use the primary, V(3) when a load balancer could not be asked in the end.
  returned: always
  type: int
  sample: 0
"""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """The work is done by the action plugin of the same name; a module is never sent to a host."""
    arguments = {
        "move": {"type": "dict", "required": True},
        "done": {"type": "dict", "required": True},
        "closed": {"type": "str", "required": True},
        "followed": {"type": "list", "elements": "str", "required": True},
        "opened": {"type": "str", "required": True},
    }
    AnsibleModule(argument_spec=arguments, supports_check_mode=True).fail_json(
        msg="pgsvc.access.pg_switchover_report runs on the controller; call it from a playbook"
    )


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_access_plan
short_description: Plan the access to PostgreSQL clusters, once for a play
version_added: 1.0.0
author: pgsvc.access contributors (@pgsvc)
description:
  - Finds the names, the virtual addresses or the libpq services of clusters from the inventory.
  - Runs on the controller and connects to no host. All mistakes of the inventory are reported in one message.
  - The roles P(pgsvc.access.lb_vip#role), P(pgsvc.access.pg_dns#role), P(pgsvc.access.pg_vip#role) and
    P(pgsvc.access.pg_service#role) use it.
extends_documentation_fragment:
  - pgsvc.access._attributes.info
  - pgsvc.access._attributes
  - pgsvc.access._requirements.jmespath
options:
  what:
    description:
      - V(names) returns the DNS records of clusters and instances, V(vips) the settings of vip-manager on each member,
        V(lb_vips) the settings of keepalived on each dedicated load balancer, V(sections) the sections of a libpq
        service file.
    type: str
    choices: [names, vips, lb_vips, sections]
    required: true
  clusters:
    description:
      - Plan these clusters only, by the value of C(pg_cluster) of their members.
      - By default the clusters with members in the play, or all clusters if there are none, and for V(sections).
      - V(lb_vips) always plans the groups of load balancers that any cluster names.
    type: list
    elements: str
    default: []
  by:
    description:
      - The host in V(sections). V(vip) is the virtual address, V(name) the cluster's name, V(addresses) all load
        balancers, which the client tries in turn, and V(auto) the virtual address if there is one, else V(addresses).
    type: str
    choices: [auto, vip, name, addresses]
    default: auto
  user:
    description: The user of V(sections). Without one the client decides.
    type: str
  database:
    description: The database of V(sections). Without one the client decides.
    type: str
  sslmode:
    description: The C(sslmode) of V(sections). Without one the client decides.
    type: str
"""

EXAMPLES = r"""
- name: Plan the names of every cluster
  pgsvc.access.pg_access_plan:
    what: names
  run_once: true
  register: names_plan

- name: Show them
  ansible.builtin.debug:
    msg: "{{ names_plan.clusters }}"
  run_once: true
"""

RETURN = r"""
clusters:
  description:
    - For V(names) each cluster with its C(records), each with C(name) and C(address).
    - For V(sections) each cluster with its C(sections), in the format of M(pgsvc.access.pg_service_conf).
  returned: for V(names) and V(sections)
  type: list
dns_nodes:
  description: The hosts of the group that serves the names.
  returned: for V(names)
  type: list
hosts:
  description: The configuration of vip-manager, or of keepalived, by host, without passwords.
  returned: for V(vips) and V(lb_vips)
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """The action plugin of the same name does the work. The module is never sent to a host."""
    arguments = {
        "what": {"type": "str", "choices": ["names", "vips", "lb_vips", "sections"], "required": True},
        "clusters": {"type": "list", "elements": "str", "default": []},
        "by": {"type": "str", "choices": ["auto", "vip", "name", "addresses"], "default": "auto"},
        "user": {"type": "str"},
        "database": {"type": "str"},
        "sslmode": {"type": "str"},
    }
    AnsibleModule(argument_spec=arguments, supports_check_mode=True).fail_json(
        msg="pgsvc.access.pg_access_plan runs on the controller; call it from a playbook"
    )


if __name__ == "__main__":
    main()

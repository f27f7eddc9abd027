# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: haproxy_service_files
short_description: The files of a node's further HAProxy services
version_added: 1.0.0
author: pgsvc.access contributors (@pgsvc)
description:
  - Converts C(haproxy_services), in Pigsty's format, to the O(pgsvc.access.haproxy_publish#module:files) of
    M(pgsvc.access.haproxy_publish). The role P(pgsvc.access.haproxy#role) uses it.
  - All mistakes in the list are reported in one message.
positional: _input
options:
  _input:
    description:
      - The services, each with C(name), C(port) and C(servers), and optionally C(ip), C(protocol), C(maxconn),
        C(balance), C(options) (a list of lines) and C(default) (the C(default-server) line).
      - A server has C(name), C(ip), C(port), and optionally C(backup), C(weight) and C(options).
    type: list
    elements: dict
    required: true
  host:
    description: The node, for the header of each file.
    type: str
    required: true
  ip:
    description: The address that a service without C(ip) listens on.
    type: str
    default: '*'
  state_dir:
    description: The directory of the server-state files, see O(pgsvc.access.haproxy_publish#module:state_dir).
    type: str
    default: /var/lib/haproxy/pgsvc
  timeout_client:
    description: How long a client may be idle.
    type: str
    default: 24h
  timeout_server:
    description: How long a server may be idle.
    type: str
    default: 24h
"""

EXAMPLES = r"""
- name: Show the file of a service
  ansible.builtin.debug:
    msg: "{{ (services | pgsvc.access.haproxy_service_files(host='10.10.10.10'))[0].content }}"
  vars:
    services:
      - name: grafana
        port: 3001
        options:
          - option httpchk
          - http-check send meth GET uri /api/health
        servers:
          - { name: grafana-1, ip: 10.10.10.10, port: 3000, options: check }
"""

RETURN = r"""
_value:
  description: A file for each service, in the order given.
  type: list
  elements: dict
  contains:
    name:
      description: The name of the service and of its file, without C(.cfg).
      type: str
    owner:
      description: Always V(node).
      type: str
    content:
      description: The text of the file.
      type: str
"""

from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.pgsvc.access.plugins.plugin_utils._input.defaults import LOAD_BALANCER
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import PlanError
from ansible_collections.pgsvc.access.plugins.plugin_utils._plan.node_services import node_service_files


def haproxy_service_files(
    services: Any,
    host: str,
    ip: Any = LOAD_BALANCER["pg_service_ip"],
    state_dir: str = LOAD_BALANCER["haproxy_state_dir"],
    timeout_client: str = LOAD_BALANCER["haproxy_client_timeout"],
    timeout_server: str = LOAD_BALANCER["haproxy_server_timeout"],
) -> list[dict[str, Any]]:
    """See DOCUMENTATION."""
    try:
        return node_service_files(services, host, ip, state_dir, timeout_client, timeout_server)
    except PlanError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Any]:
        return {"haproxy_service_files": haproxy_service_files}

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: plan
short_description: Plan the services of PostgreSQL clusters for every load balancer
version_added: 1.0.0
author: pgsvc.access contributors (@pgsvc)
description:
  - Reads clusters, members and service definitions from an inventory and returns, for each load balancer, all services
    that it carries, with all values resolved.
  - Connects to no host. All mistakes of the inventory are reported in one message.
  - The role P(pgsvc.access.pg_service#role) does the same with the action M(pgsvc.access.pg_service_plan).
extends_documentation_fragment:
  - pgsvc.access._filters
  - pgsvc.access._requirements.jmespath
positional: _input
options:
  hosts:
    description:
      - The hosts of the run, such as C(ansible_play_hosts). All hosts of the inventory by default.
      - The load balancers of a provider group are planned when a cluster that delegates to the group has a member here.
    type: list
    elements: str
  clusters:
    description: Plan these clusters only.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Show which services every load balancer carries
  ansible.builtin.debug:
    msg: "{{ item.key }}: {{ item.value.services | map(attribute='name') | join(', ') }}"
  loop: "{{ (hostvars | pgsvc.access.plan(groups=groups)).load_balancers | dict2items }}"
  loop_control:
    label: "{{ item.key }}"
  run_once: true
"""

RETURN = r"""
_value:
  description: The plan.
  type: dict
  contains:
    load_balancers:
      description:
        - For each load balancer of the run, the settings of HAProxy (C(conf_dir), C(state_dir), C(config_args),
          C(master_socket), C(stats_socket), C(reload), C(allow_shrink)), the owners of files that may be removed
          (C(owners)), the clusters that it carries (C(carries)), whether it is only checked for files of clusters that
          have left its provider group (C(if_present)), its C(services), and the health checks that services with live
          roles share (C(checks)).
        - A service has C(name), C(cluster), C(service), C(owner), C(load_balancer), C(ip), C(port), C(check),
          C(maxconn), C(balance), C(options), C(timeout_client), C(timeout_server), C(allbackups), C(on_member_removed),
          C(may_be_empty), C(instances), C(backups), C(roles) (V(declared) or V(live)), C(hold) (seconds),
          C(verify_role), C(redispatch_at_once), and C(servers), each with C(name), C(address), C(port),
          C(check_port), C(weight), C(backup), C(ca_file), and C(track).
        - With live roles, C(track) is the check that the server follows, C(<check>/<member>). A member that serves
          differently while it leads has two servers, such as C(pg-test-1) and C(pg-test-1-leading). With declared
          roles, C(track) is null.
        - A shared health check has C(name), C(cluster), C(owner), C(load_balancer), C(check), C(verify_role),
          C(options), and C(servers), each with C(name), C(address), C(port), C(ca_file).
      type: dict
    assigned:
      description: By host of the play, the load balancers that it publishes, if that is not only itself.
      type: dict
    patroni_askers:
      description: The clusters whose Patroni a load balancer asks in a status, by load balancer.
      type: dict
    publishers:
      description: The hosts of the run that publish something, each with C(host) and, as text, what it C(carries).
      type: list
    notes:
      description: Messages about hosts that the run leaves out.
      type: list
    warnings:
      description: Settings that are allowed but are probably mistakes.
      type: list
"""

from collections.abc import Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.pgsvc.access.plugins.plugin_utils._input.inventory import Inventory
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import PlanError, Report, ValueProblem
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.values import native, word_list
from ansible_collections.pgsvc.access.plugins.plugin_utils._plan.planner import make_plan


def plan(
    hostvars: Mapping[str, Any],
    groups: Mapping[str, Iterable[str]],
    hosts: Iterable[str] | None = None,
    clusters: Iterable[str] = (),
) -> dict[str, Any]:
    """See DOCUMENTATION."""
    report = Report()
    try:
        names = None if hosts is None else _names(hosts, "hosts")
        return make_plan(Inventory(hostvars, groups, report), report, names, _names(clusters, "clusters")).to_dict()
    except (PlanError, ValueProblem) as error:
        raise AnsibleFilterError(str(error)) from error


def _names(value: Iterable[str], what: str) -> list[str]:
    """Names from a list, a text, or the result of a filter such as ``map``."""
    return word_list(native(value if isinstance(value, str) else list(value)), what)


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Any]:
        return {"plan": plan}

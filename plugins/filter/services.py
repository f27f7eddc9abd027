# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: services
short_description: The services of one PostgreSQL cluster, resolved
version_added: 1.0.0
author: pgsvc.access contributors (@pgsvc)
description:
  - Returns the services of one cluster on a load balancer, with selectors evaluated, destinations resolved to ports and
    defaults filled in. It is meant for templates of your own.
  - Connects to no host. All mistakes of the cluster are reported in one message.
extends_documentation_fragment:
  - pgsvc.access._filters
  - pgsvc.access._filters.cluster
  - pgsvc.access._requirements.jmespath
positional: _input
options:
  load_balancer:
    description:
      - The load balancer. Its variables set the addresses to bind and the timeouts.
      - The first one of the cluster by default.
    type: str
"""

EXAMPLES = r"""
- name: Show the services of a cluster and their servers
  ansible.builtin.debug:
    msg: "{{ item.name }} on port {{ item.port }}: {{ item.servers | map(attribute='name') | join(', ') }}"
  loop: "{{ hostvars | pgsvc.access.services(cluster='pg-test', groups=groups) }}"
  loop_control:
    label: "{{ item.name }}"
  run_once: true
"""

RETURN = r"""
_value:
  description:
    - The services in the order of their definitions, in the format of P(pgsvc.access.plan#filter).
    - The servers of a service with live roles (C(roles) is V(live)) follow health checks that services share
      (C(track)). P(pgsvc.access.plan#filter) returns these checks, too.
  type: list
  elements: dict
"""

from collections.abc import Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.pgsvc.access.plugins.plugin_utils._input.inventory import Inventory
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import PlanError, Report
from ansible_collections.pgsvc.access.plugins.plugin_utils._plan.planner import services_of


def services(
    hostvars: Mapping[str, Any],
    cluster: str,
    groups: Mapping[str, Iterable[str]],
    load_balancer: str | None = None,
) -> list[dict[str, Any]]:
    """See DOCUMENTATION."""
    report = Report()
    try:
        found = services_of(Inventory(hostvars, groups, report), report, str(cluster), load_balancer)
    except PlanError as error:
        raise AnsibleFilterError(str(error)) from error
    return [service.to_dict() for service in found]


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Any]:
        return {"services": services}

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: endpoints
short_description: Every way to reach a PostgreSQL cluster
version_added: 1.0.0
author: pgsvc.access contributors (@pgsvc)
description:
  - Returns each host that a client can connect to (the cluster's name, its virtual address, an instance by name or
    address, a load balancer of the provider group, several hosts at once) with each service and port that it offers.
  - Connects to no host. All mistakes of the cluster are reported in one message.
extends_documentation_fragment:
  - pgsvc.access._filters
  - pgsvc.access._filters.cluster
  - pgsvc.access._requirements.jmespath
positional: _input
options:
  user:
    description: The user of the URLs. Without one the client decides.
    type: str
  database:
    description: The database of the URLs. Without one the client decides.
    type: str
  sslmode:
    description: The C(sslmode) of the URLs. Without one the client decides.
    type: str
    choices: [disable, allow, prefer, require, verify-ca, verify-full]
  password:
    description: A password to put into the URLs. Without it they contain none.
    type: str
"""

EXAMPLES = r"""
- name: Configure an application with the URL of the read-write service by the cluster's name
  ansible.builtin.set_fact:
    database_url: >-
      {{ (hostvars | pgsvc.access.endpoints(cluster='pg-test', groups=groups, user='app', database='shop')
          | selectattr('kind', 'eq', 'cluster') | selectattr('service', 'eq', 'primary') | first).url }}
"""

RETURN = r"""
_value:
  description:
    - The endpoints, each with C(cluster), C(label) (a unique name), C(kind) (V(cluster), V(vip), V(instance),
      V(address), V(load_balancer) or V(multi)), C(name) (the cluster, instance or load balancer), C(service), C(direct)
      (whether the port is that of PostgreSQL or the pool itself), C(hosts) (each with C(host) and C(port)), C(user),
      C(database), C(sslmode), C(target_session_attrs), C(access) (V(read-write), V(read-only) or V(any)), C(promise) (a
      text about the kind of access), C(path) (the hops to PostgreSQL), C(url), C(psycopg), C(libpq) (a connection
      string) and C(jdbc).
    - The C(promise) names members, or roles if the service has live roles, and the limits C(lag) and C(hold).
  type: list
  elements: dict
"""

from collections.abc import Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.pgsvc.access.plugins.plugin_utils._access.planner import AccessPlanner
from ansible_collections.pgsvc.access.plugins.plugin_utils._access.urls import login, to_dict
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.inventory import Inventory
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import PlanError, Report
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.values import native


def endpoints(
    hostvars: Mapping[str, Any],
    cluster: str,
    groups: Mapping[str, Iterable[str]],
    user: str | None = None,
    database: str | None = None,
    sslmode: str | None = None,
    password: str | None = None,
) -> list[dict[str, Any]]:
    """See DOCUMENTATION."""
    report = Report()
    who = login(native(user), native(database), native(sslmode), native(password), report)
    try:
        found = AccessPlanner(Inventory(hostvars, groups, report), report).endpoints(str(cluster))
    except PlanError as error:
        raise AnsibleFilterError(str(error)) from error
    return [to_dict(endpoint, who) for endpoint in found]


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Any]:
        return {"endpoints": endpoints}

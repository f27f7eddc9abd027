# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: catalog
short_description: A page about the services of PostgreSQL clusters, for people
version_added: 1.0.0
author: pgsvc.access contributors (@pgsvc)
description:
  - Returns one HTML page that shows the clusters of an inventory, their services, members and load balancers, a picture
    of each cluster, and every URL, with a search.
  - The page needs no other file and no network. It contains no password.
  - Connects to no host. All mistakes of the inventory are reported in one message.
  - The same inventory, options and status give the same bytes.
extends_documentation_fragment:
  - pgsvc.access._filters
  - pgsvc.access._requirements.jmespath
positional: _input
options:
  clusters:
    description: Show these clusters only. All clusters of the inventory by default.
    type: list
    elements: str
    default: []
  title:
    description: The title of the page.
    type: str
    default: PostgreSQL services
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
  status:
    description:
      - A report of M(pgsvc.access.pg_service_status), as a mapping or as text in JSON. The page then also shows which
        members serve each service, and what is wrong.
    type: raw
  status_time:
    description: The time of that report, in seconds since 1970. The page shows it with its age.
    type: float
"""

EXAMPLES = r"""
- name: Write the catalogue of all clusters
  ansible.builtin.copy:
    content: "{{ hostvars | pgsvc.access.catalog(groups=groups) }}"
    dest: catalog.html
    mode: "0644"
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
_value:
  description: The page, as HTML.
  type: str
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.pgsvc.access.plugins.plugin_utils._access.planner import AccessPlanner
from ansible_collections.pgsvc.access.plugins.plugin_utils._access.urls import login
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.inventory import Inventory
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import PlanError, Report
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.values import native, one_line, word_list
from ansible_collections.pgsvc.access.plugins.plugin_utils._report.catalog_model import model
from ansible_collections.pgsvc.access.plugins.plugin_utils._report.catalog_page import html


def catalog(
    hostvars: Mapping[str, Any],
    groups: Mapping[str, Iterable[str]],
    clusters: Iterable[str] = (),
    title: str = "PostgreSQL services",
    user: str | None = None,
    database: str | None = None,
    sslmode: str | None = None,
    status: Mapping[str, Any] | str | None = None,
    status_time: float | None = None,
) -> str:
    """See DOCUMENTATION."""
    report = Report()
    try:
        who = login(native(user), native(database), native(sslmode), None, report)
        only = word_list(native(clusters if isinstance(clusters, str) else list(clusters)), "clusters")
        said = json.loads(status) if isinstance(status, str) else native(status)
        survey = AccessPlanner(Inventory(hostvars, groups, report), report).survey(only)
        taken = None if status_time is None else int(status_time)
        return html(model(survey, who, said, taken), one_line(native(title), "a title"))
    except (PlanError, ValueError) as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Any]:
        return {"catalog": catalog}

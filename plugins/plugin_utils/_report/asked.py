# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tasks of a play have registered, the plan and the facts of load balancers, as the values of a view."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ansible_collections.pgsvc.access.plugins.module_utils._publish.record import digest
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.service import Service
from ansible_collections.pgsvc.access.plugins.plugin_utils._plan.publication import module_arguments, publication_of
from ansible_collections.pgsvc.access.plugins.plugin_utils._report.status_view import Answer, Planned


def planned_by(variable: str, plan: Any) -> Iterator[Planned]:
    """The load balancers of a registered plan that carry services. Raises `ValueProblem`."""
    for host in plan.get("load_balancers", ()):
        publication = publication_of(variable, plan, host)
        if publication and publication["services"]:
            services = tuple(Service.from_dict(service) for service in publication["services"])
            digests: dict[str, dict[str, str]] = {}
            for file in module_arguments(publication)["files"]:
                cluster = file["owner"].partition("/")[2]
                digests.setdefault(cluster, {})[file["name"]] = digest(file["content"].encode())
            yield Planned(host, services, digests)


def answers_in(variable: str, hostvars: Any, hosts: list[str]) -> Iterator[tuple[str, Answer]]:
    """What was registered of each load balancer: the facts, or why there are none."""
    for host in hosts:
        registered = hostvars.raw_get(host).get(variable) or {}
        for each in registered.get("results", [registered] if registered else []):
            load_balancer = str(each.get("load_balancer", host))
            if isinstance(each.get("facts"), str):
                yield load_balancer, Answer(json.loads(each["facts"]))
            elif not each.get("skipped"):
                is_reachable = not each.get("unreachable") and each.get("reachable", True)
                yield load_balancer, Answer(None, str(each.get("msg", "")), is_reachable)

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans the changes of all services whose servers differ from those that run. Values in, values out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.proxies import Proxy
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.server_state import FORCED_DRAIN
from ansible_collections.pgsvc.access.plugins.module_utils._host.light_dataclass import dataclass
from ansible_collections.pgsvc.access.plugins.module_utils._publish.administration import MemberStates
from ansible_collections.pgsvc.access.plugins.module_utils._publish.rehearsal import Asked
from ansible_collections.pgsvc.access.plugins.module_utils._publish.runtime_plan import (
    NeedsReload,
    Removal,
    ServerChanges,
    plan_changes,
)
from ansible_collections.pgsvc.access.plugins.module_utils._publish.service_file import ServiceFile


@dataclass(frozen=True)
class ServerPlans:
    """`reasons` has every service that differs: why it needs a reload, or an empty text. For the rest see `Plan`."""

    reasons: Mapping[str, str]
    changes: Sequence[ServerChanges]
    draining: Sequence[str]
    asked: Sequence[Asked]


def plan_servers(
    services: Mapping[str, ServiceFile],
    replaced: Mapping[str, Collection[str]],
    running: Mapping[str, Proxy],
    owners: Mapping[str, str],
    kept: Collection[str],
    unfinished: Mapping[str, int],
) -> ServerPlans:
    """Plan `services`, which differ from what runs.

    `replaced` are the servers of each whose options differ (see `plan_changes`), `owners` the owners of all loaded
    services, `kept` the services that leave the sessions of removed servers alone, `unfinished` servers that a killed
    run had begun to change.
    """
    members = MemberStates(owners, running, unfinished)
    reasons: dict[str, str] = {}
    changes: list[ServerChanges] = []
    draining: list[str] = []
    for name, service in services.items():
        plan = plan_changes(
            service,
            running[name],
            cut_removed=name not in kept,
            replaced=replaced[name],
            unfinished=unfinished,
            members=members,
        )
        if isinstance(plan, NeedsReload):
            reasons[name] = plan.reason
            continue
        waiting = [each for each in plan.removals if not each.cut and _waits(each, running[name])]
        draining += [each.server for each in waiting]
        plan = replace(plan, removals=tuple(each for each in plan.removals if each not in waiting))
        if plan:
            reasons[name] = ""
            changes.append(plan)
    asked = [Asked(services[each.proxy], line) for each in changes for line in each.unasked]
    return ServerPlans(reasons, changes, draining, asked)


def _waits(removal: Removal, proxy: Proxy) -> bool:
    """Whether a server that has to go is in drain already and still holds sessions: nothing can be done now."""
    name = removal.server.partition("/")[2]
    return bool(proxy.rows[name].admin_state & FORCED_DRAIN) and proxy.sessions(name) > 0

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What administrators have done to servers: drain and maintenance (Management Guide 9.3, "set server")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Optional

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.proxies import Proxy
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.server_state import FORCED_DRAIN, FORCED_MAINT
from ansible_collections.pgsvc.access.plugins.module_utils._publish.service_file import member_name

READY, DRAIN, MAINT = "ready", "drain", "maint"

_INHERITED_MAINT, _INHERITED_DRAIN = 0x02, 0x10  # of a server that tracks another one


def forced(admin_state: int) -> int:
    """The drain or maintenance of a server, its own or that of the one it tracks, as one of its own."""
    if admin_state & (FORCED_MAINT | _INHERITED_MAINT):
        return FORCED_MAINT
    return FORCED_DRAIN if admin_state & (FORCED_DRAIN | _INHERITED_DRAIN) else 0


def state_of(admin_state: int) -> str:
    """READY, DRAIN or MAINT, whatever the reason: a server whose name cannot be resolved is in MAINT, too."""
    if admin_state & ~(FORCED_DRAIN | _INHERITED_DRAIN):
        return MAINT
    return DRAIN if admin_state else READY


class MemberStates:
    """Members that are in drain or maintenance on the whole load balancer, which holds for their new servers, too.

    `owners` has the owner of each running proxy, `unfinished` servers (``<proxy>/<name>``) that a killed run had begun
    to change, with what they were in before.
    """

    def __init__(self, owners: Mapping[str, str], running: Mapping[str, Proxy], unfinished: Mapping[str, int]) -> None:
        found: dict[tuple[str, str], set[int]] = {}
        for name, owner in owners.items():
            for server, row in running[name].rows.items() if name in running else ():
                state = unfinished.get(f"{name}/{server}", forced(row.admin_state))
                found.setdefault((owner, member_name(server)), set()).add(state)
        self._states = {member: next(iter(states)) for member, states in found.items() if len(states) == 1}

    def of(self, owner: Optional[str], server: str) -> int:
        """FORCED_DRAIN or FORCED_MAINT where all servers of the member are in it; 0 for all others."""
        return self._states.get((owner or "", member_name(server)), 0)

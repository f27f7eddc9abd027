# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The running proxies, from `show servers state` and `show stat` (Management Guide 9.1 and 9.3)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Optional

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.server_state import RUNNING, STARTING
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.sockets import ServerRow
from ansible_collections.pgsvc.access.plugins.module_utils._host.light_dataclass import dataclass

StatRow = Mapping[str, str]


@dataclass(frozen=True)
class Proxy:
    """A running proxy: its servers by name, and the rows of ``show stat`` for the servers and the proxy."""

    name: str
    rows: Mapping[str, ServerRow] = dataclasses.field(default_factory=dict)
    stat: Mapping[str, StatRow] = dataclasses.field(default_factory=dict)
    backend: Optional[StatRow] = None

    def sessions(self, server: str) -> int:
        """The number of sessions that the server has or that are queued for it."""
        row = self.stat.get(server, {})
        return int(row.get("scur") or 0) + int(row.get("qcur") or 0)

    def is_backup(self, server: str) -> bool:
        return self.stat.get(server, {}).get("bck") == "1"

    def is_usable(self, server: str) -> bool:
        """Whether the server may get connections: up, with a weight, and neither in drain nor in maintenance."""
        row = self.rows[server]
        return row.op_state in (STARTING, RUNNING) and not row.admin_state and row.uweight > 0

    def is_needed(self, server: str) -> bool:
        """Whether the server may get the next connection: a backup does only if no other server is usable."""
        if not self.is_usable(server):
            return False
        others = any(self.is_usable(name) and not self.is_backup(name) for name in self.rows)
        return not (self.is_backup(server) and others)


def proxies(rows: Sequence[ServerRow], stat: Sequence[StatRow]) -> dict[str, Proxy]:
    """The running proxies by name, from ``show servers state`` and ``show stat``."""
    servers: dict[str, dict[str, ServerRow]] = {}
    for row in rows:
        servers.setdefault(row.be_name, {})[row.srv_name] = row
    stats: dict[str, dict[str, StatRow]] = {}
    for each in stat:
        stats.setdefault(each["pxname"], {})[each["svname"]] = each
    names = dict.fromkeys([*stats, *servers])
    return {n: Proxy(n, servers.get(n, {}), stats.get(n, {}), stats.get(n, {}).get("BACKEND")) for n in names}

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Further clusters of the inventory whose members are the nodes of pg-test under other names.

One Patroni cluster can so be published several times, with other variables, on the load balancers of group `proxy`,
which run HAProxy 2.6 and 3.0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pgsvc_lab import settings
from pgsvc_lab.settings import Node

PROXIES = (settings.node("proxy-1"), settings.node("proxy-2"))
_OFFLINE_QUERIES = "pg-test-3"


def cluster(name: str, members: Sequence[Node], variables: Mapping[str, Any]) -> dict[str, Any]:
    """A group of the inventory: these nodes as members of a cluster that delegates to group `proxy`."""
    hosts = {
        f"{name}-{number}": {
            "ansible_host": node.ipv4,
            "pg_address": node.ipv4,
            "pg_seq": number,
            "pg_role": "primary" if number == 1 else "replica",
            "pg_offline_query": node.name == _OFFLINE_QUERIES,
            "haproxy_enabled": False,  # the node itself has the services of pg-test
        }
        for number, node in enumerate(members, start=1)
    }
    return {"hosts": hosts, "vars": {"pg_cluster": name, "pg_service_provider": "proxy", **variables}}


def without_services(names: Iterable[str], members: Sequence[Node]) -> dict[str, Any]:
    """The same groups with no services: publishing them removes what they have on the load balancers."""
    nothing = {"pg_default_services": [], "pg_services": [], "pg_service_allow_shrink": True}
    return {name: cluster(name, members, nothing) for name in names}

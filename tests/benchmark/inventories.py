# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Inventories of local hosts: what those of all parts have in common."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.pgsvc.access.plugins.plugin_utils._input.defaults import CLUSTER
from ansible_collections.pgsvc.access.tests.support.haproxy import HAProxy

Variables = dict[str, Any]


@dataclass(frozen=True)
class Fleet:
    """Hosts at addresses of one loopback network (its first two numbers), so many of them a cluster."""

    hosts: int
    network: str
    members: int = 3

    @property
    def roles(self) -> dict[str, str]:
        """The role of each host, by address: the first of a cluster is its primary."""
        return {self.address(number): self.role(number) for number in range(self.hosts)}

    def address(self, number: int) -> str:
        """Return the address of each host of up to 62,500."""
        return f"{self.network}.{number // 250}.{number % 250 + 1}"

    def role(self, number: int) -> str:
        """Return the role of a host."""
        return "replica" if number % self.members else "primary"

    def cluster(self, number: int) -> str:
        """Return the name of the cluster of a host."""
        return f"pg-{number // self.members + 1:04}"

    @property
    def clusters(self) -> dict[str, str]:
        """The cluster of each host, by address."""
        return {self.address(number): self.cluster(number) for number in range(self.hosts)}

    def groups(self, variables: Callable[[int], Variables]) -> Variables:
        """Return a group for each cluster; `variables` gives those of a host besides its identity."""
        groups: Variables = {}
        for number in range(self.hosts):
            name, member = self.cluster(number), number % self.members
            group = groups.setdefault(name, {"hosts": {}, "vars": {"pg_cluster": name}})
            group["hosts"][self.address(number)] = {
                "pg_seq": member + 1,
                "pg_role": self.role(number),
                "pg_offline_query": member == self.members - 1,
                **variables(number),
            }
        return groups


def private_network() -> str:
    """Return a network for what listens: not that of another benchmark on this machine, nor of a test."""
    return f"127.{32 + os.getpid() % 32}"


def load_balancer(haproxy: HAProxy, ip: str) -> Variables:
    """Return the variables of a host on which this HAProxy serves at an address."""
    return {
        "pg_service_ip": ip,
        "haproxy_conf_dir": str(haproxy.conf_dir),
        "haproxy_state_dir": str(haproxy.state_dir),
        "haproxy_master_socket": str(haproxy.master_socket),
        "haproxy_stats_socket": str(haproxy.stats_socket),
    }


def default_services(servers: int) -> list[Variables]:
    """Return the default services, with health checks slow enough for so many servers on one machine."""
    seconds = min(40, max(2, servers // 40))
    options = (
        f"inter {seconds}s fastinter {seconds}s downinter {seconds}s rise 1 fall 1 on-marked-down shutdown-sessions"
        " slowstart 30s maxconn 3000 maxqueue 128 weight 100"
    )
    return [{**service, "options": options} for service in CLUSTER["pg_default_services"]]


def write(path: Path, groups: Mapping[str, Any], variables: Variables) -> None:
    """Write an inventory of groups whose hosts are all this machine."""
    local = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "ansible_become": False,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"all": {"children": groups, "vars": {**local, **variables}}}, indent=1))

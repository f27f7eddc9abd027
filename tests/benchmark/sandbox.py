# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Inventories of local hosts, a folder for each: three hosts a cluster, five services each, nothing listens."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MEMBERS = 3
SERVICES = 5

_BASE = """\
global
    maxconn 1000

defaults
    mode http
    timeout connect 5s
    timeout client 50s
    timeout server 50s
"""
_STANDBY = {
    "name": "standby",
    "port": 5435,
    "dest": "default",
    "check": "/sync",
    "selector": "[]",
    "backup": "[? pg_role == `primary`]",
}


@dataclass(frozen=True)
class Sandbox:
    """So many hosts in a folder, each a load balancer of its cluster of three."""

    folder: Path
    hosts: int

    @property
    def inventory(self) -> Path:
        return self.folder / "inventory.json"

    def make(self) -> None:
        """Write the inventory and the folder of each host."""
        self.inventory.parent.mkdir(parents=True)
        clusters: dict[str, Any] = {}
        for number in range(self.hosts):
            cluster, member = divmod(number, MEMBERS)
            name = f"pg-{cluster + 1:04}"
            group = clusters.setdefault(name, {"hosts": {}, "vars": {"pg_cluster": name}})
            group["hosts"][_address(number)] = self._host(number, member)
        everyone = {"children": clusters, "vars": self._common()}
        self.inventory.write_text(json.dumps({"all": everyone}, indent=1))
        for number in range(self.hosts):
            (self._node(number) / "conf").mkdir(parents=True)
            (self._node(number) / "conf" / "haproxy.cfg").write_text(_BASE)

    def wipe(self) -> None:
        """Bring all hosts back to where nothing was ever published."""
        for number in range(self.hosts):
            shutil.rmtree(self._node(number) / "state", ignore_errors=True)
            for file in self.service_files(number):
                file.unlink()

    def service_files(self, number: int) -> list[Path]:
        """Return the files published on a host."""
        return [file for file in (self._node(number) / "conf").glob("*.cfg") if file.name != "haproxy.cfg"]

    def is_written(self) -> bool:
        """Tell whether each host has all files that it should."""
        return all(len(self.service_files(number)) == SERVICES for number in range(self.hosts))

    def _node(self, number: int) -> Path:
        return self.folder / _address(number)

    def _host(self, number: int, member: int) -> dict[str, Any]:
        node = self._node(number)
        return {
            "pg_seq": member + 1,
            "pg_role": "replica" if member else "primary",
            "pg_offline_query": member == MEMBERS - 1,
            "haproxy_conf_dir": f"{node}/conf",
            "haproxy_state_dir": f"{node}/state",
            "haproxy_config_args": ["-f", f"{node}/conf"],
            "haproxy_master_socket": f"{node}/master.sock",
            "haproxy_stats_socket": f"{node}/stats.sock",
        }

    @staticmethod
    def _common() -> dict[str, Any]:
        return {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "ansible_become": False,
            "pg_reload": False,
            "pg_services": [_STANDBY],
        }


def _address(number: int) -> str:
    """Return a loopback address for each host of up to 65,000."""
    return f"127.10.{number // 250}.{number % 250 + 1}"

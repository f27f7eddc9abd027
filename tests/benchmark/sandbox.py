# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet of files: an inventory of local hosts and a folder for each, five services a cluster; nothing listens."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.pgsvc.access.tests.benchmark.inventories import Fleet, write

SERVICES = 5
NETWORK = "127.10"

_BASE = """\
global
    maxconn 1000

defaults
    mode http
    timeout connect 5s
    timeout client 50s
    timeout server 50s
"""
STANDBY = {
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
        groups = self._fleet.groups(self._variables)
        write(self.inventory, groups, {"pg_reload": False, "pg_services": [STANDBY]})
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

    @property
    def _fleet(self) -> Fleet:
        return Fleet(self.hosts, NETWORK)

    def _node(self, number: int) -> Path:
        return self.folder / self._fleet.address(number)

    def _variables(self, number: int) -> dict[str, Any]:
        node = self._node(number)
        return {
            "haproxy_conf_dir": f"{node}/conf",
            "haproxy_state_dir": f"{node}/state",
            "haproxy_config_args": ["-f", f"{node}/conf"],
            "haproxy_master_socket": f"{node}/master.sock",
            "haproxy_stats_socket": f"{node}/stats.sock",
        }

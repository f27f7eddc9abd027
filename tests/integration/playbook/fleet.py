# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet of folders as load balancers, and the commands people run on it."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.pgsvc.access.tests.support.haproxy import HAProxy
from ansible_collections.pgsvc.access.tests.support.modules import Run
from ansible_collections.pgsvc.access.tests.support.plans import arguments_of_load_balancers

_RECAP = re.compile(r"^(\S+) +: ok=\d+ +changed=(\d+) +unreachable=(\d+) +failed=(\d+)", re.MULTILINE)


@dataclass(frozen=True)
class Output:
    """What a command said, and how it ended."""

    code: int
    text: str

    @property
    def changed(self) -> dict[str, int]:
        """Host to the number of its changed tasks, from the recap."""
        return {host: int(changed) for host, changed, *_rest in _RECAP.findall(self.text)}

    @property
    def last(self) -> str:
        return self.text.rstrip().splitlines()[-1]


class Fleet:
    """Groups of hosts with variables; every host is a folder, reached by the local connection.

    A host has no HAProxy until `run_haproxy` starts one: its files are written and validated, not applied.
    """

    def __init__(self, checkout: Path, folder: Path) -> None:
        self.checkout = checkout
        self.folder = folder
        self.inventory = folder / "inventory.yml"
        self.groups: dict[str, dict[str, Any]] = {}

    def group(self, name: str, hosts: Mapping[str, Mapping[str, Any]], **variables: Any) -> None:
        """Add a group; hosts get folders."""
        self.groups[name] = {"hosts": {host: dict(own) for host, own in hosts.items()}, "vars": variables}
        for host in hosts:
            self.conf_dir(host).mkdir(parents=True, exist_ok=True)
        self.save()

    def cluster(self, name: str, addresses: Sequence[str], **variables: Any) -> None:
        """Add a cluster: the first address is the primary's."""
        hosts = {
            address: {"pg_seq": seq, "pg_role": "primary" if seq == 1 else "replica"}
            for seq, address in enumerate(addresses, 1)
        }
        self.group(name, hosts, pg_cluster=name, **variables)

    def save(self) -> None:
        self.inventory.write_text(yaml.safe_dump({"all": {"vars": self._shared(), "children": self.groups}}))

    def _shared(self) -> dict[str, Any]:
        """The variables of all hosts."""
        return {
            "ansible_connection": "local",
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
            "ansible_become": False,
            "haproxy_conf_dir": f"{self.folder}/hosts/{{{{ inventory_hostname }}}}/conf.d",
            "haproxy_state_dir": f"{self.folder}/hosts/{{{{ inventory_hostname }}}}/state",
            "haproxy_master_socket": f"{self.folder}/hosts/{{{{ inventory_hostname }}}}/m.sock",
            "haproxy_stats_socket": f"{self.folder}/hosts/{{{{ inventory_hostname }}}}/s.sock",
            "pg_service_ip": "{{ inventory_hostname }}",
            "pg_reload": False,
        }

    def conf_dir(self, host: str) -> Path:
        return self.folder / "hosts" / host / "conf.d"

    def files(self, host: str) -> list[str]:
        """The names of the service files of a host."""
        return sorted(path.stem for path in self.conf_dir(host).glob("*.cfg"))

    def run_haproxy(self, host: str, binary: Path) -> HAProxy:
        """A real HAProxy for a host, whose files are applied from now on."""
        haproxy = HAProxy(binary, self.folder / "hosts" / host)
        for group in self.groups.values():
            if host in group["hosts"]:
                group["hosts"][host]["pg_reload"] = True
        self.save()
        return haproxy.start()

    def publish(self, cluster: str) -> None:
        """What ``pgsql_svc(cluster)`` does, without the start of Ansible: where a test begins with published services.

        Variables may have no template but the name of the host.
        """
        hosts = {
            host: {**self._shared(), **group["vars"], **own}
            for group in self.groups.values()
            for host, own in group["hosts"].items()
        }
        hostvars = {
            host: json.loads(json.dumps(variables).replace("{{ inventory_hostname }}", host))
            for host, variables in hosts.items()
        }
        groups = {"all": list(hosts), **{name: list(group["hosts"]) for name, group in self.groups.items()}}
        arguments = arguments_of_load_balancers(hostvars, groups, only=[cluster])
        for module in [Run("haproxy_publish", each) for each in arguments.values()]:
            result = module.result()
            assert not result.get("failed"), result["msg"]

    def pgsql_svc(self, *words: str, command: str = "bin/pgsql-svc", cwd: Path | None = None) -> Output:
        return self._run([str(self.checkout / command), "-i", str(self.inventory), *words], cwd)

    def playbook(self, *words: str, playbook: str = "pgsvc.access.pgsql") -> Output:
        return self._run(["ansible-playbook", playbook, "-i", str(self.inventory), *words], None)

    def _run(self, command: Sequence[str], cwd: Path | None) -> Output:
        done = subprocess.run(
            command, cwd=cwd or self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        assert "Traceback" not in done.stdout, done.stdout
        return Output(done.returncode, done.stdout)

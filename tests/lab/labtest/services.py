# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection as its user runs it, and HAProxy as its own statistics show it."""

from __future__ import annotations

import base64
import csv
import json
import os
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pgsvc_lab import controller, credentials
from pgsvc_lab.settings import COLLECTION, LAB_SOURCE, Node

from .cluster import ssh
from .waiting import until

SPARE = LAB_SOURCE / "inventory-spare.yml"


@dataclass(frozen=True)
class Run:
    """What a run of a command said and how it ended."""

    status: int
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        return self.stdout + self.stderr

    def recap(self, host: str) -> dict[str, int]:
        """The counters of a host in ansible-playbook's recap; empty when it has none."""
        for line in self.output.partition("PLAY RECAP")[2].splitlines():
            name, colon, counters = line.partition(" : ")
            if colon and name.strip() == host:
                return {key: int(value) for key, _each, value in (pair.partition("=") for pair in counters.split())}
        return {}


def pgsql_svc(*words: str, sources: Sequence[Path] = (), variables: Mapping[str, Any] | None = None) -> Run:
    """Run bin/pgsql-svc on the lab, with further inventory sources and extra variables."""
    extra = ["--", "--extra-vars", json.dumps(dict(variables))] if variables else []
    return run([str(COLLECTION / "bin/pgsql-svc"), *inventories(sources), *words, *extra])


def run(command: Sequence[str]) -> Run:
    """Run a command in the controller's environment; the tests' own process is in its network already."""
    environment = {
        **os.environ,
        **controller.environment(),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_STDOUT_CALLBACK": "default",
    }
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, cwd=LAB_SOURCE, timeout=900
    )
    return Run(done.returncode, done.stdout, done.stderr)


def as_json(value: Mapping[str, Any]) -> str:
    return json.dumps(dict(value))


def publish(*words: str, sources: Sequence[Path] = (), variables: Mapping[str, Any] | None = None) -> Run:
    """Run bin/pgsql-svc; it must succeed."""
    done = pgsql_svc(*words, sources=sources, variables=variables)
    assert done.status == 0, done.output
    return done


def restore() -> None:
    """Publish the services of the plain inventory for both clusters, in one run; it must succeed."""
    ansible_playbook("pgsvc.access.pgsql", "-t", "pg_service", "-l", "pg-test:pg-meta")


@contextmanager
def overlay(content: Mapping[str, Any]) -> Iterator[Path]:
    """An inventory source that lies over the lab's own: `{group: {"hosts": {host: variables}, "vars": variables}}`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "overlay.yml"
        path.write_text(json.dumps({"all": {"children": dict(content)}}), encoding="utf-8")
        yield path


def stats(node: Node) -> dict[str, dict[str, dict[str, str]]]:
    """Proxy to server to the fields of HAProxy's statistics, from the page on the exporter's port."""
    password = json.loads(credentials.VARIABLES.read_text("utf-8"))["all"]["vars"]["haproxy_admin_password"]
    token = base64.b64encode(f"admin:{password}".encode()).decode()
    page = f"http://{node.ipv4}:9101{node.statistics};csv"
    request = urllib.request.Request(page, headers={"Authorization": f"Basic {token}"})
    with urllib.request.urlopen(request, timeout=3) as answer:  # noqa: S310
        text = answer.read().decode()
    found: dict[str, dict[str, dict[str, str]]] = {}
    for row in csv.DictReader(text.removeprefix("# ").splitlines()):
        found.setdefault(row["pxname"], {})[row["svname"]] = row
    return found


def up_servers(node: Node, proxy: str) -> set[str]:
    """Names of a proxy's servers whose check has passed. `UP 1/3` is on its way down and still takes traffic."""
    servers = stats(node).get(proxy)
    assert servers is not None, f"{node.name} knows no {proxy}"
    return {
        name for name, row in servers.items() if name not in ("FRONTEND", "BACKEND") and row["status"].startswith("UP")
    }


def wait_for_up(nodes: Sequence[Node], proxy: str, expected: set[str], timeout: float = 40.0) -> None:
    """Until exactly these servers of a proxy are up on each load balancer."""
    for node in nodes:
        until(f"{node.name}: {proxy} has {sorted(expected)} up", _has_up, node, proxy, expected, timeout=timeout)


def _has_up(node: Node, proxy: str, expected: set[str]) -> bool:
    seen = up_servers(node, proxy)
    assert seen == expected, f"up: {sorted(seen)}"
    return True


def service_files(node: Node) -> dict[str, str]:
    """File name to digest, of what is in the node's folder of service files."""
    listing = ssh(node, f"cd {node.service_folder} && sha256sum *.cfg")
    return {name: digest for digest, name in (line.split() for line in listing.splitlines())}


def worker(node: Node) -> str:
    """Process id and start of HAProxy's present worker: differs after each reload."""
    return ssh(
        node, "echo 'show info' | socat - /run/haproxy/admin.sock | grep -E '^(Pid|Start_time_sec):' | tr -d '\\n'"
    )


def reloads(node: Node) -> int:
    """How many times HAProxy's master has been reloaded since it was started."""
    table = ssh(node, "echo 'show proc' | socat - /run/haproxy-master.sock")
    return next(int(line.split()[2]) for line in table.splitlines() if line.split()[1:2] == ["master"])


def ansible_playbook(book: str, *options: str, sources: Sequence[Path] = ()) -> str:
    """Run a playbook on the lab with further inventory sources; it must succeed. Returns what it said."""
    done = run([str(controller.tool("ansible-playbook")), *inventories(sources), *options, book])
    assert done.status == 0, done.output
    return done.output


def playbook(name: str, *options: str, sources: Sequence[Path] = ()) -> None:
    """Run one of the lab's own playbooks likewise."""
    ansible_playbook(str(LAB_SOURCE / f"{name}.yml"), *options, sources=sources)


def inventories(sources: Sequence[Path] = ()) -> list[str]:
    """The options that name the lab's inventory, and further sources over it."""
    return [word for source in (*controller.INVENTORIES, *sources) for word in ("-i", str(source))]


def wait_for_weights(node: Node, proxy: str, expected: Mapping[str, int]) -> None:
    """Until the servers of a proxy have these weights in force: a slow start lowers them for a while."""

    def as_expected() -> bool:
        servers = stats(node)[proxy]
        seen = {name: int(row["weight"]) for name, row in servers.items() if name not in ("FRONTEND", "BACKEND")}
        assert seen == expected, seen
        return True

    until(f"{node.name}: {proxy} has weights {dict(expected)}", as_expected)

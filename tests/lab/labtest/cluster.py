# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The PostgreSQL cluster as its operator sees it: Patroni's REST API, patronictl and the machines below."""

from __future__ import annotations

import json
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from pgsvc_lab import credentials, network, nodes, settings
from pgsvc_lab.settings import Node

from .waiting import until

_TIMEOUT = 2.0


def ssh_command(node: Node, command: str) -> list[str]:
    """The program that runs a shell command on a node as root."""
    return [
        "ssh", "-i", str(credentials.SSH_KEY), "-o", f"UserKnownHostsFile={credentials.KNOWN_HOSTS}",
        "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=5", "-o", "ControlMaster=auto", "-o", "ControlPersist=300s",
        "-o", f"ControlPath={settings.STATE}/ssh/control/test-{node.name}", f"{settings.ADMIN}@{node.ipv4}",
        "sudo sh -c " + _quote(command),
    ]  # fmt: skip


def ssh(node: Node, command: str, *, check: bool = True) -> str:
    """Run a shell command on a node as root; returns what it prints."""
    argv = ssh_command(node, command)
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120)
    assert not check or done.returncode == 0, f"{node.name}: {command}: {done.stdout}{done.stderr}"
    return done.stdout


def _quote(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


class Cluster:
    """One Patroni cluster of the lab."""

    def __init__(self, name: str, members: Sequence[Node]) -> None:
        self.name = name
        self.members = list(members)
        self.tls = False

    @property
    def addresses(self) -> list[str]:
        return [node.ipv4 for node in self.members]

    def status(self, node: Node, path: str) -> int:
        """HTTP status of a health check path on a member's Patroni; 0 when it does not answer."""
        try:
            with self._open(node, path) as answer:
                return answer.status  # type: ignore[no-any-return]
        except urllib.error.HTTPError as error:
            error.close()
            return error.code
        except OSError:
            return 0

    def _open(self, node: Node, path: str, method: str = "GET", body: object = None) -> Any:
        scheme, context = ("https", ssl.create_default_context(cafile=credentials.CA)) if self.tls else ("http", None)
        data = None if body is None else json.dumps(body).encode()
        headers = {} if data is None else {"Authorization": credentials.patroni_authorization()}
        url = f"{scheme}://{node.ipv4}:8008{path}"
        request = urllib.request.Request(url, method=method, data=data, headers=headers)  # noqa: S310
        return urllib.request.urlopen(request, timeout=_TIMEOUT, context=context)  # noqa: S310

    def primary(self) -> Node:
        """The member that answers 200 to /primary; there must be exactly one."""
        found = [node for node in self.members if self.status(node, "/primary") == 200]
        assert len(found) == 1, f"primaries: {[node.name for node in found]}"
        return found[0]

    def others(self, *excluded: Node) -> list[Node]:
        return [node for node in self.members if node not in excluded]

    def states(self) -> dict[str, str]:
        """Member name to `role state`, as any member that answers tells it."""
        for node in self.members:
            try:
                with self._open(node, "/cluster") as answer:
                    members = json.load(answer)["members"]
            except OSError:
                continue
            return {member["name"]: f"{member['role']} {member['state']}" for member in members}
        raise AssertionError(f"no member of {self.name} answers")

    def restart(self, node: Node) -> None:
        """Restart a member's PostgreSQL, once its Patroni has read settings that take a restart."""
        until(f"Patroni of {node.name} waits for a restart", self._pending_restart, node)
        self.patronictl("restart", self.name, node.name, "--force")

    def _pending_restart(self, node: Node) -> bool:
        with self._open(node, "/patroni") as answer:
            return bool(json.load(answer).get("pending_restart"))

    def is_whole(self) -> bool:
        """Whether there is one leader and every other member streams from it."""
        states = self.states()
        assert sorted(states) == sorted(node.name for node in self.members), states
        roles = sorted(
            state.replace("sync_standby", "replica").replace("running", "streaming") for state in states.values()
        )
        assert roles == ["leader streaming", *["replica streaming"] * (len(self.members) - 1)], states
        primary = self.primary()
        streaming = ssh(
            primary,
            'su postgres -c "psql -Atc \\"SELECT count(*) FROM pg_stat_replication WHERE state = \'streaming\'\\""',
        )
        assert int(streaming) == len(self.members) - 1, f"{streaming.strip()} replicas stream; {states}"
        return True

    def wait_until_whole(self, timeout: float = 90.0) -> None:
        until(f"{self.name} has one leader and only streaming replicas", self.is_whole, timeout=timeout)

    def patronictl(self, *arguments: str, on: Node | None = None) -> str:
        node = on or self.primary()
        return ssh(node, f"su postgres -c '/usr/bin/patronictl -c /etc/patroni/config.yml {' '.join(arguments)}'")

    def switchover(self, candidate: Node) -> None:
        """Move the primary, if it is elsewhere, and wait until the cluster is whole again."""
        leader = self.primary()
        if leader == candidate:
            return
        self.patronictl(
            "switchover", "--leader", leader.name, "--candidate", candidate.name, "--force", self.name, on=leader
        )
        until(f"{candidate.name} is the primary", lambda: self.primary() == candidate)
        self.wait_until_whole()

    def reconnect_pools(self) -> None:
        """Let every member's pgbouncer forget the role that its PostgreSQL had, with the command of docs/access.md."""
        for node in self.members:
            ssh(node, "su postgres -c 'psql -qh /var/run/postgresql -p 6432 -U pgbouncer -d pgbouncer -c RECONNECT'")

    def configure(self, changes: Mapping[str, Any]) -> None:
        """Change the cluster's dynamic configuration (PATCH /config); None removes a key. Any member takes it."""
        member = until(f"a Patroni of {self.name} answers", self._alive)
        with self._open(member, "/config", "PATCH", dict(changes)):
            pass

    def is_synchronous(self) -> bool:
        """Whether the cluster is in synchronous mode, by its dynamic configuration."""
        with self._open(until(f"a Patroni of {self.name} answers", self._alive), "/config") as answer:
            return bool(json.load(answer).get("synchronous_mode"))

    def _alive(self) -> Node | None:
        return next((node for node in self.members if self.status(node, "/liveness") == 200), None)

    def is_paused(self, node: Node) -> bool:
        """Whether a member's Patroni has seen that the cluster is paused, which takes it up to ``loop_wait``."""
        with self._open(node, "/patroni") as answer:
            return bool(json.load(answer).get("pause"))

    def mend(self) -> None:
        """Whatever a test has broken: machines on, cables in, Patroni running, everything streaming."""
        for node in self.members:
            network.set_cable(node, plugged=True)
            if not nodes.is_running(node):
                nodes.start(node)
        for node in self.members:
            nodes.wait_for_ssh(node)
            ssh(
                node,
                "rm -rf /run/systemd/system/patroni.service.d; systemctl daemon-reload; "
                "systemctl start patroni pgbouncer haproxy",
            )
        until("Patroni answers", lambda: any(self.status(node, "/liveness") == 200 for node in self.members))
        self.configure({"pause": None})
        self.wait_until_whole()


@contextmanager
def patroni_stays_dead(node: Node) -> Iterator[None]:
    """Debian's unit starts a killed Patroni again within a moment; not in this block."""
    folder = "/run/systemd/system/patroni.service.d"
    ssh(node, f"mkdir -p {folder}; printf '[Service]\\nRestart=no\\n' > {folder}/test.conf; systemctl daemon-reload")
    try:
        yield
    finally:
        ssh(node, f"rm -rf {folder}; systemctl daemon-reload; systemctl reset-failed patroni; systemctl start patroni")


class FirstPrimary:
    """Notes when a member other than the old primary first answers 200 to /primary."""

    def __init__(self, cluster: Cluster, old: Node) -> None:
        self._cluster = cluster
        self._old = old
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._watch, args=(node,)) for node in cluster.others(old)]
        self.node: Node | None = None
        self.when = 0.0

    def _watch(self, node: Node) -> None:
        while not self._stop.is_set():
            if self._cluster.status(node, "/primary") == 200:
                self.node, self.when = node, time.monotonic()
                self._stop.set()
            self._stop.wait(0.05)

    def __enter__(self) -> FirstPrimary:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait(self, timeout: float = 60.0) -> Node:
        return until("a new primary", lambda: self.node, timeout=timeout)

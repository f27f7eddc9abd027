# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two load balancers of one cluster that are told the same: ours, and the plain one that is its control."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from ansible_collections.pgsvc.access.tests.integration.publish.node import Node
from ansible_collections.pgsvc.access.tests.support.haproxy import HAProxy, wait_until
from ansible_collections.pgsvc.access.tests.support.patroni import Patroni
from ansible_collections.pgsvc.access.tests.support.service import DEFAULT_SERVER, server_line, service_file

PRIMARY, REPLICA = "pg-primary", "pg-replica"
OWNER = "member/pg"

PLAIN_BASE = """\
global
    maxconn 4000
    stats socket {stats_socket} mode 600 level admin
    stats timeout 2m

defaults
    mode tcp
    retries 3
    timeout queue 3s
    timeout connect 3s
    timeout check 3s
    timeout client 24h
    timeout server 24h
"""
"""Nothing bounds an old worker here."""

_PLAIN_FILE = """\
listen {name}
    bind {bind}
    mode tcp
    maxconn {maxconn}
    balance roundrobin
    option httpchk
    option http-keep-alive
    http-check send meth OPTIONS uri {check}
    http-check expect status 200
    default-server {default_server}
    # servers
{servers}
"""
"""The file of the description, word by word."""


@dataclasses.dataclass(frozen=True)
class Declared:
    """What is declared of a load balancer: the servers of the primary service, its maxconn, and whether a second
    service, for replicas, stands beside it. A change of either of the last two needs a reload."""

    servers: tuple[str, ...]
    maxconn: int = 5000
    beside: bool = False

    def services(self, address: str) -> list[tuple[str, str, str]]:
        """Name, listener and health check of each service."""
        primary = (PRIMARY, f"{address}:5433", "/primary")
        return [primary, (REPLICA, f"{address}:5434", "/read-only")] if self.beside else [primary]


class Balancer(Node):
    """Ours: files are published by the real module, in a process of its own."""

    def __init__(self, haproxy: HAProxy, patroni: Patroni, address: str, default_server: str = DEFAULT_SERVER) -> None:
        super().__init__(haproxy, address)
        self.patroni = patroni
        self.default_server = default_server
        self.clients = (address, 5433)
        self.declared = Declared(tuple(server_line(member) for member in patroni.members.values()))
        self.result: dict[str, Any] = {}

    def line(self, member: str, extra: str = "weight 100") -> str:
        return server_line(self.patroni.members[member], extra)

    def files_of(self, declared: Declared) -> list[dict[str, Any]]:
        return [
            {"name": name, "owner": OWNER, "content": self._content(declared, name, bind, check)}
            for name, bind, check in declared.services(self.address)
        ]

    def _content(self, declared: Declared, name: str, bind: str, check: str) -> str:
        text = service_file(
            name,
            bind,
            declared.servers,
            state_dir=self.state_dir,
            check=check,
            default_server=self.default_server,
            owner=OWNER,
        )
        return text.replace("maxconn 5000", f"maxconn {declared.maxconn}")

    def arguments(self, files: Sequence[dict[str, Any]], **more: Any) -> dict[str, Any]:
        return {**super().arguments(files, **more), "owners": [OWNER]}

    def begin_service(self) -> None:
        """Running, with the declared services and a verdict on every member."""
        self.haproxy.start()
        self.change(self.declared)
        self.settle()

    def change(self, declared: Declared) -> None:
        """Bring the load balancer to what is declared now; `result` is what the module said."""
        self.result = self.publish(self.files_of(declared))
        assert not self.result.get("failed"), self.result["msg"]
        self.declared = declared

    def settle(self, primary: str = "pg1") -> None:
        """Until every server has been found to be what it is."""

        def settled() -> bool:
            found = self.haproxy.statuses(PRIMARY)
            return found == {name: "UP" if name == primary else "DOWN" for name in found}

        wait_until(settled, timeout=20)

    def running(self) -> dict[str, tuple[str, int, int, int, bool]]:
        """Name to address, port, check port, weight and backup flag of the primary service's servers, as they run."""
        stat = self.haproxy.api.stat()
        backups = {row["svname"]: row["bck"] == "1" for row in stat if row["pxname"] == PRIMARY}
        return {
            row.srv_name: (row.addr, row.port, row.check_port, row.uweight, backups[row.srv_name])
            for row in self.haproxy.api.servers_state()
            if row.be_name == PRIMARY
        }

    def on_disk(self) -> dict[str, tuple[str, int, int, int, bool]]:
        """The same, read from the ``server`` lines of the file."""
        found = {}
        for line in (self.conf_dir / f"{PRIMARY}.cfg").read_text().splitlines():
            words = line.split()
            if words[:1] == ["server"]:
                address, _colon, port = words[2].rpartition(":")
                check_port, weight = (int(words[words.index(word) + 1]) for word in ("port", "weight"))
                found[words[1]] = address, int(port), check_port, weight, "backup" in words
        return found


class PlainBalancer(Balancer):
    """The control: the description's files, written in place, and a plain reload, as ``systemctl reload`` does it."""

    def _content(self, declared: Declared, name: str, bind: str, check: str) -> str:
        return _PLAIN_FILE.format(
            name=name,
            bind=bind,
            check=check,
            maxconn=declared.maxconn,
            default_server=self.default_server,
            servers="\n".join(f"    {line}" for line in declared.servers),
        )

    def begin_service(self) -> None:
        self._write(self.declared)
        self.haproxy.start()
        self.settle()

    def change(self, declared: Declared) -> None:
        self._write(declared)
        self.haproxy.reload()
        self.declared = declared

    def _write(self, declared: Declared) -> None:
        for path in self.conf_dir.glob("*.cfg"):
            path.unlink()
        for file in self.files_of(declared):
            self.haproxy.write(file["name"], file["content"])

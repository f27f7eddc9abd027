# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster of three and one load balancer, planned from inventory variables and published by the real module."""

from __future__ import annotations

import copy
import dataclasses
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ansible_collections.pgsvc.access.tests.integration.publish.node import Node
from ansible_collections.pgsvc.access.tests.support.certificates import self_signed
from ansible_collections.pgsvc.access.tests.support.fixtures import private_address
from ansible_collections.pgsvc.access.tests.support.haproxy import HAProxy, wait_until
from ansible_collections.pgsvc.access.tests.support.patroni import Patroni
from ansible_collections.pgsvc.access.tests.support.plans import arguments_of_load_balancers
from ansible_collections.pgsvc.access.tests.support.service import QUICK

CLUSTER, LB = "pg-test", "lb"
SERVICES: dict[str, dict[str, Any]] = {
    "primary": {"port": 5433, "check": "/primary", "selector": "[]"},
    "replica": {
        "port": 5434,
        "check": "/read-only",
        "selector": "[]",
        "backup": "[? pg_role == `primary` || pg_role == `offline`]",
    },
    "default": {"port": 5436, "dest": "postgres", "check": "/primary", "selector": "[]"},
    "offline": {
        "port": 5438,
        "dest": "postgres",
        "check": "/replica",
        "selector": "[? pg_role == `offline` || pg_offline_query]",
        "backup": "[? pg_role == `replica` && !pg_offline_query]",
    },
}
SERVED_BY = {"primary": "primary", "replica": "replica", "default": "primary", "offline": "replica"}
"""The role of the members that a service is for."""

MOVED_PORT, REST_MOVED, REST_TLS = 15432, 8018, 8028


@dataclasses.dataclass
class Site:
    """Inventory variables: of the cluster, of each member by number, of each service, and of the load balancer."""

    cluster: dict[str, Any]
    members: dict[int, dict[str, Any]]
    services: dict[str, dict[str, Any]]
    load_balancer: dict[str, Any]

    def copy(self) -> Site:
        return copy.deepcopy(self)

    def hostvars(self) -> dict[str, dict[str, Any]]:
        services = [{"name": name, **fields} for name, fields in self.services.items()]
        shared = {
            "pg_cluster": CLUSTER,
            "pg_service_provider": "proxy",
            "pg_default_services": services,
            **self.cluster,
        }
        members = {f"m{seq}": {**shared, "pg_seq": seq, **own} for seq, own in self.members.items()}
        return {**members, LB: self.load_balancer}

    def files(self) -> dict[str, Any]:
        """The module's arguments for the load balancer."""
        hostvars = self.hostvars()
        groups = {"all": list(hostvars), "proxy": [LB], "proxy2": [LB], "elsewhere": []}
        return arguments_of_load_balancers(hostvars, groups)[LB]


class Balancer(Node):
    """The load balancer of a site. `tls` is the certificate that Patroni shows at `REST_TLS`, and its key."""

    def __init__(
        self, haproxy: HAProxy, patroni: Patroni, new_address: Callable[[], str], tls: tuple[Path, Path]
    ) -> None:
        super().__init__(haproxy, new_address())
        self.patroni = patroni
        self.tls = tls
        self.other_address = new_address()
        self.second: dict[int, str] = {seq: new_address() for seq in (1, 2, 3, 4)}
        self.new_address = new_address
        for seq, role in ((1, "primary"), (2, "replica"), (3, "replica")):
            self.add_member(seq, role)
        self.site = Site({}, {seq: self.member(seq) for seq in (1, 2, 3)}, copy.deepcopy(SERVICES), self._variables())
        self.site.members[1]["pg_role"] = "primary"
        self.site.members[3]["pg_offline_query"] = True
        for service in self.site.services.values():
            service["options"] = QUICK

    def _variables(self) -> dict[str, Any]:
        return {
            "pg_service_ip": self.address,
            "haproxy_conf_dir": str(self.conf_dir),
            "haproxy_state_dir": str(self.state_dir),
            "haproxy_master_socket": str(self.haproxy.master_socket),
            "haproxy_stats_socket": str(self.haproxy.stats_socket),
        }

    def add_member(self, seq: int, role: str) -> None:
        self.patroni.add(
            f"{CLUSTER}-{seq}",
            self.new_address(),
            role,
            ports=(5432, 6432, MOVED_PORT),
            also_at=[self.second[seq]],
            also_rest=[(REST_MOVED, None), (REST_TLS, self.tls)],
        )

    def member(self, seq: int) -> dict[str, Any]:
        return {"pg_role": "replica", "pg_address": self.patroni.members[f"{CLUSTER}-{seq}"].address}

    def apply(self, site: Site) -> dict[str, Any]:
        """Publish, which must succeed; the result, with the seconds that it took as `took`."""
        arguments = site.files()
        began = time.monotonic()
        result = self.publish(arguments.pop("files"), **arguments)
        assert not result.get("failed"), result["msg"]
        self.site = site
        return {**result, "took": time.monotonic() - began}

    def settle(self) -> None:
        """Until every server of every service has its verdict."""

        def settled() -> bool:
            rows = [row for row in self.haproxy.api.servers_state() if row.be_name.startswith(f"{CLUSTER}-")]
            # A server that tracks another one has no check, and so never a verdict of its own.
            return all(row.check_status != 1 for row in rows if row.check_state) and not any(
                "/" in row["status"] for row in self.haproxy.api.stat() if row["type"] == "2"
            )

        time.sleep(0.5)
        wait_until(settled, timeout=20)

    def endpoint(self, service: str) -> tuple[str, int]:
        return self.address, int(self.site.services[service]["port"])


@contextmanager
def serving(binary: Path, folder: Path) -> Iterator[Balancer]:
    """A load balancer that serves a cluster of three; every server has its verdict."""
    addresses = [private_address() for _each in range(12)]
    remaining = iter(addresses)
    tls = self_signed(folder, "patroni", addresses)
    with Patroni() as patroni, HAProxy(binary, folder / "lb") as haproxy:
        haproxy.start()
        balancer = Balancer(haproxy, patroni, lambda: next(remaining), tls)
        balancer.apply(balancer.site)
        balancer.settle()
        yield balancer

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A planned service, and the health checks that services share: what their files say, nothing left to decide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Server:
    """One member in one service.

    ``ca_file`` verifies Patroni's certificate; None when the check is plain HTTP. ``track`` is the check that the
    server follows (``<check backend>/<server>``); None when it has a check of its own.
    """

    name: str
    address: str
    port: int
    check_port: int
    weight: int
    backup: bool
    ca_file: str | None
    track: str | None = None

    @property
    def member(self) -> str:
        """The member that it stands for: a server that shares a health check may have a name of its own."""
        return self.name if self.track is None else self.track.partition("/")[2]


@dataclass(frozen=True)
class Service:
    """One service on one load balancer.

    ``name`` is the proxy's and the file's (``pg-test-primary``), ``owner`` who may remove the file later, ``ip`` the
    addresses to bind. ``may_be_empty`` is true when a run may take away all of its servers. ``instances`` and
    ``backups`` are the addresses that the two selectors chose, for the header. With live ``roles`` the servers follow
    the checks of `CheckBackend`. ``verify_role``: a member passes the check only when PostgreSQL has left recovery.
    ``redispatch_at_once``: a refused connection tries another server at its first retry. ``hold`` is the number of
    seconds for which a new connection waits for a usable server.
    """

    name: str
    cluster: str
    service: str
    owner: str
    load_balancer: str
    ip: tuple[str, ...]
    port: int
    check: str
    maxconn: int
    balance: str
    options: str
    timeout_client: str
    timeout_server: str
    allbackups: bool
    on_member_removed: str
    may_be_empty: bool
    instances: tuple[str, ...]
    backups: tuple[str, ...]
    servers: tuple[Server, ...]
    roles: str = "declared"
    hold: int = 0
    verify_role: bool = False
    redispatch_at_once: bool = False

    def to_dict(self) -> dict[str, Any]:
        """The service in types that JSON has."""
        lists = {field: list(getattr(self, field)) for field in ("ip", "instances", "backups")}
        return {**vars(self), **lists, "servers": [dict(vars(server)) for server in self.servers]}

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Service:
        """What `to_dict` gave, as a service again."""
        servers = tuple(Server(**server) for server in plain["servers"])
        tuples = {field: tuple(plain[field]) for field in ("ip", "instances", "backups")}
        return cls(**{**plain, **tuples, "servers": servers})


@dataclass(frozen=True)
class CheckServer:
    """One member in a check backend, with the port of its Patroni."""

    name: str
    address: str
    port: int
    ca_file: str | None


@dataclass(frozen=True)
class CheckBackend:
    """A backend that takes no connections: servers of services follow the health checks of its servers.

    There is one for each health check and timing that a cluster uses on a load balancer, and each of its servers has
    one check, however many services follow it. ``check`` is the path with its query, ``options`` the
    ``default-server`` line.
    """

    name: str
    cluster: str
    owner: str
    load_balancer: str
    check: str
    verify_role: bool
    options: str
    servers: tuple[CheckServer, ...]

    def to_dict(self) -> dict[str, Any]:
        """The backend in types that JSON has."""
        return {**vars(self), "servers": [dict(vars(server)) for server in self.servers]}

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> CheckBackend:
        """What `to_dict` gave, as a backend again."""
        return cls(**{**plain, "servers": tuple(CheckServer(**server) for server in plain["servers"])})

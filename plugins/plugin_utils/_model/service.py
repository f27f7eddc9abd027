# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A planned service: everything a load balancer's file of it says, nothing left to decide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Server:
    """One member in one service. ``ca_file`` verifies Patroni's certificate; None when the check is plain HTTP."""

    name: str
    address: str
    port: int
    check_port: int
    weight: int
    backup: bool
    ca_file: str | None


@dataclass(frozen=True)
class Service:
    """One service on one load balancer.

    ``name`` is the proxy's and the file's (``pg-test-primary``), ``owner`` who may remove the file later, ``ip`` the
    addresses to bind. ``may_be_empty`` is true when a run may take away all of its servers. ``instances`` and
    ``backups`` are the addresses that the two selectors chose, for the header.
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

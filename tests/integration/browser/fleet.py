# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet of the pictures in docs/, and its status: six clusters that differ in what the catalogue shows."""

from __future__ import annotations

from typing import Any

from ansible_collections.pgsvc.access.plugins.plugin_utils._access.planner import AccessPlanner, Survey
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.inventory import Inventory
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import Report

Hosts = dict[str, dict[str, Any]]

STATUS_TIME = 1_769_860_800  # 2026-01-31 12:00 UTC
STANDBY = {"name": "standby", "port": 5435, "selector": "[]", "check": "/sync", "backup": "[? pg_role == `primary`]"}
ANALYTICS = {
    "name": "analytics",
    "port": 5440,
    "dest": "postgres",
    "check": "/replica",
    "selector": "[? pg_role == 'offline']",
    "backup": "[? pg_role == 'delayed']",
}


def cluster(name: str, network: str, *roles: str, **variables: Any) -> Hosts:
    """A cluster with one member for each role, at ``<network>.11`` and following."""
    return {
        f"{network}.{11 + index}": {"pg_cluster": name, "pg_seq": index + 1, "pg_role": role, **variables}
        for index, role in enumerate(roles)
    }


def hosts() -> Hosts:
    """The variables of all hosts."""
    shop = cluster("pg-shop", "10.20.1", "primary", "replica", "replica", "offline", **vip("10.20.1.2/24"))
    shop |= cluster("pg-billing", "10.20.2", "primary", "replica", "offline", "delayed", pg_services=[ANALYTICS])
    shop |= cluster("pg-meta", "10.20.3", "primary", **vip("10.20.3.2/24"))
    shop |= cluster("pg-search", "10.20.4", "primary", "replica", "replica", pg_service_roles="live")
    shop |= cluster("pg-test", "10.20.5", "primary", "replica", "replica", pg_services=[STANDBY], **vip("10.20.5.3/24"))
    shop |= cluster("pg-events", "10.20.6", "primary", "replica", pg_service_provider="proxy", pg_weigth=50)
    shop["10.20.5.13"]["pg_offline_query"] = True
    return {**shop, "proxy-1": {"pg_address": "10.20.0.11"}, "proxy-2": {"pg_address": "10.20.0.12"}, "infra-1": {}}


def vip(address: str) -> dict[str, Any]:
    return {"pg_vip_enabled": True, "pg_vip_address": address}


def groups(of: Hosts) -> dict[str, list[str]]:
    return {"all": list(of), "proxy": ["proxy-1", "proxy-2"], "infra": ["infra-1"]}


def survey(of: Hosts, groups_of: dict[str, list[str]]) -> Survey:
    """What the filter makes of an inventory."""
    report = Report()
    return AccessPlanner(Inventory(of, groups_of, report), report).survey([])


def status() -> dict[str, Any]:
    """A report of the status of two clusters: one after a failover, and one that is well."""
    return {"clusters": [_drifted(), _well()]}


def _drifted() -> dict[str, Any]:
    leads = {1: "replica", 2: "leader", 3: "replica"}
    members = [_member("pg-test", "10.20.5", seq, role) for seq, role in leads.items()]
    balancers = [f"10.20.5.{10 + seq}" for seq in leads]
    serves = {"primary": [2], "replica": [2, 3], "default": [2], "offline": [3], "standby": [3]}
    ports = {"primary": 5433, "replica": 5434, "default": 5436, "offline": 5438, "standby": 5435}
    backups = {"replica": [1], "offline": [2], "standby": [1]}
    services = [
        {
            "service": name,
            "port": ports[name],
            "load_balancers": [
                _place("pg-test", host, list(leads), serves[name], backups.get(name, [])) for host in balancers
            ],
        }
        for name in serves
    ]
    finding = {
        "severity": "warning",
        "code": "roles_drifted",
        "text": "the inventory declares pg-test-1 as primary, and Patroni's leader is pg-test-2: the selectors of "
        "replica and offline see the declared roles",
        "fix": "exchange pg_role in the inventory and publish (pgsql-svc pg-test), or let services follow the roles of "
        "the moment with pg_service_roles: live",
    }
    return {
        "cluster": "pg-test",
        "health": "warning",
        "members": members,
        "services": services,
        "findings": [finding],
    }


def _well() -> dict[str, Any]:
    ports = {"primary": 5433, "replica": 5434, "default": 5436}
    place = _place("pg-meta", "10.20.3.11", [1], [1], [])
    services = [{"service": name, "port": port, "load_balancers": [place]} for name, port in ports.items()]
    nobody = _place("pg-meta", "10.20.3.11", [], [], [])  # the selectors of the service offline choose no member
    services.append({"service": "offline", "port": 5438, "load_balancers": [nobody]})
    members = [_member("pg-meta", "10.20.3", 1, "leader")]
    return {"cluster": "pg-meta", "health": "ok", "members": members, "services": services, "findings": []}


def _member(of: str, network: str, seq: int, role: str) -> dict[str, Any]:
    return {
        "name": f"{of}-{seq}",
        "address": f"{network}.{10 + seq}",
        "declared_role": "primary" if seq == 1 else "replica",
        "role": role,
        "state": "running" if role == "leader" else "streaming",
        "timeline": 2,
        "lag": 0,
        "tags": {},
    }


def _place(of: str, host: str, seqs: list[int], serving: list[int], backups: list[int]) -> dict[str, Any]:
    servers = [
        {
            "name": f"{of}-{seq}",
            "member": f"{of}-{seq}",
            "status": "UP" if seq in serving or seq in backups else "DOWN",
            "backup": seq in backups,
            "weight": 100,
            "sessions": 40 if seq in serving else 0,
            "check": "L7OK 200" if seq in serving or seq in backups else "L7STS 503",
            "admin": "",
            "since": 86_400 * 3,
        }
        for seq in seqs
    ]
    serves = [f"{of}-{seq}" for seq in serving]
    return {"load_balancer": host, "serves": serves, "servers": servers, "sessions": 40 * len(serving), "queue": 0}

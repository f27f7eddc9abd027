# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The defaults of all variables and fields of the collection.

Role defaults, argument specs and the reference in docs/ are checked against this file (tests/unit).
"""

from __future__ import annotations

import difflib
import functools
from typing import Any

ROLES = ("primary", "replica", "offline", "standby", "delayed")
DESTINATIONS = ("default", "postgres", "pgbouncer")
# What selectors see as pg_role: what the inventory has, or the role that Patroni has given to a member.
SERVICE_ROLES = ("declared", "live")
# What becomes of a replica that lags by more than `lag`: it does not serve, or only when no other replica can.
LAGGING = ("exclude", "backup")
HOLDS = (0, 60)  # seconds

# Defaults of the variables of a member.
MEMBER: dict[str, Any] = {
    "pg_offline_query": False,
    "pg_weight": 100,
    "pg_port": 5432,
    "pgbouncer_port": 6432,
    "patroni_port": 8008,
    "patroni_ssl_enabled": False,
    "patroni_ca_file": "/pg/cert/ca.crt",
}

# Defaults of the variables of a cluster.
CLUSTER: dict[str, Any] = {
    "pg_default_services": [
        {"name": "primary", "port": 5433, "dest": "default", "check": "/primary", "selector": "[]"},
        {
            "name": "replica",
            "port": 5434,
            "dest": "default",
            "check": "/read-only",
            "selector": "[]",
            "backup": "[? pg_role == `primary` || pg_role == `offline` ]",
        },
        {"name": "default", "port": 5436, "dest": "postgres", "check": "/primary", "selector": "[]"},
        {
            "name": "offline",
            "port": 5438,
            "dest": "postgres",
            "check": "/replica",
            "selector": "[? pg_role == `offline` || pg_offline_query ]",
            "backup": "[? pg_role == `replica` && !pg_offline_query]",
        },
    ],
    "pg_services": [],
    "pg_default_service_dest": "pgbouncer",
    "pg_service_provider": "",
    "pg_service_targets": [],
    "pg_service_roles": "declared",
    "pg_service_hold": 0,
    "pg_rto": None,
    "pg_rto_plan": None,
}

# Pigsty's presets for pg_rto: five settings of Patroni, then inter, fastinter, downinter, rise and fall of HAProxy.
RTO_PLANS: dict[str, list[Any]] = {
    "instant": [20, 5, 5, 15, 5, "0.25s", "0.1s", "0.25s", 1, 2],  # not Pigsty's
    "fast": [20, 5, 5, 15, 5, "1s", "0.5s", "1s", 3, 3],
    "norm": [30, 5, 10, 25, 5, "2s", "1s", "2s", 3, 3],
    "safe": [60, 10, 20, 45, 10, "3s", "1.5s", "3s", 3, 3],
    "wide": [120, 20, 30, 95, 15, "4s", "2s", "4s", 3, 3],
}

# Defaults of the variables of a load balancer.
LOAD_BALANCER: dict[str, Any] = {
    "pg_service_ip": "*",
    "pg_reload": True,
    "pg_service_allow_shrink": False,
    "haproxy_enabled": True,
    "haproxy_reload": True,
    # Empty: found on the host.
    "haproxy_conf_dir": "",
    "haproxy_state_dir": "/var/lib/haproxy/pgsvc",
    "haproxy_config_args": [],
    "haproxy_master_socket": "",
    "haproxy_stats_socket": "",
    "haproxy_services": [],
    "haproxy_exporter_port": 9101,
    "haproxy_client_timeout": "24h",
    "haproxy_server_timeout": "24h",
}

# Defaults of the fields of a service. `ip` and the timeouts default to variables of the load balancer.
SERVICE: dict[str, Any] = {
    "ip": None,
    "backup": None,
    "dest": "default",
    "check": "/",
    "maxconn": 5000,
    "balance": "roundrobin",
    "options": (
        "inter 3s fastinter 1s downinter 5s rise 3 fall 3 on-marked-down shutdown-sessions"
        " slowstart 30s maxconn 3000 maxqueue 128 weight 100"
    ),
    "timeout_client": None,
    "timeout_server": None,
    "allbackups": False,
    "roles": None,
    "hold": None,
    "lag": None,
    "lagging": "exclude",
    "on_member_removed": "shutdown-sessions",
}
SERVICE_REQUIRED = ("name", "port", "selector")
ON_MEMBER_REMOVED = ("shutdown-sessions", "drain")

# All host variables that planning reads.
VARIABLES = ("pg_cluster", "pg_seq", "pg_role", "pg_address", *MEMBER, *CLUSTER, *LOAD_BALANCER)

_PREFIXES = ("pg_", "pgbouncer_", "patroni_", "haproxy_")
_NEAR = 0.885  # pg_servces and pg_weigth are similar enough, pg_vip_address and patroni_enabled are not


@functools.lru_cache(maxsize=4096)
def meant(name: str) -> str | None:
    """The variable that a misspelled name probably means; None for any other name.

    >>> meant("pg_servces"), meant("pg_services"), meant("pg_vip_address")
    ('pg_services', None, None)
    """
    if name in VARIABLES or not name.startswith(_PREFIXES):
        return None
    return next(iter(difflib.get_close_matches(name, VARIABLES, n=1, cutoff=_NEAR)), None)

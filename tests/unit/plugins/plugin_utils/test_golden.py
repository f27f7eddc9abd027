# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The description's five example files, typed from it: what we write says the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgsvc.access.plugins.plugin_utils._plan.rendering import render_service
from ansible_collections.pgsvc.access.tests.unit.plugins.plugin_utils.planning import cluster, plan, services_on

GOLDEN = Path(__file__).parent / "golden"
STANDBY: dict[str, Any] = {
    "name": "standby",
    "port": 5435,
    "ip": "*",
    "selector": "[]",
    "backup": "[? pg_role == `primary`]",
    "dest": "default",
    "check": "/sync",
    "maxconn": 5000,
    "balance": "roundrobin",
    "options": "inter 3s fastinter 1s downinter 5s rise 3 fall 3 on-marked-down shutdown-sessions slowstart 30s"
    " maxconn 3000 maxqueue 128 weight 100",
}

# What the description's files leave to the `defaults` section, and ours say themselves.
SELF_CONTAINED = {
    "enabled",
    "hash-type map-based",
    "hash-balance-factor 0",
    "retries 3",
    "rate-limit sessions 0",
    "timeout connect 3s",
    "timeout queue 3s",
    "timeout check 3s",
    "timeout client 24h",
    "timeout server 24h",
    "timeout tunnel 0",
    "timeout client-fin 0",
    "timeout server-fin 0",
    "option redispatch",
    "option tcpka",
    "no option abortonclose",
    "no option allbackups",
    "no option independent-streams",
    "no option logasap",
    "no option nolinger",
    "no option persist",
    "no option prefer-last-server",
    "no option transparent",
    "default-server enabled no-backup no-check-ssl no-send-proxy no-send-proxy-v2 no-ssl",
    "load-server-state-from-file local",
    "server-state-file-name /var/lib/haproxy/pgsvc/{name}.state",
}


def rendered(name: str) -> str:
    hosts = cluster("pg-test", "primary", "replica", "replica", pg_services=[STANDBY])
    hosts["10.10.10.13"]["pg_offline_query"] = True
    return render_service(services_on(plan(hosts), "10.10.10.11")[name], "/var/lib/haproxy/pgsvc")


def said(text: str) -> tuple[list[str], set[str]]:
    """The directives in order, and the servers, whose order is free."""
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip() and not line.startswith("#")]
    lines = [line for line in lines if not line.startswith("#")]
    return [line for line in lines if not line.startswith("server ")], {
        line for line in lines if line.startswith("server ")
    }


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.cfg")), ids=lambda path: path.stem)
def test_the_description(path: Path) -> None:
    directives, servers = said(path.read_text(encoding="utf-8"))
    ours, our_servers = said(rendered(path.stem))
    own = {line.format(name=path.stem) for line in SELF_CONTAINED}
    assert our_servers == servers
    assert [line for line in ours if line not in own] == directives
    assert own <= set(ours)


def test_every_file_of_the_description_is_here() -> None:
    services = ("default", "offline", "primary", "replica", "standby")
    assert sorted(path.name for path in GOLDEN.iterdir()) == [f"pg-test-{service}.cfg" for service in services]


def test_the_header() -> None:
    """As the description's, with the addresses in the order of pg_seq and the line that says whose the file is."""
    theirs = [
        line for line in (GOLDEN / "pg-test-standby.cfg").read_text(encoding="utf-8").splitlines() if line[:1] == "#"
    ]
    ours = [line for line in rendered("pg-test-standby").splitlines() if line[:1] == "#"]
    assert ours.pop(3) == "# managed by pgsvc.access, owner member/pg-test: changes made here are overwritten"
    assert ours[3] == "# service instances 10.10.10.11, 10.10.10.12, 10.10.10.13"
    theirs[3] = ours[3]
    assert ours == theirs[:5]

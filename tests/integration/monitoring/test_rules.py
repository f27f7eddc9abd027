# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which alerts fire, by promtool: a healthy load balancer with declared and live roles, and what differs from it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.pgsvc.access.tests.conftest import ROOT

RULES = ROOT / "files" / "prometheus" / "pgsvc.rules.yml"
PAGE = ROOT / "docs" / "monitoring.md"
TARGET = {"cls": "pg-test", "ins": "pg-test-1", "ip": "10.10.10.11", "instance": "10.10.10.11:9101", "job": "node"}
"""The labels that Pigsty gives to its targets."""

STATES = ("UP", "DOWN", "MAINT", "DRAIN", "NOLB")

Series = dict[str, str]


def series(metric: str, **labels: str) -> str:
    return f"{metric}{{{', '.join(f'{name}={value!r}' for name, value in {**TARGET, **labels}.items())}}}"


def proxy(
    name: str,
    servers: Mapping[str, str],
    *,
    active: int = 0,
    backup: int = 0,
    frontend: bool = True,
    tracks: bool = False,
) -> Series:
    """The series of a proxy as HAProxy's exporter has them; ``servers`` maps names to states."""
    found = {
        series("haproxy_backend_active_servers", proxy=name): str(active),
        series("haproxy_backend_backup_servers", proxy=name): str(backup),
        series("haproxy_backend_current_queue", proxy=name): "0",
    }
    if frontend:
        found[series("haproxy_frontend_current_sessions", proxy=name)] = "10"
        found[series("haproxy_frontend_limit_sessions", proxy=name)] = "100"
    for server, state in servers.items():
        where = {"proxy": name, "server": server}
        for each in STATES:
            found[series("haproxy_server_status", **where, state=each)] = str(int(state == each))
        found[series("haproxy_server_current_queue", **where)] = "0"
        found[series("haproxy_server_current_sessions", **where)] = "10"
        found[series("haproxy_server_limit_sessions", **where)] = "30" if frontend else "NaN"
        found[series("haproxy_server_check_up_down_total", **where)] = "NaN" if tracks else "1"
    return found


FOLLOW = {"pg-test-1": "DOWN", "pg-test-2": "UP", "pg-test-3": "UP"}
LEAD = {"pg-test-1": "UP", "pg-test-2": "DOWN", "pg-test-3": "DOWN"}
LEADING = {f"{name}-leading": state for name, state in LEAD.items()}

HEALTHY: Series = {
    series("haproxy_process_current_connections"): "100",
    series("haproxy_process_max_connections"): "4000",
    series("haproxy_process_start_time_seconds"): "1700000000",
    **proxy("stats", {}),
    # declared roles
    **proxy("pg-test-primary", LEAD, active=1),
    **proxy("pg-test-default", LEAD, active=1),
    **proxy("pg-test-replica", {**FOLLOW, "pg-test-1": "UP"}, active=2, backup=1),
    # live roles, of a cluster of three and of one
    **proxy("pg-live-check-leader", LEAD, active=1, frontend=False),
    **proxy("pg-live-check-primary", LEAD, active=1, frontend=False),
    **proxy("pg-live-check-replica", FOLLOW, active=2, frontend=False),
    **proxy("pg-live-primary", LEAD, active=1, tracks=True),
    **proxy("pg-live-replica", {**FOLLOW, **LEADING}, active=2, backup=1, tracks=True),
    **proxy("pg-meta-check-replica", {"pg-meta-1": "DOWN"}, frontend=False),
    **proxy("pg-meta-primary", {"pg-meta-1": "UP"}, active=1),
    **proxy("pg-meta-replica", {"pg-meta-1": "UP"}, backup=1),
    **proxy("pg-solo-replica", {"pg-solo-1": "DOWN", "pg-solo-1-leading": "UP"}, backup=1, tracks=True),
    **proxy("pg-meta-offline", {}),
    # of others
    **proxy("shop-default", {"web1": "UP", "web2": "UP"}, active=2),
}


@dataclass(frozen=True)
class Case:
    """What differs from the healthy load balancer, and the labels of the alerts that this makes by ``at`` minutes."""

    name: str
    differs: Series
    fires: list[dict[str, str]] = field(default_factory=list)
    at: int = 10

    @property
    def interval(self) -> int:
        """Seconds between two samples."""
        return 300 if self.at > 60 else 15


def fires(alert: str, **labels: str) -> dict[str, str]:
    return {"alertname": alert, **labels}


def replicas_down(name: str, suffixes: Mapping[str, str]) -> Series:
    servers = {"pg-test-1": "UP", "pg-test-2": "DOWN", "pg-test-3": "DOWN", **suffixes}
    return proxy(name, servers, backup=1)


PRIMARY_DOWN = dict.fromkeys(LEAD, "DOWN")
CASES = [
    Case("all is well", {}),
    Case(
        "no primary",
        {
            **proxy("pg-test-primary", PRIMARY_DOWN),
            **proxy("pg-live-primary", PRIMARY_DOWN, tracks=True),
            **proxy("pg-live-check-primary", PRIMARY_DOWN, frontend=False),
        },
        [
            fires("PgsvcServiceWithoutServer", proxy="pg-test-primary"),
            fires("PgsvcServiceWithoutServer", proxy="pg-live-primary"),
        ],
    ),
    Case(
        "the only server is drained",
        proxy("pg-test-primary", {**LEAD, "pg-test-1": "DRAIN"}),
        [fires("PgsvcServiceWithoutServer", proxy="pg-test-primary")],
    ),
    Case(
        "the only server has weight 0, and is UP",
        proxy("pg-test-primary", LEAD),
        [fires("PgsvcServiceWithoutServer", proxy="pg-test-primary")],
    ),
    Case(
        "no primary for the time of a switchover",
        {series("haproxy_backend_active_servers", proxy="pg-test-primary"): "1 0x2 1x40"},
    ),
    Case(
        "two primaries",
        {
            **proxy("pg-test-primary", {**LEAD, "pg-test-2": "UP"}, active=2),
            **proxy("pg-live-check-primary", {**LEAD, "pg-test-2": "UP"}, active=2, frontend=False),
        },
        [fires("PgsvcTwoPrimaries", proxy="pg-test-primary")],
    ),
    Case(
        "two primaries for the time of a switchover",
        {series("haproxy_server_status", proxy="pg-test-primary", server="pg-test-2", state="UP"): "0 1x1 0x40"},
    ),
    Case(
        "all replicas are down",
        {
            **replicas_down("pg-test-replica", {}),
            **replicas_down("pg-live-replica", LEADING),
        },
        [
            fires("PgsvcServiceOnBackups", proxy="pg-test-replica"),
            fires("PgsvcServiceOnBackups", proxy="pg-live-replica"),
        ],
    ),
    Case(
        "all replicas lag, and serve as backups",
        proxy(
            "pg-live-replica",
            {
                **dict.fromkeys(FOLLOW, "DOWN"),
                **LEADING,
                "pg-test-1-lagging": "DOWN",
                "pg-test-2-lagging": "UP",
                "pg-test-3-lagging": "UP",
            },
            backup=3,
            tracks=True,
        ),
        [fires("PgsvcServiceOnBackups", proxy="pg-live-replica")],
    ),
    Case("one replica is down", proxy("pg-test-replica", {**LEAD, "pg-test-2": "UP"}, active=1, backup=1)),
    Case(
        "a service has nearly all of its sessions",
        {series("haproxy_frontend_current_sessions", proxy="pg-test-primary"): "95"},
        [fires("PgsvcServiceNearMaxconn", proxy="pg-test-primary")],
    ),
    Case(
        "a service has many sessions, and the statistics page all of its own",
        {
            series("haproxy_frontend_current_sessions", proxy="pg-test-primary"): "90",
            series("haproxy_frontend_current_sessions", proxy="stats"): "100",
        },
    ),
    Case(
        "a server has nearly all of its sessions, another one has no limit",
        {
            series("haproxy_server_current_sessions", proxy="pg-test-primary", server="pg-test-1"): "29",
            series("haproxy_server_current_sessions", proxy="pg-test-default", server="pg-test-1"): "2900",
            series("haproxy_server_limit_sessions", proxy="pg-test-default", server="pg-test-1"): "0",
        },
        [fires("PgsvcServerNearMaxconn", proxy="pg-test-primary", server="pg-test-1")],
    ),
    Case(
        "a server has many sessions",
        {series("haproxy_server_current_sessions", proxy="pg-test-primary", server="pg-test-1"): "27"},
    ),
    Case(
        "connections wait for a server, and for any server",
        {
            series("haproxy_server_current_queue", proxy="pg-test-primary", server="pg-test-1"): "7",
            series("haproxy_backend_current_queue", proxy="pg-live-replica"): "1",
        },
        [
            fires("PgsvcConnectionsQueued", proxy="pg-test-primary"),
            fires("PgsvcConnectionsQueued", proxy="pg-live-replica"),
        ],
    ),
    Case(
        "connections wait for a moment",
        {series("haproxy_server_current_queue", proxy="pg-test-primary", server="pg-test-1"): "0 7x2 0x40"},
    ),
    Case(
        "a member goes down again and again",
        {
            series(
                "haproxy_server_check_up_down_total", proxy="pg-test-primary", server="pg-test-1"
            ): "1x10 2x10 3x10 4x30",
            series(
                "haproxy_server_check_up_down_total", proxy="pg-test-default", server="pg-test-1"
            ): "1x10 2x10 3x10 4x30",
            series("haproxy_server_check_up_down_total", proxy="pg-live-check-replica", server="pg-test-3"): "0x9 5x50",
        },
        [
            fires("PgsvcServerFlapping", server="pg-test-1"),
            fires("PgsvcServerFlapping", server="pg-test-3"),
        ],
    ),
    Case(
        "two switchovers, and a reload that counts from 0",
        {
            series(
                "haproxy_server_check_up_down_total", proxy="pg-test-primary", server="pg-test-1"
            ): "8x10 9x10 10x5 0x30",
        },
    ),
    Case(
        "a drain and a maintenance are forgotten",
        {
            **proxy("pg-test-replica", {**FOLLOW, "pg-test-1": "UP", "pg-test-2": "DRAIN"}, active=1, backup=1),
            **proxy("pg-live-check-replica", {**FOLLOW, "pg-test-3": "MAINT"}, active=1, frontend=False),
            **proxy(
                "pg-live-replica",
                {**FOLLOW, "pg-test-3": "MAINT", **LEADING, "pg-test-3-leading": "MAINT"},
                active=1,
                backup=1,
                tracks=True,
            ),
        },
        [fires("PgsvcMemberOut", server="pg-test-2"), fires("PgsvcMemberOut", server="pg-test-3")],
        at=485,
    ),
    Case(
        "a drain of seven hours",
        proxy("pg-test-replica", {**FOLLOW, "pg-test-1": "UP", "pg-test-2": "DRAIN"}, active=1, backup=1),
        at=420,
    ),
    Case(
        "the process has nearly all of its connections",
        {series("haproxy_process_current_connections"): "3700"},
        [fires("PgsvcProcessNearMaxconn")],
    ),
    Case("the process has many connections", {series("haproxy_process_current_connections"): "3600"}),
    Case(
        "HAProxy is reloaded again and again",
        {series("haproxy_process_start_time_seconds"): "10x9 20x9 30x9 40x9 50x9"},
        [fires("PgsvcFrequentReloads")],
        at=12,
    ),
    Case(
        "HAProxy is reloaded three times",
        {series("haproxy_process_start_time_seconds"): "10x9 20x9 30x9 40x30"},
        at=12,
    ),
]


def alerts() -> dict[str, dict[str, Any]]:
    """The rules by name."""
    groups = yaml.safe_load(RULES.read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len({rule["alert"] for rule in rules}) == len(rules)
    return {rule["alert"]: rule for rule in rules}


def samples(values: str, count: int) -> str:
    """A single value stands for all samples. promtool has no short form for NaN."""
    if "x" in values:
        return values
    return " ".join([values] * count) if values == "NaN" else f"{values}x{count}"


def for_promtool(case: Case) -> dict[str, Any]:
    """The case as promtool reads it."""
    count = case.at * 60 // case.interval
    severities = {name: rule["labels"] for name, rule in alerts().items()}
    expected = []
    for labels in case.fires:
        name = labels["alertname"]
        added = {key: str(value) for key, value in severities[name].items()}
        expected.append({"labels": series("ALERTS", **labels, **added, alertstate="firing"), "value": 1})
    return {
        "name": case.name,
        "interval": f"{case.interval}s",
        "input_series": [
            {"series": name, "values": samples(values, count)} for name, values in {**HEALTHY, **case.differs}.items()
        ],
        "promql_expr_test": [
            {
                "expr": f'last_over_time(ALERTS{{alertstate="firing"}}[{case.at}m])',
                "eval_time": f"{case.at}m",
                "exp_samples": expected,
            }
        ],
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_fires(case: Case, tmp_path: Path) -> None:
    path = tmp_path / "case.yml"
    path.write_text(
        yaml.safe_dump(
            {"rule_files": [str(RULES)], "evaluation_interval": f"{case.interval}s", "tests": [for_promtool(case)]}
        )
    )
    said = subprocess.run(["promtool", "test", "rules", str(path)], check=False, capture_output=True, text=True)
    assert said.returncode == 0, said.stdout + said.stderr


def test_each_alert_fires_in_some_case_and_is_described() -> None:
    assert {labels["alertname"] for case in CASES for labels in case.fires} == set(alerts())
    headings = re.findall(r"^### (Pgsvc\w+)$", PAGE.read_text(), re.MULTILINE)
    assert headings == list(alerts())
    for name, rule in alerts().items():
        assert set(rule["labels"]) == {"severity", "level", "category"}
        assert rule["labels"]["level"] == ["critical", "warning"].index(rule["labels"]["severity"])
        assert set(rule["annotations"]) == {"summary", "description", "action", "runbook_url"}
        assert rule["annotations"]["runbook_url"].endswith(f"docs/monitoring.md#{name.lower()}")

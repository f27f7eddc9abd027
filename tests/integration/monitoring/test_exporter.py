# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules on the metrics of real exporters, and in a real Prometheus."""

from __future__ import annotations

import contextlib
import http.client
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from ansible_collections.pgsvc.access.tests.conftest import ROOT
from ansible_collections.pgsvc.access.tests.integration.monitoring.prometheus import Prometheus
from ansible_collections.pgsvc.access.tests.integration.staying.site import Balancer
from ansible_collections.pgsvc.access.tests.support.haproxy import wait_until

RULES = ROOT / "files" / "prometheus" / "pgsvc.rules.yml"
FULL = pytest.mark.full
PIGSTY = {"cls": "pg-test", "ins": "pg-test-1", "ip": "10.10.10.11"}


def metrics(balancer: Balancer) -> dict[str, str]:
    """The series of the exporter with their values."""
    with contextlib.closing(http.client.HTTPConnection(balancer.address, 9101, timeout=10)) as connection:
        connection.request("GET", "/metrics")
        lines = connection.getresponse().read().decode().splitlines()
    return dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))


def test_every_release_exports_what_the_rules_use(balancer: Balancer) -> None:
    found = metrics(balancer)
    expressions = " ".join(re.findall(r"expr: >-\n(.*?)\n        (?:for|labels):", RULES.read_text(), re.DOTALL))
    used = set(re.findall(r"\bhaproxy_\w+", expressions))
    assert len(used) == 13
    assert used <= {name.partition("{")[0] for name in found}

    def status(proxy: str, server: str, state: str) -> str:
        return found[f'haproxy_server_status{{proxy="{proxy}",server="{server}",state="{state}"}}']

    check = next(name for name in re.findall(r'proxy="([^"]+)"', " ".join(found)) if "-check-replica" in name)
    assert status("pg-test-primary", "pg-test-1", "UP") == "1"
    assert status("pg-test-replica", "pg-test-1-leading", "UP") == "1"
    assert status("pg-test-replica", "pg-test-1", "DOWN") == "1"
    assert status(check, "pg-test-2", "UP") == "1"
    assert {status("pg-test-replica", "pg-test-2", state) for state in ("MAINT", "DRAIN")} == {"0"}
    # What tells a service from a check backend and from the page of statistics.
    assert f'haproxy_frontend_limit_sessions{{proxy="{check}"}}' not in found
    assert 'haproxy_frontend_limit_sessions{proxy="pg-test-replica"}' in found
    assert not [name for name in found if name.startswith('haproxy_server_status{proxy="stats"')]
    assert found['haproxy_backend_active_servers{proxy="pg-test-replica"}'] == "2"
    assert found['haproxy_backend_backup_servers{proxy="pg-test-replica"}'] == "1"

    started = float(found["haproxy_process_start_time_seconds"])
    wait_until(lambda: float(metrics(balancer)["haproxy_process_uptime_seconds"]) > 0)
    balancer.haproxy.reload()
    wait_until(lambda: float(metrics(balancer)["haproxy_process_start_time_seconds"]) > started)


@pytest.mark.parametrize(
    "haproxy_binary", ["2.6", *(pytest.param(each, marks=FULL) for each in ("3.0", "3.2"))], indirect=True
)
def test_prometheus_reports_a_primary_that_is_gone_and_two_of_them(
    balancer: Balancer, new_address: Callable[[], str], tmp_path: Path
) -> None:
    proxies = ("pg-test-primary", "pg-test-default")
    rules = yaml.safe_load(RULES.read_text())
    with Prometheus(tmp_path / "prometheus", new_address(), balancer.address, PIGSTY, rules) as prometheus:
        assert prometheus.firing() == {}

        balancer.patroni.stop("pg-test-1")
        gone = {("PgsvcServiceWithoutServer", proxy) for proxy in proxies}
        fired = wait_until(lambda: prometheus.firing() if gone <= set(prometheus.firing()) else {}, timeout=30)
        assert set(fired) == gone
        alert = fired["PgsvcServiceWithoutServer", "pg-test-primary"]
        labels = {**PIGSTY, "job": "node", "instance": f"{balancer.address}:9101", "proxy": "pg-test-primary"}
        assert labels.items() <= alert["labels"].items()
        assert alert["labels"]["severity"] == "critical"
        assert alert["annotations"]["summary"] == f"Service pg-test-primary has no server on {balancer.address}:9101"

        balancer.patroni.role(**{"pg-test-2": "primary"})
        wait_until(lambda: not prometheus.firing(), timeout=30)

        balancer.patroni.start("pg-test-1")  # still as the primary
        both = {("PgsvcTwoPrimaries", proxy) for proxy in proxies}
        fired = wait_until(lambda: prometheus.firing() if both <= set(prometheus.firing()) else {}, timeout=30)
        assert fired["PgsvcTwoPrimaries", "pg-test-default"]["annotations"]["summary"] == (
            f"Service pg-test-default has 2 servers on {balancer.address}:9101"
        )

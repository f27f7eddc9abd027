# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``bin/pgsql-svc CLUSTER --status`` beside real HAProxies and a stand-in for Patroni."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from ansible_collections.pgsvc.access.tests.integration.playbook.fleet import Fleet
from ansible_collections.pgsvc.access.tests.support import binaries
from ansible_collections.pgsvc.access.tests.support.fixtures import private_address
from ansible_collections.pgsvc.access.tests.support.haproxy import HAProxy, wait_until
from ansible_collections.pgsvc.access.tests.support.patroni import Patroni

QUICK = "inter 100ms fastinter 50ms downinter 100ms rise 1 fall 1 on-marked-down shutdown-sessions weight 100"
SERVICES = [
    {"name": "primary", "port": 5433, "check": "/primary", "selector": "[]", "options": QUICK},
    {
        "name": "replica",
        "port": 5434,
        "check": "/read-only",
        "selector": "[]",
        "backup": "[? pg_role == `primary`]",
        "options": QUICK,
    },
]
P1, P2 = "pg-test-1", "pg-test-2"


class Site:
    """A cluster of two members that are their own load balancers."""

    def __init__(self, fleet: Fleet, patroni: Patroni, hosts: list[str], stack: ExitStack) -> None:
        self.fleet = fleet
        self.patroni = patroni
        self.hosts = hosts
        for seq, (host, role) in enumerate(zip(hosts, ("primary", "replica"), strict=True), 1):
            patroni.add(f"pg-test-{seq}", host, role)
        fleet.groups.clear()
        # What listens on a member's own address cannot listen on the load balancer's as well, which is another one.
        fleet.cluster("pg-test", hosts, pg_default_services=SERVICES)
        for variables in fleet.groups["pg-test"]["hosts"].values():
            variables["pg_service_ip"] = private_address()
        fleet.save()
        self.haproxies: list[HAProxy] = []
        for host in hosts:
            haproxy = fleet.run_haproxy(host, binaries.binary(binaries.VERSIONS[0]))
            stack.callback(haproxy.stop)
            self.haproxies.append(haproxy)

    def publish(self) -> None:
        self.fleet.publish("pg-test")
        wait_until(lambda: all(self.primary_statuses(n) == {P1: "UP", P2: "DOWN"} for n in (0, 1)), timeout=20)

    def primary_statuses(self, number: int) -> dict[str, str]:
        """Of the servers of service primary on one load balancer."""
        return self.haproxies[number].statuses("pg-test-primary")

    def status(self, *words: str) -> tuple[int, str, str]:
        """Exit code, stdout and stderr."""
        command = [str(self.fleet.checkout / "bin" / "pgsql-svc"), "-i", str(self.fleet.inventory), *words]
        done = subprocess.run(command, cwd=self.fleet.folder, capture_output=True, text=True, check=False)
        assert "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
        return done.returncode, done.stdout, done.stderr

    def report(self, *words: str) -> tuple[int, dict[str, Any]]:
        code, output, _errors = self.status(*words, "--status", "--format", "json")
        (cluster,) = json.loads(output)["clusters"]
        return code, cluster


def codes(cluster: dict[str, Any]) -> list[str]:
    return [finding["code"] for finding in cluster["findings"]]


@pytest.fixture
def site(fleet: Fleet) -> Iterator[Site]:
    with ExitStack() as stack:
        patroni = stack.enter_context(Patroni())
        yield Site(fleet, patroni, [private_address(), private_address()], stack)


def test_from_well_to_critical(site: Site) -> None:
    site.publish()

    code, cluster = site.report("pg-test")

    assert (code, cluster["health"], cluster["findings"]) == (0, "ok", [])
    assert [(member["name"], member["role"], member["lag"]) for member in cluster["members"]] == [
        (P1, "leader", 0),
        (P2, "replica", 0),
    ]
    serves = {
        service["service"]: [(each["load_balancer"], each["serves"]) for each in service["load_balancers"]]
        for service in cluster["services"]
    }
    assert serves == {
        "primary": [(host, [P1]) for host in site.hosts],
        "replica": [(host, [P2]) for host in site.hosts],
    }

    code, table, errors = site.status("all", "--status")

    assert (code, errors) == (0, "")
    assert table.startswith("pg-test  OK\n")
    assert f"\n* {P1}  {site.hosts[0]}" in table
    assert "\n  primary  5433  all 2           pg-test-1  0         0      pg-test-2 DOWN\n" in table
    assert "\033" not in table

    # What a finding says to do is what helps.
    assert site.fleet.pgsql_svc("pg-test", "--maint", P2).code == 0
    code, cluster = site.report("pg-test")
    assert (code, codes(cluster)) == (1, ["service_on_backups", "member_in_maintenance"])
    assert cluster["findings"][1]["fix"] == f"when the work is done: pgsql-svc pg-test --ready {P2}"
    assert site.fleet.pgsql_svc("pg-test", "--ready", P2).code == 0
    assert site.report("pg-test")[0] == 0

    # One load balancer cannot be reached: a finding, and the other one is shown.
    site.fleet.groups["pg-test"]["hosts"][site.hosts[1]].update(
        ansible_connection="ssh", ansible_port=1, ansible_host=site.hosts[1]
    )
    site.fleet.save()
    code, cluster = site.report("pg-test")
    assert (code, cluster["health"], codes(cluster)) == (1, "warning", ["load_balancer_unreachable"])
    assert [each["load_balancer"] for each in cluster["services"][0]["load_balancers"]] == [site.hosts[0]]

    # The primary is gone, and nobody has taken over.
    site.patroni.role(**{P1: "stopped"})
    wait_until(lambda: site.primary_statuses(0) == {P1: "DOWN", P2: "DOWN"}, timeout=20)
    code, cluster = site.report("pg-test")
    assert (code, cluster["health"]) == (2, "critical")
    assert codes(cluster)[0] == "service_without_server"


def test_could_not_look(site: Site) -> None:
    for host in site.hosts:
        site.fleet.groups["pg-test"]["hosts"][host].update(ansible_connection="ssh", ansible_port=1, ansible_host=host)
    site.fleet.save()

    code, cluster = site.report("pg-test")

    assert (code, cluster["health"]) == (3, "unknown")
    assert set(codes(cluster)) == {"load_balancer_unreachable"}

    code, output, errors = site.status("pg-tset", "--status", "--format", "json")

    assert (code, output) == (3, "")
    assert "'pg-tset' is not a cluster of the inventory, did you mean 'pg-test'?" in errors


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--status"], "pgsql-svc: --status requires one cluster, or 'all'"),
        (
            ["pg-test", "--status", "--format", "xml"],
            "pgsql-svc: 'xml' is not a format of --status; allowed: table, json",
        ),
        (["pg-test", "--status", "--watch", "0"], "pgsql-svc: '0' is not a number of seconds"),
        (
            ["pg-test", "--status", "--check"],
            "pgsql-svc: unknown option '--check' of --status; options of ansible-playbook go after --",
        ),
    ],
)
def test_refuses_words_it_does_not_know(fleet: Fleet, words: list[str], message: str) -> None:
    refused = fleet.pgsql_svc(*words)

    assert (refused.code, refused.last) == (3, message)


def test_watches_until_it_is_interrupted(site: Site) -> None:
    site.publish()
    command = [str(site.fleet.checkout / "bin" / "pgsql-svc"), "-i", str(site.fleet.inventory), "pg-test"]
    with subprocess.Popen([*command, "--status", "--watch", "1"], stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        seen = 0
        while seen < 2:
            seen += watching.stdout.readline().startswith("pg-test  OK")
        watching.terminate()
        watching.stdout.read()

    assert watching.returncode == 0


def test_the_playbook_prints_the_same(site: Site) -> None:
    site.publish()

    shown = site.fleet.playbook(playbook="pgsvc.access.status")

    assert shown.code == 0
    assert "pg-test  OK" in shown.text
    assert shown.changed == dict.fromkeys(shown.changed, 0)


def test_asks_load_balancers_outside_the_play_by_way_of_the_members(fleet: Fleet, proxies: list[str]) -> None:
    fleet.publish("pg-meta")
    path = fleet.folder / "report.json"

    done = fleet.playbook("-l", "pg-meta", "-e", f"pg_service_status_path={path}", playbook="pgsvc.access.status")

    assert done.code == 0
    (cluster,) = json.loads(path.read_text())["clusters"]
    assert (cluster["cluster"], cluster["health"]) == ("pg-meta", "critical")
    assert [finding["text"] for finding in cluster["findings"] if finding["code"] == "haproxy_not_running"] == [
        f"HAProxy is not running on {', '.join(proxies)}, so no service accepts connections there"
    ]
    assert "not_published" not in codes(cluster)

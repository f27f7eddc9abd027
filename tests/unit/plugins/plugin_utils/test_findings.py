# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a status finds wrong, as a table: one change to a cluster that is well, and the findings of it."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.pgsvc.access.plugins.plugin_utils._input.inventory import Inventory
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import Report
from ansible_collections.pgsvc.access.plugins.plugin_utils._plan.planner import Planner
from ansible_collections.pgsvc.access.plugins.plugin_utils._report import findings
from ansible_collections.pgsvc.access.plugins.plugin_utils._report.status import exit_code, status
from ansible_collections.pgsvc.access.plugins.plugin_utils._report.status_view import (
    Answer,
    Planned,
    VirtualAddress,
)
from ansible_collections.pgsvc.access.tests.conftest import ROOT

P1, P2, P3 = "pg-test-1", "pg-test-2", "pg-test-3"
LB1, LB2, LB3 = "10.10.10.11", "10.10.10.12", "10.10.10.13"
HOSTS = (LB1, LB2, LB3)
LEADS = {"role": "leader", "state": "running", "timeline": 3}
FOLLOWS = {"role": "replica", "state": "streaming", "timeline": 3, "lag": 0}


class Case:
    """A cluster of three that is well, and what a test makes of it."""

    def __init__(self, **variables: Any) -> None:
        shared = {"pg_cluster": "pg-test", **variables}
        self.hosts: dict[str, dict[str, Any]] = {
            host: {**shared, "pg_seq": seq, "pg_role": role}
            for seq, (host, role) in enumerate(zip(HOSTS, ("primary", "replica", "offline"), strict=True), 1)
        }
        self.members = {P1: dict(LEADS), P2: dict(FOLLOWS), P3: dict(FOLLOWS)}
        self.patroni: dict[str, Any] = {"pause": False}
        self.facts: dict[str, dict[str, Any]] = {}
        self.errors: dict[str, Answer] = {}
        self.planned: list[Planned] = []
        self.addresses: list[VirtualAddress] = []
        self.plan()

    def plan(self) -> None:
        report = Report()
        inventory = Inventory(self.hosts, {"all": list(self.hosts)}, report)
        planner = Planner(inventory, report, inventory.hosts)
        plan = planner.plan(())
        report.raise_problems()
        self.clusters = {"pg-test": planner.cluster("pg-test").members}
        self.planned = []
        for host, publication in plan.publications.items():
            digests = {service.name: f"digest of {service.name}" for service in publication.services}
            self.planned.append(Planned(host, publication.services, {"pg-test": digests}))
            self.facts[host] = {
                "running": True,
                "addresses": [host],
                "process": {"pid": 1, "version": "2.6.12", "uptime": 86400, "failed_reloads": 0},
                "files": dict(digests),
                "removed": [],
                "old_workers": [],
                "services": [_service(service) for service in publication.services],
                "patroni": {},
            }

    def server(self, host: str, service: str, name: str) -> dict[str, Any]:
        found: dict[str, Any]
        (found,) = [each for each in self.service(host, service)["servers"] if each["name"] == name]
        return found

    def service(self, host: str, name: str) -> dict[str, Any]:
        found: dict[str, Any]
        (found,) = [each for each in self.facts[host]["services"] if each["name"] == f"pg-test-{name}"]
        return found

    def up(self, service: str, *names: str, hosts: tuple[str, ...] = HOSTS) -> None:
        """Exactly these servers of a service are up."""
        for host in hosts:
            for server in self.service(host, service)["servers"]:
                is_up = server["name"] in names
                server.update(usable=is_up, status="UP" if is_up else "DOWN")

    def failover(self, new: str) -> None:
        """The roles of the moment, and the checks that follow them."""
        others = [name for name in self.members if name != new]
        self.members.update({name: dict(FOLLOWS) for name in others} | {new: dict(LEADS)})
        for service in ("primary", "default"):
            self.up(service, new)
        self.up("offline", *others)

    def answers(self) -> dict[str, Answer]:
        members = [{"name": name, **said} for name, said in self.members.items()]
        for facts in self.facts.values():
            facts["patroni"] = {"pg-test": {"members": members, **self.patroni}}
        return {host: Answer(facts) for host, facts in self.facts.items()} | self.errors

    def report(self) -> dict[str, Any]:
        return status(self.clusters, self.planned, self.answers(), {"pg-test": self.addresses})


def _service(planned: Any) -> dict[str, Any]:
    """As it runs while pg-test-1 leads."""
    passes = {"/primary": {P1}, "/read-only": {P1, P2, P3}, "/replica": {P2, P3}}[planned.check]
    return {
        "name": planned.name,
        "cluster": "pg-test",
        "is_service": True,
        "is_running": True,
        "all_backups": False,
        "file": "applied",
        "differences": [],
        "sessions": 5,
        "max_sessions": 5000,
        "queue": 0,
        "servers": [
            {
                "name": server.name,
                "member": server.name.replace("-leading", ""),
                "status": "UP" if server.name in passes else "DOWN",
                "usable": server.name in passes,
                "backup": server.backup,
                "weight": 100,
                "sessions": 1,
                "queue": 0,
                "max_sessions": 3000,
                "check": "L7OK 200",
                "verified": True,
                "admin": "",
                "since": 4000,
                "times_down": 0,
            }
            for server in planned.servers
        ],
    }


def vip(case: Case, *holders: str, is_shared: bool = False) -> None:
    case.addresses.append(VirtualAddress("10.10.10.3", is_shared))
    for host in holders:
        case.facts[host]["addresses"].append("10.10.10.3")


def vip_on_the_leader(case: Case) -> None:
    vip(case, LB1)


def vip_missing(case: Case) -> None:
    vip(case)


def vip_missing_perhaps(case: Case) -> None:
    vip(case)
    vip(case, is_shared=True)
    case.facts[LB2]["addresses"] = None


def vip_elsewhere(case: Case) -> None:
    vip(case, LB2)


def vip_duplicate(case: Case) -> None:
    vip(case, LB1, LB3, is_shared=True)


def shared_vip_anywhere(case: Case) -> None:
    vip(case, LB2, is_shared=True)


def shared_vip_missing(case: Case) -> None:
    vip(case, is_shared=True)


def unreachable(case: Case) -> None:
    case.errors[LB2] = Answer(None, "ssh: connect to host\nrefused", is_reachable=False)


def failed(case: Case) -> None:
    case.errors[LB2] = Answer(None, "no python")


def stopped(case: Case) -> None:
    case.facts[LB2]["running"] = False
    for service in case.facts[LB2]["services"]:
        service.update(is_running=False, file="not_running", servers=[])


def service_not_running(case: Case) -> None:
    case.service(LB1, "primary").update(is_running=False, file="not_applied", servers=[])


def no_server(case: Case) -> None:
    case.up("primary", hosts=(LB1, LB2))


def no_leader(case: Case) -> None:
    case.members[P1] = {**FOLLOWS}
    case.up("primary")
    case.up("default")


def two_primaries(case: Case) -> None:
    case.up("primary", P1, P2)


def wrong_member(case: Case) -> None:
    case.up("primary", P2)
    case.up("default", P2)


def disagree(case: Case) -> None:
    case.up("replica", P2, P1)
    case.up("replica", P1, hosts=(LB3,))


def drifted(case: Case) -> None:
    case.failover(P2)


def drain(case: Case) -> None:
    for host, since in zip(HOSTS, (60, 3900, 20), strict=True):
        case.server(host, "replica", P2).update(admin="drain", usable=False, status="DRAIN", since=since)


def maintenance(case: Case) -> None:
    for host in HOSTS:
        case.server(host, "offline", P2).update(admin="maint", usable=False, status="MAINT", since=200_000)


def not_published(case: Case) -> None:
    case.facts[LB1]["files"]["pg-test-primary"] = "another"
    case.facts[LB1]["files"]["of-another-cluster"] = "another"
    case.facts[LB1]["services"].append({**case.service(LB1, "primary"), "name": "other-x", "cluster": "other"})


def not_applied(case: Case) -> None:
    case.service(LB1, "replica").update(file="not_applied")


def servers_differ(case: Case) -> None:
    words = ["server pg-test-2 has weight 7, the file says 100"]
    case.service(LB1, "replica").update(file="different", differences=words)


def removed(case: Case) -> None:
    case.facts[LB3]["removed"] = ["pg-test-old", "other-old"]


def reload_failed(case: Case) -> None:
    case.facts[LB3]["process"]["failed_reloads"] = 2


def old_worker(case: Case) -> None:
    held = [
        {"service": "pg-test-primary", "server": P2, "member": P2, "sessions": 4},
        {"service": "pg-test-primary", "server": P1, "member": P1, "sessions": 9},
        {"service": "pg-test-replica", "server": P2, "member": P2, "sessions": 9},
    ]
    case.facts[LB1]["old_workers"] = [{"pid": 77, "uptime": 9, "sessions": 22, "servers": held}]


def unverified(case: Case) -> None:
    case.server(LB1, "replica", P2)["verified"] = False
    case.server(LB1, "offline", P3)["verified"] = False


def flapping(case: Case) -> None:
    case.server(LB1, "replica", P2).update(times_down=150, since=20)
    case.server(LB2, "replica", P2).update(times_down=150, since=2000)  # it has stopped
    case.server(LB3, "replica", P2).update(times_down=3, since=20)  # in a day


def near_maxconn(case: Case) -> None:
    case.service(LB1, "primary").update(sessions=4500)
    case.server(LB2, "replica", P2).update(sessions=2700)
    case.service(LB3, "replica").update(sessions=4499)


def queued(case: Case) -> None:
    case.service(LB1, "primary").update(queue=2)
    case.server(LB1, "primary", P1).update(queue=3)


def patroni_unreachable(case: Case) -> None:
    case.patroni = {"error": f"{LB1}:8008: timed out"}


def paused(case: Case) -> None:
    case.patroni["pause"] = True


def member_missing(case: Case) -> None:
    del case.members[P3]
    case.members["elsewhere"] = dict(FOLLOWS)


def member_not_running(case: Case) -> None:
    case.members[P2]["state"] = "start failed"


def lagging(case: Case) -> None:
    case.members[P2]["lag"] = 20 * 2**20
    case.members[P3]["lag"] = "unknown"


def noloadbalance(case: Case) -> None:
    case.members[P2]["tags"] = {"noloadbalance": True}


Expected = list[tuple[str, str, str]]
CASES: list[tuple[Callable[[Case], None], Expected]] = [
    (lambda _case: None, []),
    (
        unreachable,
        [
            (
                "warning",
                "load_balancer_unreachable",
                f"load balancer {LB2} cannot be reached: ssh: connect to host refused",
            )
        ],
    ),
    (failed, [("warning", "load_balancer_failed", f"load balancer {LB2} could not be asked: no python")]),
    (
        stopped,
        [
            (
                "critical",
                "haproxy_not_running",
                f"HAProxy is not running on {LB2}, so no service accepts connections there",
            )
        ],
    ),
    (
        service_not_running,
        [
            ("critical", "service_not_running", f"HAProxy does not run service primary (port 5433) on {LB1}"),
            ("warning", "files_not_applied", f"files are written and not applied on {LB1}: pg-test-primary"),
        ],
    ),
    (
        no_server,
        [
            ("critical", "service_without_server", f"service primary (port 5433) has no server on {LB1}, {LB2}"),
            (
                "warning",
                "load_balancers_disagree",
                "load balancers use different members for service primary (port 5433): "
                f"{LB1}, {LB2}: none; {LB3}: pg-test-1",
            ),
        ],
    ),
    (
        no_leader,
        [
            (
                "critical",
                "service_without_server",
                f"service primary (port 5433) has no server on {LB1}, {LB2}, {LB3}, and Patroni names no leader",
            ),
            (
                "critical",
                "service_without_server",
                f"service default (port 5436) has no server on {LB1}, {LB2}, {LB3}, and Patroni names no leader",
            ),
            ("warning", "no_leader", "Patroni names no leader"),
        ],
    ),
    (
        two_primaries,
        [
            (
                "critical",
                "two_primaries",
                f"service primary (port 5433) sends new connections to pg-test-1 and pg-test-2 on {LB1}, {LB2}, {LB3}, "
                "and only one of them can be the primary",
            )
        ],
    ),
    (
        wrong_member,
        [
            (
                "critical",
                "writes_to_wrong_member",
                f"service {service} sends new connections to pg-test-2 on {LB1}, {LB2}, {LB3}, but Patroni's leader is "
                "pg-test-1",
            )
            for service in ("primary (port 5433)", "default (port 5436)")
        ],
    ),
    (
        disagree,
        [
            (
                "warning",
                "load_balancers_disagree",
                "load balancers use different members for service replica (port 5434): "
                f"{LB1}, {LB2}: pg-test-2; {LB3}: pg-test-1",
            ),
            (
                "warning",
                "service_on_backups",
                f"service replica (port 5434) is served by its backups on {LB3}: pg-test-1",
            ),
        ],
    ),
    (
        drifted,
        [
            (
                "warning",
                "roles_drifted",
                "the inventory declares pg-test-1 as primary, and Patroni's leader is pg-test-2: the selectors of "
                "replica and offline see the declared roles",
            )
        ],
    ),
    (
        drain,
        [
            (
                "warning",
                "service_on_backups",
                f"service replica (port 5434) is served by its backups on {LB1}, {LB2}, {LB3}: pg-test-1",
            ),
            (
                "warning",
                "member_in_drain",
                f"pg-test-2 is in drain on {LB1}, {LB2}, {LB3}; its status last changed 1 h 5 min ago",
            ),
        ],
    ),
    (
        maintenance,
        [
            (
                "warning",
                "member_in_maintenance",
                f"pg-test-2 has been in maintenance on {LB1}, {LB2}, {LB3} for 2 d 7 h",
            )
        ],
    ),
    (not_published, [("warning", "not_published", f"files on {LB1} are not those of the inventory: pg-test-primary")]),
    (not_applied, [("warning", "files_not_applied", f"files are written and not applied on {LB1}: pg-test-replica")]),
    (
        servers_differ,
        [
            (
                "warning",
                "servers_differ",
                f"HAProxy runs other servers than its files say on {LB1}: pg-test-replica (server pg-test-2 has weight "
                "7, the file says 100)",
            )
        ],
    ),
    (
        removed,
        [
            (
                "warning",
                "removed_service_runs",
                f"HAProxy on {LB3} still runs services whose files are gone: pg-test-old",
            )
        ],
    ),
    (
        reload_failed,
        [
            (
                "warning",
                "reload_failed",
                f"the last reload of HAProxy failed on {LB3}; it goes on with the configuration of before",
            )
        ],
    ),
    (
        old_worker,
        [
            (
                "warning",
                "old_worker_sessions",
                f"an old HAProxy worker on {LB1} (pid 77) holds 4 sessions of service primary (port 5433) on pg-test-2"
                ", which is not the primary any more",
            )
        ],
    ),
    (
        unverified,
        [
            (
                "warning",
                "server_unverified",
                f"{member} takes connections on {LB1}, and no health check of it has ended yet",
            )
            for member in (P2, P3)
        ],
    ),
    (flapping, [("warning", "server_flapping", f"pg-test-2 goes up and down again and again on {LB1}")]),
    (
        near_maxconn,
        [
            ("warning", "near_maxconn", f"service primary (port 5433) has 4500 of 5000 sessions on {LB1}"),
            (
                "warning",
                "near_maxconn",
                f"server pg-test-2 of service replica (port 5434) has 2700 of 3000 sessions on {LB2}",
            ),
        ],
    ),
    (
        queued,
        [
            (
                "warning",
                "connections_queued",
                f"5 connections of service primary (port 5433) waiting for a server on {LB1}",
            )
        ],
    ),
    (
        patroni_unreachable,
        [("warning", "patroni_unreachable", f"Patroni could not be asked for the members: {LB1}:8008: timed out")],
    ),
    (paused, [("warning", "patroni_paused", "Patroni is paused: there is no automatic failover")]),
    (
        member_missing,
        [
            ("warning", "member_missing", "pg-test-3 is in the inventory, and Patroni does not know it"),
            ("warning", "member_unknown", "Patroni knows members that are not in the inventory: elsewhere"),
        ],
    ),
    (
        member_not_running,
        [("warning", "member_not_running", "PostgreSQL of pg-test-2 is not running: Patroni says start failed")],
    ),
    (
        lagging,
        [
            ("warning", "replica_lagging", "pg-test-2 lags by 20 MB"),
            ("warning", "replica_lagging", "pg-test-3 lags by an unknown amount"),
        ],
    ),
    (vip_on_the_leader, []),
    (shared_vip_anywhere, []),
    (vip_missing_perhaps, []),
    (
        vip_missing,
        [
            (
                "critical",
                "vip_missing",
                "virtual address 10.10.10.3 is on no load balancer, so its clients cannot connect",
            )
        ],
    ),
    (
        shared_vip_missing,
        [
            (
                "critical",
                "vip_missing",
                "virtual address 10.10.10.3 is on no load balancer, so its clients cannot connect",
            )
        ],
    ),
    (
        vip_duplicate,
        [("critical", "vip_duplicate", f"virtual address 10.10.10.3 is on {LB1} and {LB3} at once")],
    ),
    (
        vip_elsewhere,
        [("warning", "vip_elsewhere", f"virtual address 10.10.10.3 is on {LB2}, and Patroni's leader is on {LB1}")],
    ),
    (
        noloadbalance,
        [
            (
                "warning",
                "replica_noloadbalance",
                "pg-test-2 has the tag noloadbalance, so it does not pass /replica and takes no reads",
            )
        ],
    ),
]


@pytest.mark.parametrize(("change", "expected"), CASES, ids=lambda each: getattr(each, "__name__", ""))
def test_findings(change: Callable[[Case], None], expected: Expected) -> None:
    case = Case()
    change(case)

    report = case.report()

    (cluster,) = report["clusters"]
    assert [(each["severity"], each["code"], each["text"]) for each in cluster["findings"]] == expected
    severities = {severity for severity, _code, _text in expected}
    health = "critical" if "critical" in severities else "warning" if severities else "ok"
    assert cluster["health"] == health
    assert exit_code(report) == {"ok": 0, "warning": 1, "critical": 2}[health]
    assert all(each["fix"] for each in cluster["findings"])


def test_every_code_is_tested_and_documented() -> None:
    source = (ROOT / "plugins/plugin_utils/_report/findings.py").read_text()
    page = (ROOT / "docs/status.md").read_text().partition("## Findings")[2].partition("\n## ")[0]
    tested = {code for _change, expected in CASES for _severity, code, _text in expected}
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == tested
    assert all(f'"{code}"' in source for code in tested)
    assert len(set(re.findall(r'(?:WARNING|CRITICAL),\s+"(\w+)"', source)) - tested) == 0


def test_live_roles_do_not_drift() -> None:
    case = Case(pg_service_roles="live")
    case.members.update({P1: dict(FOLLOWS), P2: dict(LEADS)})
    for service in ("primary", "default"):
        case.up(service, P2)
    case.up("replica", P1, f"{P2}-leading")

    (cluster,) = case.report()["clusters"]

    assert [each["code"] for each in cluster["findings"]] == []
    (replica,) = [each for each in cluster["services"] if each["service"] == "replica"]
    assert replica["load_balancers"][0]["serves"] == [P1]


def test_a_standby_cluster_needs_no_primary() -> None:
    case = Case()
    case.members[P1]["role"] = "standby_leader"
    case.up("primary")
    case.up("default")

    (cluster,) = case.report()["clusters"]

    assert cluster["findings"] == []


def test_a_cluster_none_of_whose_load_balancers_answers() -> None:
    case = Case()
    case.errors = {host: Answer(None, "refused", is_reachable=False) for host in HOSTS}

    report = case.report()

    assert report["clusters"][0]["health"] == "unknown"
    assert exit_code(report) == 3


def test_members_are_matched_by_the_address_of_their_api() -> None:
    case = Case()
    case.members = {
        f"node-{seq}": {**said, "api_url": f"http://{host}:8008/patroni"}
        for seq, (host, said) in enumerate(zip(HOSTS, (LEADS, FOLLOWS, FOLLOWS), strict=True))
    }

    (cluster,) = case.report()["clusters"]

    assert cluster["findings"] == []
    assert [member["role"] for member in cluster["members"]] == ["leader", "replica", "replica"]


def test_the_fields_of_the_report() -> None:
    (cluster,) = copy.deepcopy(Case().report())["clusters"]

    assert cluster["members"][1] == {
        "name": P2,
        "address": LB2,
        "declared_role": "replica",
        "role": "replica",
        "state": "streaming",
        "timeline": 3,
        "lag": 0,
        "tags": {},
    }
    service = cluster["services"][0]
    assert (service["service"], service["port"]) == ("primary", 5433)
    place = service["load_balancers"][0]
    assert {**place, "servers": place["servers"][:1]} == {
        "load_balancer": LB1,
        "serves": [P1],
        "sessions": 5,
        "queue": 0,
        "servers": [
            {
                "name": P1,
                "member": P1,
                "status": "UP",
                "backup": False,
                "weight": 100,
                "sessions": 1,
                "check": "L7OK 200",
                "admin": "",
                "since": 4000,
            }
        ],
    }


@pytest.mark.parametrize(
    ("usable", "backups", "all_backups", "serves"),
    [
        ((P1, P2, P3), (P1,), False, [P2, P3]),
        ((P1, P3), (P1, P3), False, [P1]),
        ((P1, P3), (P1, P3), True, [P1, P3]),
        ((), (P1,), False, []),
    ],
)
def test_who_takes_new_connections(
    usable: tuple[str, ...], backups: tuple[str, ...], all_backups: bool, serves: list[str]
) -> None:
    case = Case(pg_default_services=[{"name": "reader", "port": 5440, "check": "/read-only", "selector": "[]"}])
    for host in HOSTS:
        service = case.service(host, "reader")
        service["all_backups"] = all_backups
        for server in service["servers"]:
            server.update(usable=server["name"] in usable, backup=server["name"] in backups)

    (cluster,) = case.report()["clusters"]

    assert cluster["services"][0]["load_balancers"][0]["serves"] == serves


def test_words_for_durations_and_sizes() -> None:
    assert [findings.duration(each) for each in (45, 600, 3900, 200_000)] == ["45 s", "10 min", "1 h 5 min", "2 d 7 h"]
    assert [findings.size(each) for each in (0, 2**24, 3 * 2**30, 5 * 2**40)] == ["0 B", "16 MB", "3 GB", "5 TB"]

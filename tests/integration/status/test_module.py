# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``pg_service_info`` beside a real HAProxy and a stand-in for Patroni."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.pgsvc.access.tests.integration.staying.site import CLUSTER, REST_TLS, Balancer
from ansible_collections.pgsvc.access.tests.support.certificates import self_signed
from ansible_collections.pgsvc.access.tests.support.haproxy import wait_until
from ansible_collections.pgsvc.access.tests.support.modules import Run
from ansible_collections.pgsvc.access.tests.support.traffic import Session

P1, P2, P3 = (f"{CLUSTER}-{seq}" for seq in (1, 2, 3))


def look(balancer: Balancer, *, check: bool = False, **more: Any) -> dict[str, Any]:
    """Run the module in a process of its own."""
    arguments = {
        "conf_dir": str(balancer.conf_dir),
        "state_dir": str(balancer.state_dir),
        "master_socket": str(balancer.haproxy.master_socket),
        "stats_socket": str(balancer.haproxy.stats_socket),
        "_ansible_check_mode": check,
        **more,
    }
    return Run("pg_service_info", arguments).result()


def service(facts: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [each for each in facts["services"] if each["name"] == f"{CLUSTER}-{name}"]
    return dict(found)


def servers(facts: dict[str, Any], name: str) -> dict[str, dict[str, Any]]:
    return {server["name"]: server for server in service(facts, name)["servers"]}


def usable(facts: dict[str, Any], name: str) -> set[str]:
    return {server["member"] for server in service(facts, name)["servers"] if server["usable"]}


def go_live(balancer: Balancer) -> None:
    site = balancer.site.copy()
    site.cluster.update(pg_service_roles="live")
    balancer.apply(site)
    balancer.settle()


def test_says_what_serves_and_that_the_files_are_applied(balancer: Balancer) -> None:
    before = balancer.snapshot()

    facts = look(balancer)

    assert (facts["changed"], facts["running"]) == (False, True)
    assert {each["file"] for each in facts["services"]} == {"applied"}
    assert usable(facts, "primary") == {P1}
    first = servers(facts, "primary")[P1]
    assert (first["status"], first["check"], first["verified"], first["admin"]) == ("UP", "L7OK 200", True, "")
    second = servers(facts, "primary")[P2]
    assert (second["status"], second["check"], second["usable"]) == ("DOWN", "L7STS 503", False)
    assert servers(facts, "replica")[P1]["backup"] is True
    assert facts["process"]["pid"] == balancer.haproxy.worker
    assert facts["old_workers"] == []
    assert balancer.snapshot() == before


def test_check_mode_says_the_same(any_balancer: Balancer) -> None:
    facts = look(any_balancer, check=True)

    assert usable(facts, "primary") == {P1}
    assert facts["changed"] is False


def test_follows_the_checks_that_live_services_track(balancer: Balancer) -> None:
    go_live(balancer)
    balancer.patroni.failover(P1, P2)
    wait_until(lambda: usable(look(balancer), "primary") == {P2}, timeout=20)

    facts = look(balancer)

    assert {each["is_service"] for each in facts["services"]} == {True}
    assert {each["file"] for each in facts["services"]} == {"applied"}
    leading = servers(facts, "replica")[f"{P2}-leading"]
    assert (leading["member"], leading["check"], leading["verified"]) == (P2, "L7OK 200", True)


def test_drain_and_maintenance(balancer: Balancer) -> None:
    balancer.haproxy.api.command(f"set server {CLUSTER}-replica/{P2} state drain")
    balancer.haproxy.api.command(f"set server {CLUSTER}-replica/{P3} state maint")

    facts = look(balancer)

    found = {name: (each["admin"], each["usable"]) for name, each in servers(facts, "replica").items()}
    assert (found[P2], found[P3]) == (("drain", False), ("maint", False))
    assert service(facts, "replica")["file"] == "applied"


def test_a_file_that_is_written_and_not_applied(any_balancer: Balancer) -> None:
    site = any_balancer.site.copy()
    site.services["replica"].update(maxconn=77)
    arguments = site.files()
    any_balancer.publish(arguments.pop("files"), **{**arguments, "apply": False})

    facts = look(any_balancer)

    assert service(facts, "replica")["file"] == "not_applied"
    assert service(facts, "primary")["file"] == "applied"


def test_servers_that_somebody_has_changed(balancer: Balancer) -> None:
    balancer.haproxy.api.command(f"set server {CLUSTER}-replica/{P2} weight 7")

    found = service(look(balancer), "replica")

    assert found["file"] == "different"
    assert found["differences"] == [f"server {P2} has weight 7, the file says 100"]


def test_sessions_of_old_workers(balancer: Balancer) -> None:
    with Session(balancer.endpoint("primary")):
        balancer.haproxy.reload()

        facts = look(balancer)

        (worker,) = facts["old_workers"]
        assert worker["servers"] == [
            {"service": f"{CLUSTER}-primary", "server": P1, "member": P1, "sessions": 1},
        ]


def test_without_haproxy(any_balancer: Balancer) -> None:
    any_balancer.haproxy.stop()

    facts = look(any_balancer)

    assert facts["running"] is False
    assert {each["file"] for each in facts["services"]} == {"not_running"}


def test_only_the_clusters_asked_for(any_balancer: Balancer) -> None:
    assert look(any_balancer, clusters=["other"])["services"] == []
    assert look(any_balancer, clusters=[CLUSTER])["services"] != []


def test_asks_patroni_of_the_first_member_that_answers(any_balancer: Balancer) -> None:
    any_balancer.patroni.stop(P1)
    any_balancer.patroni.role(**{P2: "primary"})
    any_balancer.patroni.lag(P3, 5)

    said = look(any_balancer, ask_patroni=[CLUSTER])["patroni"][CLUSTER]

    roles = {member["name"]: member["role"] for member in said["members"]}
    assert (roles[P2], roles[P3]) == ("leader", "replica")
    assert said["pause"] is False
    assert said["asked"].startswith(any_balancer.patroni.members[P2].address)


def test_asks_patroni_with_tls_as_the_checks_do(any_balancer: Balancer) -> None:
    site = any_balancer.site.copy()
    certificate = str(any_balancer.tls[0])
    site.cluster.update(patroni_ssl_enabled=True, patroni_ca_file=certificate, patroni_port=REST_TLS)
    any_balancer.apply(site)

    assert "members" in look(any_balancer, ask_patroni=[CLUSTER])["patroni"][CLUSTER]


def test_refuses_a_patroni_whose_certificate_the_checks_would_refuse(any_balancer: Balancer, tmp_path: Path) -> None:
    site = any_balancer.site.copy()
    (tmp_path / "other").mkdir()
    other, _key = self_signed(tmp_path / "other", "other", [any_balancer.address])
    site.cluster.update(patroni_ssl_enabled=True, patroni_ca_file=str(other), patroni_port=REST_TLS)
    arguments = site.files()
    any_balancer.publish(arguments.pop("files"), **{**arguments, "apply": False})

    assert "CERTIFICATE_VERIFY_FAILED" in look(any_balancer, ask_patroni=[CLUSTER])["patroni"][CLUSTER]["error"]


def test_says_why_patroni_could_not_be_asked(any_balancer: Balancer) -> None:
    for name in (P1, P2, P3):
        any_balancer.patroni.stop(name)

    said = look(any_balancer, ask_patroni=[CLUSTER])["patroni"][CLUSTER]

    assert said["error"].count("Connection refused") == 3

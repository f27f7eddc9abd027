# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every way in that `pgsql-svc --urls` prints: by name, virtual address and address, with psycopg and psql."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from labtest import clients, dial
from labtest.clients import Writer
from labtest.cluster import Cluster, ssh
from labtest.services import SPARE, ansible_playbook, inventories, overlay
from labtest.waiting import until
from pgsvc_lab import controller, credentials, nodes
from pgsvc_lab.settings import COLLECTION, Node, node

VIP, OTHER_VIP = "10.10.10.3", "10.10.10.4"
SETTINGS = {"pg-test": {"vars": {"pg_vip_enabled": True, "pg_vip_address": f"{VIP}/24"}}}
Figures = Callable[[str, object], None]


def access(tags: str, *options: str, sources: Sequence[Path] = ()) -> str:
    """Run the playbook for some of its tags; it must succeed. Returns what it said."""
    return ansible_playbook(str(COLLECTION / "playbooks/access.yml"), "-t", tags, *options, sources=sources)


@pytest.fixture(scope="module")
def with_vip() -> Iterator[Path]:
    """An inventory source by which pg-test has a virtual address and names for it; undone after the module."""
    with overlay(SETTINGS) as source:
        access("pg_vip,pg_dns", sources=[source])
        yield source
    access("pg_vip,pg_dns")


def rows(*sources: Path) -> list[dict[str, Any]]:
    """What `pgsql-svc pg-test --urls` prints."""
    asked = ["pg-test", "--urls", "--user", "test", "--db", "test", "--format", "json"]
    environment = {**os.environ, **controller.environment()}
    done = subprocess.run(
        [str(COLLECTION / "bin/pgsql-svc"), *inventories(sources), *asked],
        capture_output=True, text=True, check=True, env=environment, timeout=60,
    )  # fmt: skip
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def as_controller(*command: str, given: str = "") -> str:
    """Run a client where the lab's names are known, with the password of user test."""
    environment = {**os.environ, **controller.environment(), "PGPASSWORD": credentials.passwords()["test"]}
    done = subprocess.run(
        controller.inside(command),
        input=given,
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def resolved(name: str) -> str:
    """The address that the lab's name server gives; empty for a name that it does not know."""
    environment = {**os.environ, **controller.environment()}
    done = subprocess.run(
        controller.inside(["getent", "hosts", name]), capture_output=True, text=True, check=False, env=environment
    )
    return done.stdout.split()[0] if done.returncode == 0 else ""


def holders(cluster: Cluster, vip: str = VIP) -> list[Node]:
    """The members that run and have the virtual address."""
    running = [member for member in cluster.members if nodes.is_running(member)]
    return [member for member in running if f" {vip}/24 " in ssh(member, "ip -4 -o address show")]


def kept(row: dict[str, Any], cluster: Cluster, answer: Any) -> bool:
    """Whether an answer is what the row promises."""
    primary = cluster.primary().ipv4
    if answer[0] == VIP:
        answer = [primary, answer[1]]  # PostgreSQL itself answers at the address, and says so
    replicas = {member.ipv4 for member in cluster.members} - {primary}
    if row["service"] == "offline":
        return bool(answer == ["10.10.10.13", True])
    if row["access"] == "read-write":
        return bool(answer == [primary, False])
    if row["access"] == "read-only":
        return bool(answer[0] in replicas and answer[1] is True)
    own = {f"pg-test-{number}": f"10.10.10.1{number}" for number in (1, 2, 3)}[row["name"]]
    return bool(answer == [own, own != primary])


def test_every_url_keeps_its_promise(pg_test: Cluster, with_vip: Path) -> None:
    """Names, virtual address, instances, addresses and several hosts at once, each with every service and port."""
    until("the virtual address is on the primary", lambda: holders(pg_test) == [pg_test.primary()])
    pg_test.reconnect_pools()
    found = rows(with_vip)
    assert {row["kind"] for row in found} == {"cluster", "vip", "instance", "address", "multi"}

    answers = json.loads(
        as_controller(sys.executable, dial.__file__, given=json.dumps([row["psycopg"] for row in found]))
    )
    broken = {
        row["label"]: answer for row, answer in zip(found, answers, strict=True) if not kept(row, pg_test, answer)
    }
    assert broken == {}

    query = "SELECT json_build_array(host(inet_server_addr()), pg_is_in_recovery())"
    for row in found:
        for target in (row["url"], row["libpq"]):
            answer = json.loads(as_controller("psql", "-XAtc", query, "-d", target))
            assert kept(row, pg_test, answer), (row["label"], answer)


def test_a_second_run_changes_nothing(pg_test: Cluster, with_vip: Path) -> None:
    recap = access("pg_vip,pg_dns", sources=[with_vip]).partition("PLAY RECAP")[2]
    assert {word for word in recap.split() if word.startswith("changed=")} == {"changed=0"}, recap


def test_the_virtual_address_follows_a_switchover(pg_test: Cluster, with_vip: Path, figures: Figures) -> None:
    """Through it 5433 keeps working: writes resume on the new primary, and only one member has the address."""
    candidate = pg_test.members[1]
    with clients.writers((VIP, 5433)) as running:
        (writer,) = running
        until("writes arrive", lambda: writer.taken)
        started = time.monotonic()
        pg_test.switchover(candidate)
        moved(pg_test, candidate, writer, started)
        figures("access: switchover to the first write through the address, s", since(writer, candidate, started))


def test_the_virtual_address_leaves_a_lost_node(pg_test: Cluster, with_vip: Path, figures: Figures) -> None:
    """The primary's machine loses its power: the address comes up on the new primary."""
    lost = pg_test.primary()
    with clients.writers((VIP, 5433)) as running:
        (writer,) = running
        until("writes arrive", lambda: writer.taken)
        started = time.monotonic()
        nodes.power_off(lost)
        survivors = pg_test.others(lost)
        new = until("a new primary", lambda: next((n for n in survivors if pg_test.status(n, "/primary") == 200), None))
        moved(pg_test, new, writer, started)
        figures("access: lost node to the first write through the address, s", since(writer, new, started))
    pg_test.mend()


def moved(cluster: Cluster, primary: Node, writer: Writer, after: float) -> None:
    until(f"writes through {VIP} reach {primary.name}", writer.taken_by, primary.ipv4, after)
    until(f"only {primary.name} has {VIP}", lambda: holders(cluster) == [primary])


def since(writer: Writer, primary: Node, started: float) -> float:
    return round(min(writer.taken_by(primary.ipv4, started)) - started, 2)


def test_names(pg_test: Cluster, with_vip: Path) -> None:
    """The cluster's name is the virtual address where there is one, and the primary's without; a member that goes
    takes its name along."""
    assert [resolved(name) for name in ("pg-test", "pg-test-3", "pg-test-4")] == [VIP, "10.10.10.13", ""]

    access("pg_dns_records", sources=[with_vip, SPARE])
    until("pg-test-4 has a name", lambda: resolved("pg-test-4") == "10.10.10.14")
    access("pg_dns_records", sources=[with_vip])
    until("pg-test-4 has none", lambda: resolved("pg-test-4") == "")

    access("pg_dns_records")
    until("the name is the primary's", lambda: resolved("pg-test") == "10.10.10.11")
    access("pg_dns_records", sources=[with_vip])
    until("the name is the virtual address", lambda: resolved("pg-test") == VIP)


def test_the_service_file_of_a_client(pg_test: Cluster, with_vip: Path) -> None:
    """`psql service=pg-test-replica` on a host that the file was written on."""
    client = node("pg-meta-1")
    options = ("-e", f"pg_service_conf_hosts={client.ipv4}", "-e", "pg_service_conf_database=test")
    access("pg_service_conf", *options, sources=[with_vip])
    password = credentials.passwords()["test"]
    for service, in_recovery in (("primary", "f"), ("replica", "t"), ("multi-postgres-primary", "f")):
        command = f"PGPASSWORD={password} psql -XAtc 'SELECT pg_is_in_recovery()' 'service=pg-test-{service} user=test'"
        assert ssh(client, command).strip() == in_recovery


def test_another_virtual_address(pg_test: Cluster, with_vip: Path) -> None:
    """The one before is taken off, and back again; what was a secret of the settings is never shown."""
    secrets = {
        "pg_vip_etcd_user": "root",
        "pg_vip_etcd_password": "pgsvc-secret-1",
        "pg_vip_consul_token": "pgsvc-secret-2",
    }
    other = {"pg-test": {"vars": {**SETTINGS["pg-test"]["vars"], **secrets, "pg_vip_address": f"{OTHER_VIP}/24"}}}
    with overlay(other) as source:
        said = access("pg_vip", "--diff", "-vvv", sources=[source])
        until("the other address is on the primary", lambda: holders(pg_test, OTHER_VIP) == [pg_test.primary()])
        assert holders(pg_test) == []
        said += access("pg_vip", "--diff", "-vvv", "--check", sources=[with_vip])
    said += access("pg_vip", "--diff", "-vvv", sources=[with_vip])
    until("the address is back", lambda: holders(pg_test) == [pg_test.primary()])
    assert holders(pg_test, OTHER_VIP) == []
    assert "vip-manager.yml changes; its text may contain a secret and is not shown" in said
    assert "pgsvc-secret" not in said


def test_a_virtual_address_that_is_no_longer_wanted(pg_test: Cluster, with_vip: Path) -> None:
    """pg_vip_enabled: false takes the address off and vip-manager away; set again, it comes back."""
    access("pg_vip")
    assert holders(pg_test) == []
    assert {ssh(member, "systemctl is-active vip-manager || true").strip() for member in pg_test.members} == {
        "inactive"
    }
    access("pg_vip", sources=[with_vip])
    until("the address is back", lambda: holders(pg_test) == [pg_test.primary()])

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The virtual address of dedicated load balancers: role lb_vip, on Debian 12 (proxy-1) and Debian 13
(proxy-2, where HAProxy is laid out as Pigsty does)."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from labtest import clients
from labtest.clients import Writer
from labtest.cluster import Cluster, ssh
from labtest.services import ansible_playbook, overlay, pgsql_svc, publish, restore, wait_for_up
from labtest.waiting import until
from pgsvc_lab import nodes, settings
from pgsvc_lab.settings import COLLECTION, CONTROLLER, Node

PROXIES = (settings.node("proxy-1"), settings.node("proxy-2"))
VIP, PORT = "10.10.10.99", 10013
BOUND = 3.0  # seconds: what docs/access.md promises
ADDRESS = {"vip_enabled": True, "vip_address": f"{VIP}/24", "vip_vrid": 128}
SERVICES = [{"name": "primary", "port": PORT, "dest": "postgres", "check": "/primary", "selector": "[]"}]
DELEGATED: dict[str, Any] = {"pg_service_provider": "proxy", "pg_default_services": SERVICES}
READY = "/etc/keepalived/pgsvc-haproxy all"
Figures = Callable[[str, object], None]


def setting_of(**variables: Any) -> dict[str, Any]:
    return {"pg-meta": {"vars": DELEGATED}, "proxy": {"vars": {**ADDRESS, **variables}}}


def lb_vip(source: Path, *options: str) -> str:
    """Run the playbook for the virtual address; it must succeed. Returns what it said."""
    book = str(COLLECTION / "playbooks/access.yml")
    return ansible_playbook(book, "-t", "lb_vip", "-l", "proxy", *options, sources=[source])


@pytest.fixture(scope="module")
def with_address(pg_meta: Cluster) -> Iterator[Path]:
    """The group `proxy` carries the services of pg-meta and has a virtual address; undone after the module."""
    with overlay(setting_of()) as source:
        publish("pg-meta", sources=[source])
        lb_vip(source)
        wait_for_up(PROXIES, "pg-meta-primary", {"pg-meta-1"})
        yield source
    with overlay(setting_of(vip_enabled=False)) as source:
        lb_vip(source)
    assert holders() == []
    for proxy in PROXIES:
        assert ssh(proxy, "systemctl is-active keepalived", check=False).strip() == "inactive"
        assert ssh(proxy, "ls -A /etc/keepalived | grep -E 'pgsvc|conf$'", check=False) == ""
    restore()


def holders() -> list[Node]:
    """The load balancers that have the virtual address."""
    command = ["ip", "-oneline", "address", "show", "to", VIP]
    return [
        proxy
        for proxy in PROXIES
        if subprocess.run(["ip", "-n", proxy.namespace, *command[1:]], check=True, capture_output=True).stdout
    ]


def settled() -> tuple[Node, Node]:
    """The load balancer that has the address, and the other one; both are ready for it."""
    (holder,) = until("one load balancer has the address", lambda: holders() if len(holders()) == 1 else None)
    (other,) = [proxy for proxy in PROXIES if proxy != holder]
    for proxy in PROXIES:
        until(f"all services of {proxy.name} have a server", ssh, proxy, f"{READY} && echo yes")
    state = "journalctl -u keepalived -o cat | grep -E 'Entering|leaving' | tail -1"
    until(f"{other.name} stands by", lambda: "BACKUP" in ssh(other, state))
    return holder, other


def moves(other: Node, started: float, writer: Writer) -> float:
    """The seconds until the other load balancer has the address and a new connection through it can write."""

    def is_served() -> bool:
        try:
            return holders() == [other] and clients.can_write(VIP, PORT)
        except psycopg.OperationalError:
            return False

    until(f"{other.name} has the address and serves", is_served)
    took = round(time.monotonic() - started, 2)
    moved = time.monotonic()
    until("clients write again", lambda: [when for when, _server in writer.taken if when > moved])
    return took


@contextmanager
def writing() -> Iterator[Writer]:
    """A client that keeps writing through the address."""
    with clients.writers((VIP, PORT)) as running:
        (writer,) = running
        until("writes arrive", lambda: writer.taken)
        yield writer


def test_a_second_run_changes_nothing(pg_meta: Cluster, with_address: Path) -> None:
    recap = lb_vip(with_address).partition("PLAY RECAP")[2]
    assert {word for word in recap.split() if word.startswith("changed=")} == {"changed=0"}, recap


def test_urls_prefer_the_address(pg_meta: Cluster, with_address: Path) -> None:
    done = pgsql_svc("pg-meta", "--urls", "--by", "vip", "--format", "libpq", sources=[with_address])
    assert done.output.splitlines()[-1] == f"host={VIP} port={PORT}"


@pytest.mark.parametrize(
    ("signal", "mend"),
    [("KILL", "systemctl start haproxy"), ("STOP", "pkill -CONT -x haproxy")],
    ids=["killed", "frozen"],
)
def test_haproxy_fails(
    pg_meta: Cluster, with_address: Path, figures: Figures, signal: str, mend: str, request: pytest.FixtureRequest
) -> None:
    """The address moves within the promised time, and stays when HAProxy is back."""
    holder, other = settled()
    ssh(holder, "systemctl mask --runtime haproxy")  # systemd would start it again at once
    try:
        with writing() as writer:
            started = time.monotonic()
            ssh(holder, f"pkill -{signal} -x haproxy")
            took = moves(other, started, writer)
    finally:
        ssh(holder, f"systemctl unmask --runtime haproxy; {mend}")
    figures(f"lb_vip: HAProxy {request.node.callspec.id} to the first write through the address, s", took)
    assert took <= BOUND
    assert settled() == (other, holder)


def test_a_host_is_lost_and_returns(pg_meta: Cluster, with_address: Path, figures: Figures) -> None:
    """The load balancer with the address loses its power: the other one takes the address and keeps it."""
    lost, other = settled()
    with writing() as writer:
        plug(lost, "down")
        started = time.monotonic()
        nodes.power_off(lost)
        # The interface outlives the machine in the lab.
        subprocess.run(["ip", "-n", lost.namespace, "address", "flush", "to", VIP, "dev", "eth0"], check=True)
        took = moves(other, started, writer)
        figures("lb_vip: lost load balancer to the first write through the address, s", took)
        assert took <= BOUND
        plug(lost, "up")
        nodes.start(lost)
        nodes.wait_for_ssh(lost)
        assert settled() == (other, lost)


def plug(node: Node, state: str) -> None:
    """Plug the cable of a node in (up) or out (down)."""
    subprocess.run(["ip", "-n", CONTROLLER, "link", "set", node.name, state], check=True)


def test_other_options_are_applied_by_a_reload(pg_meta: Cluster, with_address: Path) -> None:
    """The address stays where it is, and keepalived is the same process."""
    holder, other = settled()
    pids = [ssh(proxy, "systemctl show keepalived --property=MainPID") for proxy in PROXIES]
    priorities = {holder.ipv4: {"lb_vip_priority": 20}, other.ipv4: {"lb_vip_priority": 10}}
    if holder == PROXIES[0]:  # it has the higher rank, for it is the first of the inventory
        priorities = {holder.ipv4: {"lb_vip_priority": 10}, other.ipv4: {"lb_vip_priority": 20}}
    changed = setting_of()
    changed["proxy"]["hosts"] = priorities
    with overlay(changed) as source:
        recap = lb_vip(source).partition("PLAY RECAP")[2]
    assert {word for word in recap.split() if word.startswith("changed=")} == {"changed=1"}, recap
    assert settled() == (holder, other)
    assert [ssh(proxy, "systemctl show keepalived --property=MainPID") for proxy in PROXIES] == pids


@pytest.mark.full
def test_the_load_balancer_that_can_serve_has_the_address(pg_meta: Cluster, with_address: Path) -> None:
    """A load balancer without a server gives way to one that has one. Where none has one, the address stays."""
    holder, other = settled()
    command = "echo '{} server pg-meta-primary/pg-meta-1' | socat - /run/haproxy/admin.sock"
    try:
        ssh(holder, command.format("disable"))
        until(f"{other.name} has the address", lambda: holders() == [other])
        ssh(other, command.format("disable"))
        time.sleep(25)  # five checks
        assert holders() == [other]
    finally:
        for proxy in PROXIES:
            ssh(proxy, command.format("enable"))

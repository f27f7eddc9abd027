# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks that keepalived runs, on real HAProxy processes: which of them pass."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

from ansible_collections.pgsvc.access.tests.conftest import ROOT
from ansible_collections.pgsvc.access.tests.support.haproxy import HAProxy

CHECK = ROOT / "roles/lb_vip/files/haproxy.py"
HOLDS = ROOT / "roles/lb_vip/files/holds.sh"
NONE: set[str] = set()

SERVICES = """
listen pg-primary
    mode tcp
    bind {address}:5433
    server pg-1 {address}:1

listen pg-replica
    mode tcp
    bind {address}:5434
    server pg-1 {address}:1
    server pg-2 {address}:1 backup

# declared without members
listen pg-offline
    mode tcp
    bind {address}:5438

# a health check that services share is no service
backend pg-check-primary
    mode tcp
    server pg-1 {address}:1 disabled

listen stats
    mode http
    bind {address}:9101
    stats enable
"""


def passed(haproxy: HAProxy) -> set[str]:
    """The checks that pass."""
    socket = str(haproxy.stats_socket)
    return {check for check in ("alive", "some", "all") if run(check, socket) == 0}


def run(*arguments: str) -> int:
    return subprocess.run([sys.executable, "-IS", str(CHECK), *arguments], check=False, capture_output=True).returncode


@pytest.fixture
def running(haproxy: HAProxy, new_address: Callable[[], str]) -> HAProxy:
    haproxy.write("services", SERVICES.format(address=new_address()))
    return haproxy.start()


def test_services_with_and_without_servers(running: HAProxy) -> None:
    assert passed(running) == {"alive", "some", "all"}
    running.api.command("disable server pg-replica/pg-1")
    assert passed(running) == {"alive", "some", "all"}  # the backup serves
    running.api.command("disable server pg-replica/pg-2")
    assert passed(running) == {"alive", "some"}
    running.api.command("disable server pg-primary/pg-1")
    assert passed(running) == {"alive"}
    running.api.command("enable server pg-primary/pg-1")
    assert passed(running) == {"alive", "some"}


def test_a_load_balancer_without_services_serves_nothing(haproxy: HAProxy) -> None:
    haproxy.start()
    assert passed(haproxy) == {"alive"}


def test_a_frozen_worker(running: HAProxy) -> None:
    worker = running.worker
    os.kill(worker, signal.SIGSTOP)
    try:
        assert passed(running) == NONE
    finally:
        os.kill(worker, signal.SIGCONT)
    assert passed(running) == {"alive", "some", "all"}


def test_a_killed_haproxy(running: HAProxy) -> None:
    running.stop(kill=True)
    assert running.stats_socket.exists()  # nobody listens there
    assert passed(running) == NONE
    running.stats_socket.unlink()
    assert passed(running) == NONE


def test_a_reload_is_not_noticed(running: HAProxy) -> None:
    command = [sys.executable, "-IS", str(CHECK), "alive", str(running.stats_socket)]
    checks = [subprocess.Popen(command) for _each in range(5)]
    running.reload()
    checks += [subprocess.Popen(command) for _each in range(5)]
    assert [check.wait() for check in checks] == [0] * 10


@pytest.mark.parametrize(
    "arguments", [(), ("everything",), ("everything", "/run/haproxy/admin.sock"), ("all", "/a", "/b")], ids=str
)
def test_wrong_arguments(arguments: tuple[str, ...]) -> None:
    assert run(*arguments) == 2


@pytest.mark.parametrize(
    ("address", "code"), [("127.0.0.1", 0), ("::1", 0), ("192.0.2.1", 1), ("127.0.0.11", 1), ("2001:db8::1", 1)]
)
def test_whether_the_host_has_an_address(address: str, code: int) -> None:
    assert subprocess.run(["/bin/sh", str(HOLDS), address], check=False).returncode == code

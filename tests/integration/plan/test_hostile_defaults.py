# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service file means the same beside any ``defaults`` section, and when it is read before every one."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgsvc.access.plugins.plugin_utils._input.inventory import Inventory
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import Report
from ansible_collections.pgsvc.access.plugins.plugin_utils._plan.planner import make_plan
from ansible_collections.pgsvc.access.plugins.plugin_utils._plan.rendering import render_service
from ansible_collections.pgsvc.access.tests.support.haproxy import HAProxy
from ansible_collections.pgsvc.access.tests.support.patroni import Patroni

PORT = 15433
GLOBAL = """\
global
    maxconn 4000
    stats socket {stats_socket} mode 600 level admin
    hard-stop-after {hard_stop_after}
"""
HOSTILE = """
defaults
    mode http
    disabled
    balance leastconn
    hash-type consistent djb2 avalanche
    hash-balance-factor 150
    maxconn 1
    rate-limit sessions 1
    retries 0
    timeout connect 50ms
    timeout client 1s
    timeout server 1s
    timeout tunnel 1s
    timeout client-fin 1s
    timeout server-fin 1s
    timeout queue 1ms
    timeout check 1ms
    timeout http-request 1s
    option httplog
    option httpclose
    option tcp-check
    option allbackups
    option transparent
    option persist
    option prefer-last-server
    option independent-streams
    option abortonclose
    option nolinger
    option logasap
    http-check send meth GET uri /health hdr Host x body no
    http-check expect ! status 503
    load-server-state-from-file none
    default-server send-proxy ssl check-ssl verify none inter 1h
    default-server disabled backup
"""
# Three members checked five times a second, so that the verdicts of a test come within a second.
SERVICE: dict[str, Any] = {
    "name": "primary",
    "port": PORT,
    "selector": "[]",
    "check": "/primary",
    "options": "inter 200ms fastinter 100ms downinter 200ms rise 2 fall 2 on-marked-down shutdown-sessions weight 100",
}


def service_file(patroni: Patroni, ip: str, state_dir: Path) -> str:
    hosts: dict[str, dict[str, Any]] = {
        name: {
            "pg_cluster": "pg",
            "pg_seq": name[-1],
            "pg_role": "primary" if name == "pg1" else "replica",
            "pg_address": member.address,
            "pg_default_services": [SERVICE | {"ip": ip}],
            "haproxy_state_dir": str(state_dir),
        }
        for name, member in patroni.members.items()
    }
    # Each host has an `ip` of its own in a real fleet; here one load balancer is enough.
    report = Report()
    publication = make_plan(Inventory(hosts, {"all": list(hosts)}, report), report).publications["pg1"]
    return render_service(publication.services[0], publication.settings.state_dir)


@pytest.fixture(params=["alone", "hostile"])
def balancer(
    request: pytest.FixtureRequest,
    haproxy_binary: Path,
    tmp_path: Path,
    patroni: Patroni,
    new_address: Callable[[], str],
) -> Iterator[tuple[HAProxy, str]]:
    """The service behind no ``defaults`` at all, and behind the most harmful one."""
    base = GLOBAL + (HOSTILE if request.param == "hostile" else "")
    address = new_address()
    with HAProxy(haproxy_binary, tmp_path / "lb", base=base) as haproxy:
        haproxy.write("pg-primary", service_file(patroni, address, haproxy.state_dir))
        checked = haproxy.check()
        assert checked.returncode == 0, checked.stderr
        yield haproxy.start(), address


def test_it_means_the_same(balancer: tuple[HAProxy, str], patroni: Patroni) -> None:
    haproxy, address = balancer
    for name, status in (("pg-1", "UP"), ("pg-2", "DOWN"), ("pg-3", "DOWN")):
        haproxy.wait_status("pg-primary", name, status)
    rows = haproxy.all_columns("pg-primary")
    frontend, backend, server = rows["FRONTEND"], rows["BACKEND"], rows["pg-1"]
    assert (frontend["mode"], frontend["slim"], frontend["rate_lim"]) == ("tcp", "5000", "0")
    assert (backend["algo"], backend["act"], backend["bck"]) == ("roundrobin", "1", "0")
    assert (server["check_code"], server["agent_status"], server["weight"], server["slim"]) == ("200", "", "100", "")

    with contextlib.ExitStack() as clients:
        # More at once than the maxconn and the rate of the hostile section.
        sessions = [clients.enter_context(socket.create_connection((address, PORT), timeout=5)) for _each in range(3)]
        for session in sessions:
            assert session.recv(100) == b"pg1 primary\n"
        # Idle for longer than any timeout of the hostile section: nothing comes, not even the end.
        sessions[0].settimeout(2.5)
        with pytest.raises(TimeoutError):
            sessions[0].recv(1)
        for session in sessions:
            session.settimeout(5)
            session.sendall(b"still here\n")
            assert session.recv(100) == b"still here\n"
        # The member is no primary any more: the file's own check sees it, and the file's own option cuts the sessions.
        patroni.role(pg1="replica")
        for session in sessions:
            assert session.recv(1) == b""


def test_it_is_accepted_before_and_after_any_defaults(
    haproxy: HAProxy, patroni: Patroni, new_address: Callable[[], str]
) -> None:
    haproxy.base.write_text(HOSTILE)
    file = haproxy.write("pg-primary", service_file(patroni, new_address(), haproxy.state_dir))
    for first, second in ((file, haproxy.base), (haproxy.base, file)):
        checked = haproxy.check(["-f", str(first), "-f", str(second)])
        assert checked.returncode == 0, checked.stderr
        assert "missing timeouts" not in checked.stderr

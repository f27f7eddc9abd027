# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two sockets of a real HAProxy, on every version that the collection supports."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.sockets import MasterCLI, RuntimeAPI
from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import CLIError
from ansible_collections.pgsvc.access.tests.support.haproxy import HAProxy, wait_until
from ansible_collections.pgsvc.access.tests.support.patroni import Patroni
from ansible_collections.pgsvc.access.tests.support.service import QUICK, server_line, service_file
from ansible_collections.pgsvc.access.tests.support.traffic import Session

PORT = 5433


@pytest.fixture
def address(haproxy: HAProxy, patroni: Patroni, new_address: Callable[[], str]) -> tuple[str, int]:
    """Where the running service pg-primary listens."""
    ip = new_address()
    servers = [server_line(member) for member in patroni.members.values()]
    haproxy.write(
        "pg-primary", service_file("pg-primary", f"{ip}:{PORT}", servers, state_dir=None, default_server=QUICK)
    )
    haproxy.start()
    for server, status in (("pg1", "UP"), ("pg2", "DOWN"), ("pg3", "DOWN")):
        haproxy.wait_status("pg-primary", server, status)
    return ip, PORT


def test_rows_of_the_running_state(haproxy: HAProxy, patroni: Patroni, address: tuple[str, int]) -> None:
    rows = {row.srv_name: row for row in haproxy.master.current().servers_state()}
    assert list(rows) == ["pg1", "pg2", "pg3"]
    primary = rows["pg1"]
    assert (primary.be_name, primary.addr, primary.port) == ("pg-primary", patroni.members["pg1"].address, 6432)
    assert (primary.op_state, primary.admin_state, primary.uweight, primary.iweight) == (2, 0, 100, 100)
    assert (primary.check_port, primary.check_result, primary.fqdn) == (8008, 3, "")
    assert rows["pg2"].op_state == 0


def test_the_statistics_name_listener_and_servers(haproxy: HAProxy, address: tuple[str, int]) -> None:
    names = [row["svname"] for row in haproxy.api.stat() if row["pxname"] == "pg-primary"]
    assert names == ["FRONTEND", "pg1", "pg2", "pg3", "BACKEND"]


def test_a_reload_that_works(haproxy: HAProxy, address: tuple[str, int]) -> None:
    before = haproxy.master.processes()
    assert haproxy.master.reload().ok
    after = haproxy.master.processes()
    assert (after.master, after.reloads, after.failed) == (before.master, before.reloads + 1, 0)
    assert after.workers[0].pid != before.workers[0].pid


def test_a_reload_that_fails_leaves_the_worker_and_is_not_taken_for_the_one_before(
    haproxy: HAProxy, address: tuple[str, int]
) -> None:
    worker = haproxy.worker
    broken = haproxy.write("zz", "listen zz\n    nonsense\n")
    for _again in range(2):
        verdict = haproxy.master.reload()
        assert not verdict.ok
        assert "unknown keyword 'nonsense'" in (verdict.log or haproxy.log.read_text())
    assert haproxy.worker == worker
    broken.unlink()
    assert haproxy.master.reload().ok
    assert haproxy.worker != worker


def test_an_old_worker_tells_how_many_sessions_it_holds(haproxy: HAProxy, address: tuple[str, int]) -> None:
    old = haproxy.worker
    assert haproxy.master.old_sessions() == {}
    with Session(address), Session(address):
        haproxy.reload()
        assert haproxy.master.old_sessions() == {old: 2}
        assert haproxy.master.worker(old).info()["Stopping"] == "1"
    wait_until(lambda: haproxy.master.old_sessions() == {})


def test_who_does_not_answer_is_named(haproxy: HAProxy, address: tuple[str, int]) -> None:
    gone = str(haproxy.folder / "gone.sock")
    stats, master = str(haproxy.stats_socket), str(haproxy.master_socket)
    with pytest.raises(CLIError, match=f"^HAProxy does not answer at {gone}: No such file or directory$"):
        RuntimeAPI(gone).info()
    with pytest.raises(CLIError, match=f"^HAProxy's master at {master} has no worker @!1$"):
        haproxy.master.worker(1).info()
    with pytest.raises(
        CLIError, match=f"^{stats} is not the socket of an HAProxy master: it answered 'show proc' with: "
    ):
        MasterCLI(stats).processes()
    with pytest.raises(CLIError, match=f"^HAProxy at {master} answered 'show info' with: Unknown command"):
        RuntimeAPI(master).info()


def test_a_master_that_is_gone_is_not_awaited_for_long(haproxy: HAProxy, address: tuple[str, int]) -> None:
    haproxy.master.processes()
    haproxy.stop()
    began = time.monotonic()
    with pytest.raises(CLIError, match=f"^HAProxy does not answer at {haproxy.master_socket}: "):
        haproxy.master.reload()
    assert time.monotonic() - began < haproxy.master.timeout / 2

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers of a running HAProxy come, change and go without a reload."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.proxies import proxies
from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import CLIError
from ansible_collections.pgsvc.access.plugins.module_utils._publish.compare import differences
from ansible_collections.pgsvc.access.plugins.module_utils._publish.runtime_apply import apply_changes
from ansible_collections.pgsvc.access.plugins.module_utils._publish.runtime_plan import (
    NeedsReload,
    ServerChanges,
    plan_changes,
)
from ansible_collections.pgsvc.access.plugins.module_utils._publish.service_file import ServiceFile, parse
from ansible_collections.pgsvc.access.tests.support.certificates import self_signed
from ansible_collections.pgsvc.access.tests.support.haproxy import HAProxy, wait_until
from ansible_collections.pgsvc.access.tests.support.patroni import Patroni
from ansible_collections.pgsvc.access.tests.support.service import DEFAULT_SERVER, QUICK, server_line, service_file
from ansible_collections.pgsvc.access.tests.support.traffic import Session, Traffic

NAME = "pg-primary"


class Service:
    """A running service, and the way to bring it to other server lines."""

    def __init__(self, haproxy: HAProxy, patroni: Patroni, ip: str) -> None:
        self.haproxy = haproxy
        self.patroni = patroni
        self.address = (ip, 5433)
        self.head: list[str] = []

    def start(
        self, lines: Iterable[str], *, default_server: str = QUICK, check: str = "/primary", balance: str = "roundrobin"
    ) -> None:
        bind = "{}:{}".format(*self.address)
        options = {"state_dir": None, "default_server": default_server, "check": check, "balance": balance}
        text = service_file(NAME, bind, lines, **options)  # type: ignore[arg-type]
        self.head = [line.strip() for line in text.splitlines() if not line.lstrip().startswith(("server ", "#"))]
        self.haproxy.write(NAME, text)
        self.haproxy.start()
        wait_until(lambda: all(row.check_status != 1 for row in self.haproxy.api.servers_state()))

    def wanted(self, lines: Iterable[str]) -> ServiceFile:
        return parse(NAME, "\n".join([*self.head, *lines]))

    def plan(
        self, lines: Iterable[str], *, cut_removed: bool = True, unfinished: Mapping[str, int] = MappingProxyType({})
    ) -> ServerChanges | NeedsReload:
        running = proxies(self.haproxy.api.servers_state(), self.haproxy.api.stat())[NAME]
        return plan_changes(self.wanted(lines), running, cut_removed=cut_removed, unfinished=unfinished)

    def change(
        self, lines: Iterable[str], *, cut_removed: bool = True, unfinished: Mapping[str, int] = MappingProxyType({})
    ) -> list[str]:
        """Make these lines run; it must need no reload, and be done when this returns."""
        lines = list(lines)
        changes = self.plan(lines, cut_removed=cut_removed, unfinished=unfinished)
        assert isinstance(changes, ServerChanges), changes
        draining = apply_changes(self.haproxy.api, changes)
        assert self.differences(lines, draining) == []
        return draining

    def differences(self, lines: Iterable[str], draining: Iterable[str] = ()) -> list[str]:
        running = proxies(self.haproxy.api.servers_state(), self.haproxy.api.stat())[NAME]
        return [each.text for each in differences(self.wanted(lines), running, list(draining))]

    def line(self, member: str, extra: str = "weight 100") -> str:
        return server_line(self.patroni.members[member], extra)


@pytest.fixture
def service(haproxy: HAProxy, patroni: Patroni, new_address: Callable[[], str]) -> Service:
    return Service(haproxy, patroni, new_address())


def test_members_come_and_go_under_traffic(service: Service) -> None:
    pg1, pg2, pg3 = (service.line(name) for name in ("pg1", "pg2", "pg3"))
    service.start([pg1])
    worker = service.haproxy.worker
    with Traffic(service.address, rate=300) as tally:
        for lines in ([pg1, pg2], [pg1, pg2, pg3], [pg1, pg3], [pg1, pg3 + " backup"], [pg1], [pg1, pg2, pg3], [pg1]):
            service.change(lines)
    assert (tally.misrouted(), tally.lost) == (0, 0), tally
    assert service.haproxy.worker == worker
    assert service.haproxy.master.processes().reloads == 0


def test_a_connection_under_way_to_a_member_that_leaves_is_answered(service: Service) -> None:
    pg2, pg3 = (service.line(name) for name in ("pg2", "pg3"))
    service.start([pg2, pg3], check="/replica")
    service.patroni.greet("pg2", 0.1)
    service.patroni.greet("pg3", 0.1)
    with Traffic(service.address, rate=300) as tally:
        for lines in ([pg2], [pg2, pg3], [pg3], [pg2, pg3]):
            service.change(lines)
            time.sleep(0.3)
    assert (tally.misrouted(["replica"]), tally.lost) == (0, 0), tally
    assert min(tally.members["pg2"], tally.members["pg3"]) > 10, tally


def test_weights_change_at_once_and_cut_nobody(service: Service) -> None:
    service.start([service.line("pg2"), service.line("pg3")], check="/replica")
    with Session(service.address) as session:
        for weight in (50, 0, 256, 1, 100):
            began = time.monotonic()
            service.change([service.line("pg2", f"weight {weight}"), service.line("pg3")])
            print(f"weight: {(time.monotonic() - began) * 1000:.1f} ms")
        assert session.ping()


def test_a_session_from_before_is_still_under_failover_protection(service: Service) -> None:
    pg1, pg2 = service.line("pg1"), service.line("pg2")
    service.start([pg1])
    with Session(service.address) as session:
        for number in range(6):
            service.change([pg1] if number % 2 else [pg1, pg2])
        service.patroni.failover("pg1", "pg2")
        demoted = time.monotonic()
        assert session.wait_cut(timeout=5) - demoted < 1.5


def test_a_removed_members_sessions_are_cut(service: Service) -> None:
    service.start([service.line("pg2"), service.line("pg3")], check="/replica")
    sessions = [Session(service.address) for _each in range(4)]
    service.change([service.line("pg3")])
    for session in sessions:
        if session.member == "pg2":
            session.wait_cut(timeout=5)
        else:
            assert session.ping()
        session.close()


def test_a_removed_members_sessions_may_end_by_themselves(service: Service) -> None:
    pg2, pg3 = service.line("pg2"), service.line("pg3")
    service.start([pg2], check="/replica")
    with Session(service.address) as session:
        assert service.change([pg2, pg3]) == []
        assert service.change([pg3], cut_removed=False) == ["pg-primary/pg2"]
        assert session.ping()
        with Traffic(service.address, rate=50) as tally:
            assert service.change([pg3], cut_removed=False) == ["pg-primary/pg2"]
        assert tally.members["pg2"] == 0, tally
    wait_until(lambda: service.change([pg3], cut_removed=False) == [])
    assert list(service.haproxy.statuses(NAME)) == ["pg3"]


def test_a_drained_member_may_come_back(service: Service) -> None:
    pg2, pg3 = service.line("pg2"), service.line("pg3")
    service.start([pg2, pg3], check="/replica")
    sessions = [Session(service.address), Session(service.address)]
    (left,) = service.change([pg3], cut_removed=False)
    service.change([pg2, pg3], unfinished={left: 0})
    assert service.haproxy.statuses(NAME)["pg2"].startswith("UP")
    for session in sessions:
        assert session.ping()
        session.close()


def test_a_new_member_whose_patroni_is_gone_does_not_hold_the_run(
    service: Service, new_address: Callable[[], str]
) -> None:
    service.start([service.line("pg1")])
    gone = f"server pg9 {new_address()}:6432 check port 8008 weight 100"
    began = time.monotonic()
    service.change([service.line("pg1"), gone])
    assert time.monotonic() - began < 1.5
    assert service.haproxy.statuses(NAME)["pg9"] == "DOWN"


def test_the_declared_default_line_and_how_long_a_new_member_takes(service: Service) -> None:
    service.start([service.line("pg1")], default_server=DEFAULT_SERVER)
    began = time.monotonic()
    service.change([service.line("pg1"), service.line("pg2")])
    took = time.monotonic() - began
    print(f"new member: {took:.2f} s")
    assert took < 6.5
    assert service.haproxy.statuses(NAME)["pg2"] == "DOWN"


def test_address_port_and_check_port(service: Service, new_address: Callable[[], str]) -> None:
    service.patroni.add("pg4", new_address(), "replica", ports=(6432, 5432))
    member = service.patroni.members["pg4"]
    service.start([service.line("pg2").replace("pg2", "pg4")], check="/replica")
    service.change([server_line(member)])
    with Session(service.address) as session:
        assert session.member == "pg4"
        service.change([server_line(member).replace("port 8008", "port 8009")])
        service.haproxy.wait_status(NAME, "pg4", "DOWN")
        session.wait_cut(timeout=5)
    service.change([server_line(member)])
    service.haproxy.wait_status(NAME, "pg4", "UP")
    service.change([server_line(member, port=5432)])
    with Session(service.address) as session:
        assert session.member == "pg4"


def test_checks_over_tls(haproxy: HAProxy, new_address: Callable[[], str], tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path, "patroni")
    tls = f"check-ssl verify required ca-file {certificate} verifyhost patroni weight 100"
    with Patroni(tls=(certificate, key)) as patroni:
        for name in ("pg2", "pg3"):
            patroni.add(name, new_address(), "replica")
        service = Service(haproxy, patroni, new_address())
        service.start([service.line("pg2", tls)], check="/replica")
        service.change([service.line("pg2", tls), service.line("pg3", tls)])
        for name in ("pg2", "pg3"):
            haproxy.wait_status(NAME, name, "UP")
        service.change([service.line("pg2", tls)])
        service.change(
            [
                service.line("pg2", tls),
                service.line("pg3", tls.replace("verifyhost patroni", "verifyhost x") + " backup"),
            ]
        )
        assert haproxy.statuses(NAME)["pg3"] == "DOWN"


def test_ipv6(service: Service, haproxy: HAProxy) -> None:
    service.start([service.line("pg1")])
    service.change([service.line("pg1"), "server v6 [::1]:6432 check port 8008 weight 100"])
    assert {row.addr for row in haproxy.api.servers_state()} == {service.patroni.members["pg1"].address, "::1"}
    assert service.differences([service.line("pg1"), "server v6 [0:0::1]:6432 check port 8008 weight 100"]) == []


def test_an_administrators_maintenance_stays(service: Service) -> None:
    pg2, pg3 = service.line("pg2"), service.line("pg3")
    service.start([pg2, pg3], check="/replica")
    service.haproxy.api.command(f"set server {NAME}/pg2 state maint")
    service.haproxy.api.command(f"set server {NAME}/pg3 state drain")
    service.change([service.line("pg2", "weight 30"), service.line("pg3", "weight 30 backup")])
    service.haproxy.wait_status(NAME, "pg3", "DRAIN")
    assert service.haproxy.statuses(NAME)["pg2"] == "MAINT"
    service.change([service.line("pg2", "weight 30 backup"), service.line("pg3", "weight 20 backup")])
    service.haproxy.wait_status(NAME, "pg3", "DRAIN")
    assert service.haproxy.statuses(NAME)["pg2"] == "MAINT"


@pytest.mark.parametrize(
    "commands",
    [
        ["set server pg-primary/pg2 weight 0"],
        ["set server pg-primary/pg2 weight 0", "set server pg-primary/pg2 state drain"],
        ["set server pg-primary/pg2 weight 0", "disable health pg-primary/pg2"],
        [
            "set server pg-primary/pg2 weight 0",
            "disable health pg-primary/pg2",
            "set server pg-primary/pg2 state maint",
        ],
    ],
    ids=lambda commands: commands[-1],
)
def test_a_removal_that_was_killed_is_undone_when_the_server_is_wanted_again(
    service: Service, commands: list[str]
) -> None:
    lines = [service.line("pg2"), service.line("pg3")]
    service.start(lines, check="/replica")
    for command in commands:
        assert service.haproxy.api.command(command) == ""
    service.change(lines, unfinished={"pg-primary/pg2": 0})
    service.haproxy.wait_status(NAME, "pg2", "UP")
    assert [row.check_state & 4 for row in service.haproxy.api.servers_state()] == [4, 4]


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_an_addition_that_was_killed_is_completed(service: Service, steps: int) -> None:
    lines = [service.line("pg1"), service.line("pg2")]
    service.start(lines[:1])
    address = service.patroni.members["pg2"].address
    commands = [
        f"add server {NAME}/pg2 {address}:6432 check port 8008 {QUICK} weight 0",
        f"set server {NAME}/pg2 state ready",
        f"enable health {NAME}/pg2",
    ]
    for command in commands[:steps]:
        service.haproxy.api.command(command)
    with Traffic(service.address, rate=200) as tally:
        service.change(lines, unfinished={"pg-primary/pg2": 0})
    assert (tally.misrouted(), tally.lost) == (0, 0), tally
    assert service.haproxy.statuses(NAME)["pg2"] == "DOWN"


def test_what_haproxy_refuses_is_said_in_its_words(service: Service) -> None:
    service.start([service.line("pg1")])
    changes = service.plan(
        [service.line("pg1"), service.line("pg2", "check-ssl verify required ca-file /nowhere/ca.crt")]
    )
    assert isinstance(changes, ServerChanges)
    with pytest.raises(
        CLIError, match=r"^HAProxy refuses 'add server pg-primary/pg2 .*unable to load /nowhere/ca\.crt"
    ):
        apply_changes(service.haproxy.api, changes)


@pytest.mark.parametrize("balance", ["static-rr", "source"])
def test_a_static_algorithm_needs_a_reload(service: Service, balance: str) -> None:
    service.start([service.line("pg1")], balance=balance)
    assert not service.plan([service.line("pg1")])
    reason = f"pg-primary is balanced by {balance}, which has no servers that change at run time"
    assert service.plan([service.line("pg1", "weight 50")]) == NeedsReload(reason)

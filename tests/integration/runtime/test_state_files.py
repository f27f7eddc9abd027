# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a real HAProxy makes of our state files, beside what it does without them (the controls)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy import server_state
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.proxies import proxies
from ansible_collections.pgsvc.access.plugins.module_utils._publish import record
from ansible_collections.pgsvc.access.plugins.module_utils._publish.service_file import ServiceFile, parse
from ansible_collections.pgsvc.access.plugins.module_utils._publish.state_guard import carried_states
from ansible_collections.pgsvc.access.plugins.module_utils._publish.verdicts import Knowledge
from ansible_collections.pgsvc.access.tests.support.haproxy import HAProxy, wait_until
from ansible_collections.pgsvc.access.tests.support.patroni import Patroni
from ansible_collections.pgsvc.access.tests.support.service import DEFAULT_SERVER, QUICK, server_line, service_file
from ansible_collections.pgsvc.access.tests.support.traffic import Tally, Traffic

NAME = "pg-primary"
SETTLED = {"pg1": "UP", "pg2": "DOWN", "pg3": "DOWN"}


class Service:
    """The service pg-primary of one load balancer: its file, its state file, its traffic."""

    def __init__(self, haproxy: HAProxy, patroni: Patroni, ip: str) -> None:
        self.haproxy = haproxy
        self.address = (ip, 5433)
        self.lines = [server_line(member) for member in patroni.members.values()]
        self.default_server = DEFAULT_SERVER
        self.state = haproxy.state_dir / f"{NAME}.state"

    def text(self, *, with_state: bool = True) -> str:
        folder = self.haproxy.state_dir if with_state else None
        bind = "{}:{}".format(*self.address)
        return service_file(NAME, bind, self.lines, state_dir=folder, default_server=self.default_server)

    @property
    def file(self) -> ServiceFile:
        return parse(NAME, self.text())

    def write(self, *, with_state: bool = True) -> None:
        self.haproxy.write(NAME, self.text(with_state=with_state))

    def rest(self) -> None:
        self.state.write_text(self.resting())

    def resting(self) -> str:
        return server_state.resting(self.file)

    def carried(self) -> str:
        """The file when every verdict of the worker is taken over whose check asks the same as in the file."""
        running = proxies(self.haproxy.api.servers_state(), self.haproxy.api.stat())
        loaded = {NAME: record.head(self.file)}
        return server_state.carried(self.file, Knowledge([self.file], loaded, running, {}, set).states[NAME])

    def reload(self) -> None:
        """As the collection reloads."""
        self.rest()
        with carried_states({self.state: self.carried()}):
            self.haproxy.reload()

    def settle(self) -> None:
        for server, status in SETTLED.items():
            self.haproxy.wait_status(NAME, server, status)


@pytest.fixture
def service(haproxy: HAProxy, patroni: Patroni, new_address: Callable[[], str]) -> Service:
    return Service(haproxy, patroni, new_address())


def cold_start(service: Service) -> Tally:
    """Connections from the first moment of the process on, until it has settled."""
    with Traffic(service.address, rate=300) as tally:
        service.haproxy.start()
        service.settle()
        wait_until(lambda: tally.answered["primary"] > 0)
    return tally


def test_cold_start_waits_for_the_checks(service: Service) -> None:
    service.write()
    service.rest()
    tally = cold_start(service)
    assert tally.misrouted() == 0, tally
    assert tally.answered["primary"] > 0, tally


def test_control_a_cold_start_without_state_misroutes(service: Service) -> None:
    service.write(with_state=False)
    tally = cold_start(service)
    assert tally.misrouted() > 0, tally


def test_a_server_that_the_state_file_does_not_name_starts_up(service: Service) -> None:
    """Why every server is written, also the new ones."""
    service.write()
    service.state.write_text("".join(line for line in service.resting().splitlines(True) if " pg2 " not in line))
    tally = cold_start(service)
    assert tally.members["pg2"] > 0, tally
    assert tally.members["pg3"] == 0, tally


def reloads_under_traffic(service: Service, reload: Callable[[], None], times: int) -> Tally:
    service.haproxy.start()
    service.settle()
    with Traffic(service.address, rate=500) as tally:
        for _each in range(times):
            reload()
    return tally


def test_reloads_with_carried_state_cost_no_connection(service: Service) -> None:
    service.write()
    service.rest()
    tally = reloads_under_traffic(service, service.reload, 5)
    print(tally)
    assert (tally.misrouted(), tally.lost) == (0, 0), tally
    assert service.state.read_text() == service.resting()


def test_control_plain_reloads_misroute(service: Service) -> None:
    service.write(with_state=False)
    tally = reloads_under_traffic(service, service.haproxy.reload, 5)
    print(tally)
    assert tally.misrouted() > 0, tally


def test_somebody_elses_reload_misroutes_nothing(service: Service) -> None:
    service.write()
    service.rest()
    tally = reloads_under_traffic(service, service.haproxy.reload, 1)
    assert tally.misrouted() == 0, tally


def test_maintenance_and_drain_survive_our_reload(service: Service) -> None:
    service.default_server = QUICK
    service.write()
    service.rest()
    service.haproxy.start()
    service.settle()
    service.haproxy.api.command(f"set server {NAME}/pg1 state drain")
    service.haproxy.api.command(f"set server {NAME}/pg2 state maint")
    service.reload()
    statuses = service.haproxy.statuses(NAME)
    assert (statuses["pg1"], statuses["pg2"], statuses["pg3"]) == ("DRAIN", "MAINT", "DOWN")


def test_the_configuration_wins_over_the_running_weight_and_port(service: Service) -> None:
    service.default_server = QUICK
    service.write()
    service.rest()
    service.haproxy.start()
    service.settle()
    service.haproxy.api.command(f"set server {NAME}/pg1 weight 7")
    service.lines[1] = service.lines[1].replace("weight 100", "weight 42").replace(":6432", ":6433")
    service.write()
    service.reload()
    rows = {row.srv_name: row for row in service.haproxy.api.servers_state()}
    assert [(row.uweight, row.iweight, row.port) for row in rows.values()] == [
        (100, 100, 6432),
        (42, 42, 6433),
        (100, 100, 6432),
    ]
    assert (rows["pg1"].op_state, rows["pg2"].op_state) == (2, 0)


def test_new_servers_start_down_and_removed_ones_are_no_trouble(
    service: Service, new_address: Callable[[], str]
) -> None:
    service.write()
    service.rest()
    service.haproxy.start()
    service.settle()
    service.lines[2] = f"server pg9 {new_address()}:6432 check port 8008 weight 100"
    service.write()
    service.reload()
    assert service.haproxy.statuses(NAME) == {"pg1": "UP", "pg2": "DOWN", "pg9": "DOWN"}


def test_a_server_without_checks_is_up_at_once(service: Service) -> None:
    service.lines = [line.replace("check port 8008 ", "") for line in service.lines]
    service.write()
    service.rest()
    service.haproxy.start()
    assert service.haproxy.statuses(NAME) == {"pg1": "no check", "pg2": "no check", "pg3": "no check"}
    rows = service.haproxy.api.servers_state()
    assert [row.op_state for row in rows] == [2, 2, 2]
    service.reload()
    assert [row.op_state for row in service.haproxy.api.servers_state()] == [2, 2, 2]

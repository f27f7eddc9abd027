# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command moves the primary while new connections wait on every load balancer."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import subprocess
import threading
import time
from collections.abc import Iterator

import pytest

from ansible_collections.pgsvc.access.tests.integration.playbook.fleet import Fleet
from ansible_collections.pgsvc.access.tests.support import binaries
from ansible_collections.pgsvc.access.tests.support.fixtures import private_address
from ansible_collections.pgsvc.access.tests.support.haproxy import HAProxy, wait_until
from ansible_collections.pgsvc.access.tests.support.patroni import Patroni
from ansible_collections.pgsvc.access.tests.support.service import QUICK
from ansible_collections.pgsvc.access.tests.support.traffic import Session, Tally, Traffic

SERVICES = [
    {"name": "primary", "port": 5433, "check": "/primary", "selector": "[]"},
    {"name": "replica", "port": 5434, "check": "/read-only", "selector": "[]", "backup": "[? pg_role == `primary`]"},
]
PASSWORD = "not-shown-anywhere"  # noqa: S105
PRIMARY = "pg-run-primary"


class Run:
    """Two load balancers, of a group of their own, that serve pg-run: a primary and a replica, ``pg-run-2``."""

    def __init__(self, fleet: Fleet, patroni: Patroni, load_balancers: dict[str, HAProxy]) -> None:
        self.fleet = fleet
        self.patroni = patroni
        self.load_balancers = load_balancers
        self.hosts = list(load_balancers)

    def declare(self, **variables: object) -> None:
        self.fleet.groups["pg-run"]["vars"].update(variables)
        self.fleet.save()

    def serving(self, status: str = "UP") -> set[str]:
        """The servers of the service primary that are up on any load balancer."""
        return {
            name
            for haproxy in self.load_balancers.values()
            for name, shown in haproxy.statuses(PRIMARY).items()
            if shown.startswith(status)
        }


@pytest.fixture
def run(fleet: Fleet) -> Iterator[Run]:
    fleet.groups.clear()
    hosts = [private_address() for _each in range(2)]
    members = [private_address() for _each in range(2)]
    fleet.cluster(
        "pg-run",
        members,
        pg_service_provider="proxy",
        pg_default_services=[{**service, "options": QUICK} for service in SERVICES],
        pg_service_hold=50,
        patroni_username="postgres",
        patroni_password=PASSWORD,
    )
    fleet.group("proxy", {host: {} for host in hosts})
    with contextlib.ExitStack() as stack:
        patroni = stack.enter_context(Patroni())
        for number, (address, role) in enumerate(zip(members, ("primary", "replica"), strict=True), 1):
            patroni.add(f"pg-run-{number}", address, role)
        patroni.switchovers(credentials=f"postgres:{PASSWORD}")
        binary = binaries.binary("2.6")
        run = Run(fleet, patroni, {h: stack.enter_context(fleet.run_haproxy(h, binary)) for h in hosts})
        fleet.publish("pg-run")
        wait_until(lambda: run.serving() == {"pg-run-1"}, timeout=20)
        for haproxy in run.load_balancers.values():
            haproxy.wait_status("pg-run-replica", "pg-run-2", "UP")
        yield run


@contextlib.contextmanager
def traffic(run: Run) -> Iterator[list[Tally]]:
    """New connections to the primary through every load balancer."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(Traffic((host, 5433), 20, patience=60)) for host in run.hosts]


def test_the_primary_moves_and_no_new_connection_fails(run: Run) -> None:
    first, second = run.hosts
    with traffic(run) as tallies, Session((first, 5433)) as session:
        moved = run.fleet.pgsql_svc("pg-run", "--switchover", "--yes")
        session.wait_cut(5)

    assert moved.code == 0, moved.text
    assert "pg-run: the primary moves from pg-run-1 to pg-run-2 (timeline 1, lag 0 B)" in moved.text
    assert moved.last.startswith("pgsql-svc: pg-run-2 is the primary, pg-run-1 was: ")
    assert "ms without a primary" in moved.last
    assert [tally.lost for tally in tallies] == [0, 0], tallies
    assert [tally.misrouted() for tally in tallies] == [0, 0], tallies
    assert all(set(tally.members) == {"pg-run-1", "pg-run-2"} for tally in tallies), tallies
    assert run.serving() == {"pg-run-2"}
    assert PASSWORD not in moved.text
    rows = [line.split() for line in moved.text.splitlines() if line.startswith((f"{first} ", f"{second} "))]
    assert [row[-1] for row in rows] == ["pg-run-2"] * 2

    # And back, with the member named: the declared roles are right again.
    back = run.fleet.pgsql_svc("pg-run", "--switchover", "pg-run-1", "--yes", "--", "-vvv")
    assert (back.code, run.serving()) == (0, {"pg-run-1"}), back.text
    assert PASSWORD not in back.text


def test_what_stands_in_the_way_is_said_and_nothing_is_changed(run: Run) -> None:
    run.patroni.pause()
    run.patroni.lag("pg-run-2", 2**25)

    stopped = run.fleet.pgsql_svc("pg-run", "--switchover", "pg-run-2", "--yes")

    assert stopped.code == 1, stopped.text
    for code in ("patroni_paused", "candidate_lags"):
        assert f"  !  {code}: " in stopped.text
    assert stopped.last == (
        "pgsql-svc: the primary of pg-run is not moved; correct what is found, or set pg_switchover_force (--force); "
        "nothing was changed"
    )
    assert run.serving() == {"pg-run-1"}

    forced = run.fleet.pgsql_svc("pg-run", "--switchover", "pg-run-2", "--yes", "--force")
    assert (forced.code, run.serving()) == (0, {"pg-run-2"}), forced.text


def test_a_load_balancer_that_cannot_be_reached_stops_it(run: Run) -> None:
    first = run.hosts[0]
    run.fleet.groups["proxy"]["hosts"][first].update(ansible_connection="ssh", ansible_port=1, ansible_host=first)
    run.fleet.save()

    stopped = run.fleet.pgsql_svc("pg-run", "--switchover", "--yes")

    assert stopped.code == 3, stopped.text
    assert "load_balancer_unreachable" in stopped.text
    assert run.serving() == {"pg-run-1"}


def test_wrong_credentials_are_noticed_before_anything_is_closed(run: Run) -> None:
    run.declare(patroni_password="another")  # noqa: S106

    stopped = run.fleet.pgsql_svc("pg-run", "--switchover", "--yes")

    assert stopped.code == 1, stopped.text
    assert (
        "refuses the request (401 no auth header received): set patroni_username and patroni_password" in stopped.text
    )
    assert run.serving() == {"pg-run-1"}


def test_a_switchover_that_patroni_refuses_opens_the_gates(run: Run) -> None:
    run.patroni.switchovers(credentials=f"postgres:{PASSWORD}", refusal=(503, "Switchover failed"))
    with traffic(run) as tallies:
        failed = run.fleet.pgsql_svc("pg-run", "--switchover", "--yes")
        time.sleep(0.5)

    assert failed.code == 1, failed.text
    assert "pg-run-1 was not replaced; Patroni: Patroni at" in failed.last, failed.text
    assert "answers 503: Switchover failed; new connections do not wait any more" in failed.last
    assert [tally.lost for tally in tallies] == [0, 0], tallies
    assert all(set(tally.members) == {"pg-run-1"} for tally in tallies)


def test_a_slow_switchover_is_waited_for(run: Run) -> None:
    run.patroni.switchovers(credentials=f"postgres:{PASSWORD}", stopping=10)
    moved = run.fleet.pgsql_svc("pg-run", "--switchover", "--yes")
    assert (moved.code, run.serving()) == (0, {"pg-run-2"}), moved.text


def test_without_hold_it_has_to_be_forced(run: Run) -> None:
    run.declare(pg_service_hold=0)
    assert run.fleet.pgsql_svc("pg-run").code == 0

    stopped = run.fleet.pgsql_svc("pg-run", "--switchover", "--yes")
    assert stopped.code == 1, stopped.text
    assert "! service_without_hold: ".replace("! ", "!  ") in stopped.text

    forced = run.fleet.pgsql_svc("pg-run", "--switchover", "--yes", "--force")
    assert (forced.code, run.serving()) == (0, {"pg-run-2"}), forced.text
    assert f"pgsql-svc: new connections of {PRIMARY} on {run.hosts[0]} did not wait: it has no hold" in forced.text


def test_check_mode_looks_only(run: Run) -> None:
    foretold = run.fleet.pgsql_svc("--check", "pg-run", "--switchover")
    assert foretold.code == 0, foretold.text
    assert "pg-run: the primary moves from pg-run-1 to pg-run-2" in foretold.text
    assert run.serving() == {"pg-run-1"}


def test_a_run_that_is_killed_leaves_no_closed_gate(run: Run) -> None:
    """The load balancers open their gates by themselves, and follow what has become of the primary."""
    run.patroni.switchovers(credentials=f"postgres:{PASSWORD}", stopping=60)
    command = [str(run.fleet.checkout / "bin/pgsql-svc"), "-i", str(run.fleet.inventory)]
    process = subprocess.Popen([*command, "pg-run", "--switchover", "--yes"], start_new_session=True)
    wait_until(lambda: gates(run) == {"closed"}, timeout=60)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    wait_until(lambda: gates(run) == {"open"}, timeout=60)
    with traffic(run) as tallies:
        run.patroni.failover("pg-run-1", "pg-run-2")
        wait_until(lambda: run.serving() == {"pg-run-2"}, timeout=20)
    assert all("pg-run-2" in tally.members for tally in tallies), tallies


def gates(run: Run) -> set[str]:
    values = [haproxy.api.variable("proc.pgsvc_gate.pg.run.primary") or 0 for haproxy in run.load_balancers.values()]
    return {"closed" if value > time.time() else "open" for value in values}


ANSWERS = [("yes", 0, {"pg-run-2"}), ("no", 1, {"pg-run-1"})]


@pytest.mark.parametrize(("answer", "code", "serving"), ANSWERS)
def test_it_asks_on_a_terminal(run: Run, answer: str, code: int, serving: set[str]) -> None:
    controller, terminal = pty.openpty()
    command = [str(run.fleet.checkout / "bin/pgsql-svc"), "-i", str(run.fleet.inventory), "pg-run", "--switchover"]
    process = subprocess.Popen(command, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True)
    os.close(terminal)
    text: list[str] = []

    def read() -> None:
        with contextlib.suppress(OSError):  # the end of a terminal
            while block := os.read(controller, 4096):
                text.append(block.decode())

    reader = threading.Thread(target=read, name="terminal")
    reader.start()
    wait_until(lambda: "Enter yes to go on" in "".join(text), timeout=60)
    time.sleep(0.5)
    os.write(controller, f"{answer}\r".encode())
    assert process.wait(timeout=90) == code, "".join(text)
    reader.join()
    os.close(controller)
    assert run.serving() == serving


def test_without_a_terminal_it_needs_yes(run: Run) -> None:
    refused = run.fleet.pgsql_svc("pg-run", "--switchover")
    assert refused.code == 1, refused.text
    assert "not confirmed: enter yes, or set pg_switchover_yes (--yes); nothing was changed" in refused.text
    assert run.serving() == {"pg-run-1"}


MISUSED = [
    (["--switchover", "a"], "pgsql-svc: --switchover takes one cluster; it concerns all of its load balancers"),
    (
        ["pg-run", "lb", "--switchover"],
        "pgsql-svc: --switchover takes one cluster; it concerns all of its load balancers",
    ),
    (["pg-run", "--switchover=a b"], "pgsql-svc: 'a b' is not the name of a member"),
    (["pg-run", "--switchover", "--drain", "a"], "pgsql-svc: --switchover and --drain: give one of them"),
    (["pg-run", "--switchover", "--wait", "3"], "pgsql-svc: --wait goes with --drain or --ready"),
]


@pytest.mark.parametrize(("words", "message"), MISUSED)
def test_options_that_make_no_sense_are_refused(fleet: Fleet, words: list[str], message: str) -> None:
    refused = fleet.pgsql_svc(*words)
    assert (refused.code, refused.last) == (3, message)


def test_a_wrong_member_is_refused_with_the_right_ones(fleet: Fleet) -> None:
    fleet.groups.clear()
    fleet.cluster("pg-run", [private_address(), private_address()])
    refused = fleet.pgsql_svc("pg-run", "--switchover", "pg-rum-2", "--yes")
    assert refused.code == 3, refused.text
    assert "- pg-run: 'pg-rum-2' is not a member of this cluster, did you mean 'pg-run-2'?" in refused.text


def test_yes_alone_is_refused(fleet: Fleet) -> None:
    refused = fleet.pgsql_svc("pg-run", "--yes")
    assert (refused.code, refused.last) == (2, "pgsql-svc: --yes goes with --switchover")

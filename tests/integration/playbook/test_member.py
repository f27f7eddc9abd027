# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command takes a member out of all services on every load balancer, and brings it back."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.pgsvc.access.tests.integration.playbook.fleet import Fleet
from ansible_collections.pgsvc.access.tests.support import binaries
from ansible_collections.pgsvc.access.tests.support.fixtures import private_address
from ansible_collections.pgsvc.access.tests.support.haproxy import HAProxy
from ansible_collections.pgsvc.access.tests.support.patroni import Patroni
from ansible_collections.pgsvc.access.tests.support.service import QUICK
from ansible_collections.pgsvc.access.tests.support.traffic import Session

SERVICES = [
    {"name": "primary", "port": 5433, "check": "/primary", "selector": "[]"},
    {
        "name": "replica",
        "port": 5434,
        "check": "/read-only",
        "selector": "[]",
        "backup": "[? pg_role == `primary`]",
    },
]
"""Of a cluster of two."""


class Run:
    """Two load balancers, of a group of their own, that serve pg-run: a primary and a replica, ``pg-run-2``."""

    def __init__(self, fleet: Fleet, patroni: Patroni, load_balancers: dict[str, HAProxy]) -> None:
        self.fleet = fleet
        self.patroni = patroni
        self.load_balancers = load_balancers
        self.hosts = list(load_balancers)


@pytest.fixture
def run(fleet: Fleet) -> Iterator[Run]:
    fleet.groups.clear()
    hosts = [private_address() for _each in range(2)]
    members = [private_address() for _each in range(2)]
    services = [{**service, "options": QUICK} for service in SERVICES]
    fleet.cluster("pg-run", members, pg_service_provider="proxy", pg_default_services=services)
    fleet.group("proxy", {host: {} for host in hosts})
    with contextlib.ExitStack() as stack:
        patroni = stack.enter_context(Patroni())
        for number, (address, role) in enumerate(zip(members, ("primary", "replica"), strict=True), 1):
            patroni.add(f"pg-run-{number}", address, role)
        binary = binaries.binary("2.6")
        run = Run(fleet, patroni, {h: stack.enter_context(fleet.run_haproxy(h, binary)) for h in hosts})
        fleet.publish("pg-run")
        for host in hosts:
            run.load_balancers[host].wait_status("pg-run-replica", "pg-run-2", "UP")
            run.load_balancers[host].wait_status("pg-run-primary", "pg-run-1", "UP")
        yield run


def rows(text: str) -> list[list[str]]:
    """The cells of the last table that was printed."""
    lines = text.splitlines()
    start = max(number for number, line in enumerate(lines) if line.startswith("LOAD BALANCER"))
    table = lines[start + 1 :]
    end = next(number for number, line in enumerate(table) if line.startswith("pgsql-svc:"))
    return [line.split() for line in table[:end]]


def test_a_member_is_taken_out_everywhere_and_comes_back(run: Run) -> None:
    first, second = run.hosts
    with Session((first, 5434)) as session:
        out = run.fleet.pgsql_svc("pg-run", "--drain", "pg-run-2")

        assert out.code == 0, out.text
        assert rows(out.text) == [
            [first, "pg-run-primary", "pg-run-2", "drain", "DOWN", "0"],
            [first, "pg-run-replica", "pg-run-2", "drain", "DRAIN", "1"],
            [second, "pg-run-primary", "pg-run-2", "drain", "DOWN", "0"],
            [second, "pg-run-replica", "pg-run-2", "drain", "DRAIN", "0"],
        ]
        assert out.last == "pgsql-svc: pg-run-2 drain on 2 load balancers: 2 changed, 0 unchanged; 1 session left"
        with Session((first, 5434)) as another:
            assert another.member == "pg-run-1"

        late = run.fleet.pgsql_svc("pg-run", "--drain", "pg-run-2", "--wait", "1")
        assert late.code == 1, late.text
        assert f"pg-run-2: 1 session left ({first} 1)" in late.text
        assert late.last == "pgsql-svc: pg-run-2 drain on 2 load balancers: 0 changed, 2 unchanged; 1 session left"
        assert session.ping()

    waited = run.fleet.pgsql_svc("pg-run", "--drain", "pg-run-2", "--wait", "20")
    assert (waited.code, waited.last.rpartition("; ")[2]) == (0, "0 sessions left"), waited.text

    back = run.fleet.pgsql_svc("pg-run", "--ready", "pg-run-2")
    assert back.code == 0, back.text
    assert back.last == (
        "pgsql-svc: pg-run-2 ready on 2 load balancers: 2 changed, 0 unchanged; it can get connections on 2 of 2"
    )
    with Session((second, 5434)) as session:
        assert session.member == "pg-run-2"
        maint = run.fleet.pgsql_svc("pg-run", second, "--maint", "pg-run-2")
        assert (maint.code, maint.last.rpartition("; ")[2]) == (0, "0 sessions left"), maint.text
        session.wait_cut(5)


def as_json(fleet: Fleet, *words: str) -> tuple[int, str, dict[str, Any]]:
    """The exit code of the command, its stderr, and what stdout has."""
    command = [str(fleet.checkout / "bin/pgsql-svc"), "-i", str(fleet.inventory), *words, "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr, json.loads(done.stdout)


def test_json_is_alone_on_stdout(run: Run) -> None:
    first, second = run.hosts
    run.fleet.groups["proxy"]["hosts"][second].update(ansible_connection="ssh", ansible_port=1, ansible_host=second)
    run.fleet.save()

    code, stderr, report = as_json(run.fleet, "pg-run", "--drain", "pg-run-2")

    assert code == report["exit_code"] == 3
    assert "LOAD BALANCER" in stderr
    assert "pgsql-svc: pg-run-2 drain on 2 load balancers: 1 changed, 0 unchanged, 1 failed; 0 sessions left" in stderr
    assert [report[name] for name in ("cluster", "member", "state", "check_mode")] == [
        "pg-run",
        "pg-run-2",
        "drain",
        False,
    ]
    done, failed = sorted(report["load_balancers"], key=lambda each: each["load_balancer"] == second)
    services = done.pop("services")
    assert done == {
        "load_balancer": first,
        "changed": True,
        "refused": False,
        "error": "",
        "settled": True,
        "sessions": 0,
    }
    assert {each["service"]: each["servers"][0]["status"] for each in services} == {
        "pg-run-primary": "DOWN",
        "pg-run-replica": "DRAIN",
    }
    assert failed["load_balancer"] == second
    assert f"{second} cannot be reached" in failed["error"]
    assert len(report["findings"]) == 1


def test_json_of_a_run_that_is_refused(fleet: Fleet) -> None:
    fleet.groups.clear()
    fleet.cluster("pg-run", [private_address()])
    code, stderr, report = as_json(fleet, "pg-run", "--maint", "pg-rum-1")
    assert code == 3
    assert "'pg-rum-1' is not a member of this cluster, did you mean 'pg-run-1'?" in stderr
    assert report == {
        "cluster": "pg-run",
        "member": "pg-rum-1",
        "state": "maint",
        "check_mode": False,
        "load_balancers": [],
        "findings": [],
        "exit_code": 3,
    }


def test_a_load_balancer_that_cannot_be_reached_is_named_and_the_others_are_done(run: Run) -> None:
    first, second = run.hosts
    run.fleet.groups["proxy"]["hosts"][first].update(ansible_connection="ssh", ansible_port=1, ansible_host=first)
    run.fleet.save()

    out = run.fleet.pgsql_svc("pg-run", "--drain=pg-run-2")

    assert out.code == 3, out.text
    assert f"pgsql-svc: failed ({first}): {first} cannot be reached" in out.text
    assert out.last == (
        "pgsql-svc: pg-run-2 drain on 2 load balancers: 1 changed, 0 unchanged, 1 failed; 0 sessions left"
    )
    assert run.load_balancers[second].statuses("pg-run-replica")["pg-run-2"] == "DRAIN"


def test_the_last_usable_server_is_refused_and_can_be_forced(run: Run) -> None:
    refused = run.fleet.pgsql_svc("pg-run", "--maint", "pg-run-1")

    assert refused.code == 1, refused.text
    for host in run.hosts:
        assert (
            f"pgsql-svc: refused ({host}): pg-run-primary would have no usable server without pg-run-1" in refused.text
        )
    assert refused.last.endswith(": 0 changed, 0 unchanged, 2 refused; 0 sessions left")

    forced = run.fleet.pgsql_svc("pg-run", "--maint", "pg-run-1", "--force")
    assert forced.code == 2, forced.text
    assert f"pgsql-svc: pg-run-primary has no usable server on {run.hosts[0]}" in forced.text


def test_a_member_that_does_not_pass_its_checks_needs_attention(run: Run) -> None:
    assert run.fleet.pgsql_svc("pg-run", "--maint", "pg-run-2").code == 0
    run.patroni.role(**{"pg-run-2": "stopped"})

    down = run.fleet.pgsql_svc("pg-run", "--ready", "pg-run-2", "--wait", "15")

    assert down.code == 1, down.text
    assert down.last.endswith("; it can get connections on 0 of 2")


def test_check_mode_changes_nothing(run: Run) -> None:
    foretold = run.fleet.pgsql_svc("--check", "--diff", "pg-run", "--drain", "pg-run-2", "--wait", "5")

    assert foretold.code == 0, foretold.text
    assert "+pg-run-replica/pg-run-2 drain" in foretold.text
    assert foretold.last.startswith("pgsql-svc: pg-run-2 drain on 2 load balancers: 2 would be changed, 0 unchanged;")
    assert run.load_balancers[run.hosts[0]].statuses("pg-run-replica")["pg-run-2"] == "UP"


def left_on_the_screen(text: str) -> list[str]:
    """The lines that a terminal shows in the end; ``\\x1b[1A\\x1b[2K`` goes up and clears the line."""
    screen: list[str] = []
    for line in text.splitlines():
        cleared = line.split("\x1b[1A\x1b[2K")
        screen = screen[: len(screen) - len(cleared) + 1]
        screen.append(cleared[-1])
    return screen


def test_on_a_terminal_the_table_stays_in_its_place(run: Run) -> None:
    controller, terminal = pty.openpty()
    command = [str(run.fleet.checkout / "bin/pgsql-svc"), "-i", str(run.fleet.inventory)]
    with Session((run.hosts[0], 5434)):
        process = subprocess.Popen(
            [*command, "pg-run", "--drain", "pg-run-2", "--wait", "2"], stdout=terminal, stderr=terminal
        )
        os.close(terminal)
        text = ""
        with contextlib.suppress(OSError):  # the end of a terminal
            while block := os.read(controller, 4096):
                text += block.decode()
        assert process.wait() == 1, text
    os.close(controller)
    assert text.count("LOAD BALANCER") > 2, text
    screen = "\n".join(left_on_the_screen(text))
    assert screen.count("LOAD BALANCER") == 1, screen
    assert len(rows(screen)) == 4


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["pg-rnu", "--drain", "pg-run-2"],
            "- pg-rnu: 'pg-rnu' is not a cluster of the inventory, did you mean 'pg-run'?; allowed: pg-run",
        ),
        (
            ["pg-run", "--drain", "pg-rum-2"],
            "- pg-run: 'pg-rum-2' is not a member of this cluster, did you mean 'pg-run-2'?;"
            " allowed: pg-run-1, pg-run-2",
        ),
        (
            ["pg-run", "fd00::9", "--ready", "pg-run-2"],
            "- pg-run: pg_service_targets: 'fd00::9' is not a load balancer of this cluster; allowed: {hosts}",
        ),
    ],
)
def test_wrong_names_are_refused_with_the_right_ones(fleet: Fleet, words: list[str], message: str) -> None:
    fleet.groups.clear()
    hosts = [private_address() for _each in range(2)]
    fleet.cluster("pg-run", hosts)

    refused = fleet.pgsql_svc(*words)

    assert refused.code == 3, refused.text
    assert message.format(hosts=", ".join(hosts)) in refused.text
    assert refused.last == "pgsql-svc: failed, no load balancer was changed"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["pg-run", "--drain", "a", "--maint", "a"], "pgsql-svc: --drain and --maint: give one of them"),
        (["pg-run", "--drain", "a b"], "pgsql-svc: 'a b' is not the name of a member"),
        (["pg-run", "--drain", "a", "--wait", "soon"], "pgsql-svc: --wait takes a number of seconds, not 'soon'"),
        (["pg-run", "a b", "--drain", "a"], "pgsql-svc: 'a b' is not a name or an address"),
        (
            ["pg-run", "--ready", "a", "--format", "env"],
            "pgsql-svc: 'env' is not a format of --ready; allowed: table, json",
        ),
    ],
)
def test_options_that_make_no_sense_are_refused(fleet: Fleet, words: list[str], message: str) -> None:
    refused = fleet.pgsql_svc(*words)
    assert (refused.code, refused.last) == (3, message)


@pytest.mark.parametrize("words", [["--wait", "5"], ["--force"], ["--format=json"]])
def test_options_of_a_member_are_refused_where_there_is_none(fleet: Fleet, words: list[str]) -> None:
    refused = fleet.pgsql_svc("pg-run", *words)
    said = "pgsql-svc: --wait, --force and --format go with --drain, --maint or --ready"
    assert (refused.code, refused.last) == (2, said)


@pytest.mark.parametrize(
    ("playbook", "words"), [("access", ["-t", "none"]), ("status", ["-e", "pg_service_clusters=pg-test"])]
)
def test_playbooks_that_publish_nothing_do_not_count_load_balancers(
    fleet: Fleet, playbook: str, words: list[str]
) -> None:
    said = fleet.playbook(*words, playbook=f"pgsvc.access.{playbook}")
    assert "PLAY RECAP" in said.text
    assert "pgsql-svc:" not in said.text


def test_the_playbook_alone(run: Run) -> None:
    variables = {"pg_member_cluster": "pg-run", "pg_member": "pg-run-2", "pg_member_state": "drain"}
    words = [word for name, value in variables.items() for word in ("-e", f"{name}={value}")]

    out = run.fleet.playbook(*words, playbook="pgsvc.access.member")

    assert out.code == 0, out.text
    assert out.last == "pgsql-svc: pg-run-2 drain on 2 load balancers: 2 changed, 0 unchanged; 0 sessions left"
    assert "not published" not in out.text

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes that no client notices: the real module on a real HAProxy, under traffic to a service of the primary.

The control, a plain implementation, is in ``test_control.py``: what is counted as nothing here is something there.
"""

from __future__ import annotations

import dataclasses
import os
import shlex
import subprocess
import time

import jinja2
import pytest

from ansible_collections.pgsvc.access.plugins.module_utils._host.lock import locked
from ansible_collections.pgsvc.access.tests.conftest import ROOT
from ansible_collections.pgsvc.access.tests.integration.hitless import scenarios
from ansible_collections.pgsvc.access.tests.integration.hitless.balancer import PRIMARY, Balancer
from ansible_collections.pgsvc.access.tests.integration.hitless.conftest import HARD_STOP_AFTER
from ansible_collections.pgsvc.access.tests.integration.publish.killed import run_killed
from ansible_collections.pgsvc.access.tests.support.haproxy import wait_until
from ansible_collections.pgsvc.access.tests.support.service import QUICK
from ansible_collections.pgsvc.access.tests.support.traffic import Session

DROP_IN = ROOT / "roles/haproxy/templates/pgsvc.conf"
SLACK = 2.0
"""Seconds that a busy machine may add to a bound."""


SHORT, LONG = 20, pytest.param(50, marks=pytest.mark.full)
"""How many changes a series has; never fewer than the twenty of which the sessions' promise speaks."""


@pytest.mark.spread
@pytest.mark.parametrize("times", [SHORT, LONG])
def test_reloads_cost_no_connection(balancer: Balancer, times: int) -> None:
    """With the check intervals that services have by default."""
    balancer.begin_service()
    series = scenarios.reload_series(balancer, times)
    print(series.tally)
    assert (series.changes, series.reloads) == (times, times)
    assert (series.tally.misrouted(), series.tally.lost) == (0, 0), series.tally
    assert balancer.publish(balancer.files_of(balancer.declared))["changed"] is False


@pytest.mark.spread
@pytest.mark.parametrize("times", [LONG, SHORT])  # the other way round: the short one runs on another release
def test_changes_of_servers_take_no_reload_and_no_protection(balancer: Balancer, times: int) -> None:
    """A session from before them is still there afterwards, and is cut when the primary fails over."""
    balancer.default_server = QUICK
    balancer.begin_service()
    worker = balancer.haproxy.worker

    def after() -> None:
        assert balancer.result["applied"]["method"] == "runtime", balancer.result["applied"]
        scenarios.equal_to_files(balancer)

    with Session(balancer.clients) as session:
        series = scenarios.member_series(balancer, times, after)
        print(series.tally)
        assert (series.changes, series.reloads, balancer.haproxy.worker) == (times, 0, worker)
        assert (series.tally.misrouted(), series.tally.lost) == (0, 0), series.tally
        assert session.ping()
        bound = scenarios.cut_bound(QUICK) + SLACK
        assert scenarios.failover(balancer, session, bound) is not None, f"still there after {bound:g} seconds"


def test_reloads_and_changes_of_servers_in_turns(balancer: Balancer) -> None:
    """Each reload begins with servers that came at run time, each run-time change with what a reload has left."""
    balancer.default_server = QUICK
    balancer.begin_service()
    both = balancer.declared
    one = dataclasses.replace(both, servers=(balancer.line("pg1"), balancer.line("pg3")))
    turns = [one, dataclasses.replace(one, maxconn=5001), dataclasses.replace(both, maxconn=5001), both]
    series = scenarios.series(balancer, turns, lambda: scenarios.equal_to_files(balancer))
    assert (series.changes, series.reloads) == (4, 2)
    assert (series.tally.misrouted(), series.tally.lost) == (0, 0), series.tally


def test_a_session_from_before_a_reload_is_cut_by_hard_stop_after(balancer: Balancer) -> None:
    balancer.default_server = QUICK
    balancer.begin_service()
    with Session(balancer.clients) as session:
        balancer.change(next(scenarios.heads(balancer.declared, 1)))
        reloaded = time.monotonic()
        assert balancer.result["old_workers"] == {"count": 1, "sessions": 1}
        balancer.patroni.failover("pg1", "pg2")
        assert session.wait_cut(HARD_STOP_AFTER + SLACK) - reloaded <= HARD_STOP_AFTER + SLACK
    wait_until(lambda: not balancer.haproxy.master.processes().old_workers)
    again = balancer.publish(balancer.files_of(balancer.declared))
    assert (again["changed"], again["old_workers"]) == (False, {"count": 0, "sessions": 0})


def test_a_repeated_run_adds_no_worker(balancer: Balancer) -> None:
    balancer.default_server = QUICK
    balancer.begin_service()
    with Session(balancer.clients):
        balancer.change(next(scenarios.heads(balancer.declared, 1)))
        before = balancer.haproxy.master.processes()
        again = balancer.publish(balancer.files_of(balancer.declared))
        after = balancer.haproxy.master.processes()
        assert (again["changed"], again["old_workers"]) == (False, {"count": 1, "sessions": 1})
        assert [worker.pid for worker in (*after.workers, *after.old_workers)] == [
            worker.pid for worker in (*before.workers, *before.old_workers)
        ]


def test_a_start_after_a_failover_finds_the_new_primary(balancer: Balancer) -> None:
    balancer.default_server = QUICK
    balancer.begin_service()
    balancer.change(next(scenarios.heads(balancer.declared, 1)))
    tally = scenarios.start_after_failover(balancer)
    assert (tally.misrouted(), tally.members["pg1"]) == (0, 0), tally


@pytest.mark.parametrize("killed", ["module", "module and guard"])
def test_a_state_left_by_a_killed_run_revives_no_old_primary(balancer: Balancer, killed: str) -> None:
    """The run is killed while the verdicts of the running worker lie on disk, and HAProxy with it."""
    balancer.default_server = QUICK
    balancer.begin_service()
    changes = (dataclasses.replace(balancer.declared, maxconn=maxconn) for maxconn in (5001, 5002))
    first, second = (balancer.files_of(declared) for declared in changes)
    number = run_killed(balancer, first, 0).index("carry the server states") + 1
    state = balancer.state_dir / f"{PRIMARY}.state"
    resting = state.read_text()
    if killed == "module":
        assert run_killed(balancer, second, number)[-1] == "carry the server states"
        wait_until(lambda: state.read_text() == resting)  # the guard's work
    else:
        assert run_killed(balancer, second, number, with_guard=True)[-1] == "carry the server states"
        assert state.read_text() != resting
        for command in ("ExecStartPre", "ExecReload"):
            check_that_it_leaves_a_run_alone(balancer, command)
        assert unit_command(balancer, "ExecStartPre") == unit_command(balancer, "ExecReload")
        assert subprocess.run(unit_command(balancer, "ExecStartPre"), check=False).returncode == 0
        assert state.read_text() == resting
    tally = scenarios.start_after_failover(balancer)
    assert (tally.misrouted(), tally.members["pg1"]) == (0, 0), tally


def unit_command(balancer: Balancer, setting: str) -> list[str]:
    """The first command of a setting in the unit of role haproxy, as systemd would run it (systemd.service(5))."""
    environment = jinja2.Environment(undefined=jinja2.ChainableUndefined)  # noqa: S701  not HTML
    environment.filters["dirname"] = os.path.dirname  # one of Ansible's
    unit = environment.from_string(DROP_IN.read_text(encoding="utf-8")).render(
        _haproxy_conf_dir=str(balancer.conf_dir),
        _haproxy_settings={"haproxy_state_dir": str(balancer.state_dir)},
        _haproxy_config_args=[],
        _haproxy_master_socket="/x",
        _haproxy_stats_socket="/x",
    )
    lines = (line.partition("=") for line in unit.splitlines())
    first = next(value for name, _equals, value in lines if name == setting and value)
    assert first.startswith("-"), "a failure does not keep HAProxy from starting"
    return shlex.split(first[1:].replace("$$", "$").replace("%%", "%"))


def check_that_it_leaves_a_run_alone(balancer: Balancer, setting: str) -> None:
    """While a run holds the lock, the carried states are there for its own reload, and the command leaves them."""
    state = balancer.state_dir / f"{PRIMARY}.state"
    carried = state.read_text()
    with locked(balancer.conf_dir, 1):
        assert subprocess.run(unit_command(balancer, setting), check=False).returncode == 1
    assert state.read_text() == carried


@pytest.mark.parametrize("what", ["reload", "restart", "crash"])
def test_somebody_elses_reload_or_restart_misroutes_nothing(balancer: Balancer, what: str) -> None:
    balancer.default_server = QUICK
    balancer.begin_service()
    haproxy = balancer.haproxy
    does = {"reload": haproxy.reload, "restart": haproxy.restart, "crash": lambda: haproxy.restart(kill=True)}
    tally = scenarios.by_somebody_else(balancer, does[what])
    print(what, tally)
    assert tally.misrouted() == 0, tally
    assert tally.answered["primary"] > 0, tally

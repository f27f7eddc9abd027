# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A member out of all services and back: what its clients notice, with declared and with live roles."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ansible_collections.pgsvc.access.tests.integration.live.changes import live, with_roles
from ansible_collections.pgsvc.access.tests.integration.member.member import (
    MEMBER,
    all_states,
    during,
    hold,
    is_serving,
    lost,
    reached,
    set_state,
    settled,
    states,
)
from ansible_collections.pgsvc.access.tests.integration.staying.changes import added, bind_more, of_member, options
from ansible_collections.pgsvc.access.tests.integration.staying.site import CLUSTER, Balancer, Site, serving
from ansible_collections.pgsvc.access.tests.support.haproxy import wait_until
from ansible_collections.pgsvc.access.tests.support.traffic import Tally

ROLES = ("declared", "live")


@pytest.fixture(params=ROLES)
def balancer(request: pytest.FixtureRequest, haproxy_binary: Path, tmp_path: Path) -> Iterator[Balancer]:
    """It serves, with declared and with live roles."""
    with serving(haproxy_binary, tmp_path) as balancer:
        if request.param == "live":
            live(balancer)
        yield balancer


@pytest.mark.spread
def test_drain_keeps_new_connections_away_and_sessions_alive(balancer: Balancer) -> None:
    with contextlib.ExitStack() as stack:
        session = hold(balancer, stack, "replica")

        tallies = during(balancer, lambda: set_state(balancer, "drain"))
        result = set_state(balancer, "drain")
        assert (result["changed"], result["sessions"], result["settled"]) == (False, 1, False), result
        assert all_states(result) == {"drain"}
        assert lost(tallies) == 0

        afterwards = during(balancer, lambda: None)
        assert (reached(afterwards), lost(afterwards)) == (0, 0)
        assert session.ping()
    assert settled(balancer, "drain")["sessions"] == 0


@pytest.mark.spread
def test_maint_ends_the_sessions(balancer: Balancer) -> None:
    with contextlib.ExitStack() as stack:
        session = hold(balancer, stack, "replica")
        other = hold(balancer, stack, "replica", f"{CLUSTER}-3")

        result = set_state(balancer, "maint")

        assert (result["changed"], result["sessions"], result["settled"]) == (True, 0, True), result
        assert all_states(result) == {"maint"}
        session.wait_cut(5)
        assert other.ping()
        afterwards = during(balancer, lambda: None)
        assert (reached(afterwards), lost(afterwards)) == (0, 0)
    assert set_state(balancer, "maint")["changed"] is False


@pytest.mark.spread
def test_maint_ends_sessions_that_a_reload_has_left_to_an_old_worker(balancer: Balancer) -> None:
    with contextlib.ExitStack() as stack:
        session = hold(balancer, stack, "replica")
        site = balancer.site.copy()
        bind_more(balancer, site)
        assert balancer.apply(site)["applied"]["method"] == "reload"
        assert set_state(balancer, "drain")["sessions"] == 1

        assert set_state(balancer, "maint")["sessions"] == 0
        session.wait_cut(5)


@pytest.mark.spread
def test_a_member_comes_back_from_drain_with_its_verdict(balancer: Balancer) -> None:
    set_state(balancer, "drain")

    tallies = during(balancer, lambda: set_state(balancer, "ready"))

    assert all_states(set_state(balancer, "ready")) == {"ready"}
    assert lost(tallies) == 0
    assert tallies["replica"].members[MEMBER] > 0
    assert misrouted(tallies) == 0


def misrouted(tallies: dict[str, Tally]) -> int:
    roles = {"primary": "primary", "default": "primary", "replica": "replica", "offline": "replica"}
    return sum(tally.misrouted({roles[name]}) for name, tally in tallies.items())


@pytest.mark.spread
def test_a_member_comes_back_from_maint_when_its_checks_pass(balancer: Balancer) -> None:
    set_state(balancer, "maint")

    def ready() -> None:
        assert all_states(settled(balancer, "ready")) == {"ready"}

    tallies = during(balancer, ready)

    assert (lost(tallies), misrouted(tallies)) == (0, 0)
    wait_until(lambda: is_serving(balancer), timeout=10)


@pytest.mark.spread
def test_a_member_that_fails_its_checks_now_gets_no_connection(balancer: Balancer) -> None:
    set_state(balancer, "maint")
    balancer.patroni.role(**{MEMBER: "stopped"})

    tallies = during(balancer, lambda: settled(balancer, "ready"), 1.0)

    assert (reached(tallies), lost(tallies), misrouted(tallies)) == (0, 0, 0)
    result = set_state(balancer, "ready")
    assert not any(server["usable"] for service in result["services"] for server in service["servers"])
    balancer.patroni.role(**{MEMBER: "replica"})
    wait_until(lambda: is_serving(balancer), timeout=10)


EDITS: dict[str, Callable[[Balancer, Site], None]] = {
    "reload": bind_more,
    "runtime": of_member(1, pg_weight=50),
    "a service added": added,
    "timings": options("inter 200ms", "inter 250ms"),
    "to live": with_roles("live"),
    "to declared": with_roles("declared"),
}
COMBINATIONS = [
    pytest.param(roles, state, edit, id=f"{roles}-{state}-{name}", marks=[pytest.mark.full] if turn else [])
    for turn in (0, 1)
    for number, (name, edit) in enumerate(EDITS.items(), turn)
    for state, roles in (("drain", ROLES[number % 2]), ("maint", ROLES[(number + 1) % 2]))
]
"""Every edit in either state, with declared and with live roles in turn; the other way round they are `full`."""


@pytest.mark.spread
@pytest.mark.parametrize(("balancer", "state", "edit"), COMBINATIONS, indirect=["balancer"])
def test_a_publish_never_ends_the_state(balancer: Balancer, state: str, edit: Callable[[Balancer, Site], None]) -> None:
    set_state(balancer, state)
    site = balancer.site.copy()
    edit(balancer, site)

    tallies = during(balancer, lambda: balancer.apply(site))

    result = set_state(balancer, state)
    assert all_states(result) == {state}
    assert not result["changed"], result["commands"]
    assert (reached(tallies), lost(tallies), misrouted(tallies)) == (0, 0, 0)
    settled(balancer, "ready")
    wait_until(lambda: is_serving(balancer), timeout=10)
    assert not balancer.apply(balancer.site)["changed"]


@pytest.mark.spread
def test_a_reload_by_others_ends_the_state_and_misroutes_nothing(balancer: Balancer) -> None:
    set_state(balancer, "drain")

    balancer.haproxy.reload()
    balancer.settle()

    result = set_state(balancer, "ready")
    assert (result["changed"], all_states(result)) == (False, {"ready"})
    wait_until(lambda: is_serving(balancer), timeout=10)


@pytest.mark.spread
def test_the_last_usable_server_of_a_service_stays_unless_forced(balancer: Balancer) -> None:
    primary = f"{CLUSTER}-1"

    refused = set_state(balancer, "drain", primary)

    assert refused["failed"], refused
    assert refused["msg"] == (
        f"{CLUSTER}-default, {CLUSTER}-primary would have no usable server without {primary}; bring another member up "
        "first, or set force (pgsql-svc --force)"
    )
    assert (refused["refused"], refused["changed"], all_states(refused)) == (True, False, {"ready"})
    forced = set_state(balancer, "drain", primary, force=True)
    assert (forced["changed"], all_states(forced)) == (True, {"drain"})
    assert {s["service"]: s["usable"] for s in forced["services"]}[f"{CLUSTER}-primary"] == 0


@pytest.mark.spread
def test_check_mode_tells_what_would_be_done_and_does_nothing(balancer: Balancer) -> None:
    foretold = set_state(balancer, "maint", check=True)
    assert foretold["changed"]
    assert all_states(foretold) == {"ready"}
    assert set_state(balancer, "maint", check=True)["commands"] == foretold["commands"]

    done = set_state(balancer, "maint")

    assert done["commands"] == foretold["commands"]
    assert done["diff"] == foretold["diff"]
    assert " ready\n" in done["diff"][0]["before"]
    assert " maint\n" in done["diff"][0]["after"]


@pytest.mark.spread
def test_another_member_is_not_touched_and_neither_are_files_of_others(balancer: Balancer) -> None:
    name = f"{CLUSTER}-own"
    address = balancer.new_address()
    balancer.haproxy.write(
        name,
        f"listen {name}\n    bind {address}:5499\n    mode tcp\n    server {MEMBER} {address}:9\n",
    )
    balancer.haproxy.reload()
    balancer.settle()

    result = set_state(balancer, "drain")

    assert name not in states(result)
    assert balancer.haproxy.statuses(name) == {MEMBER: "no check"}
    others = {row.admin_state for row in balancer.haproxy.api.servers_state() if MEMBER not in row.srv_name}
    assert others == {0}


@pytest.mark.spread
def test_a_member_without_a_server_is_refused_with_those_that_have_one(balancer: Balancer) -> None:
    refused = set_state(balancer, "drain", f"{CLUSTER}-9")
    assert refused["msg"] == (
        f"no service of {CLUSTER} that runs here has a server of '{CLUSTER}-9'; members with servers in "
        f"{balancer.conf_dir}: {CLUSTER}-1, {CLUSTER}-2, {CLUSTER}-3"
    )

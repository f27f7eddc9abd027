# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""New connections of a service that has no usable server wait for one, no longer than `hold` says."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgsvc.access.plugins.module_utils._publish import hold
from ansible_collections.pgsvc.access.tests.integration.hold.waiting import (
    PRIMARY,
    alerts,
    crowd,
    demote,
    held,
    leave,
    promote,
    publish,
)
from ansible_collections.pgsvc.access.tests.integration.staying.site import CLUSTER, Balancer
from ansible_collections.pgsvc.access.tests.support.haproxy import wait_until
from ansible_collections.pgsvc.access.tests.support.traffic import Session, Traffic


@pytest.mark.parametrize("roles", ["declared", "live"])
def test_new_connections_wait_for_the_new_primary(balancer: Balancer, roles: str) -> None:
    publish(balancer, pg_service_hold=10, pg_service_roles=roles)
    demote(balancer)
    with crowd(balancer, 500) as clients:
        wait_until(lambda: held(balancer) == 500)
        time.sleep(2)
        promote(balancer)
    assert clients.answers == {f"{CLUSTER}-2 primary": 500}, clients
    assert alerts(balancer) == []


@pytest.mark.parametrize("haproxy_binary", ["3.0"], indirect=True)  # where `slowstart` would make most of them fail
def test_with_the_default_options_all_of_them_get_through(balancer: Balancer) -> None:
    site = balancer.site.copy()
    for service in site.services.values():
        del service["options"]
    site.cluster.update(pg_service_hold=60)
    balancer.apply(site)
    demote(balancer)
    with crowd(balancer, 500) as clients:
        wait_until(lambda: held(balancer) == 500)
        promote(balancer)
    assert clients.answers == {f"{CLUSTER}-2 primary": 500}, clients


def test_without_hold_they_fail(balancer: Balancer) -> None:
    demote(balancer)
    with crowd(balancer, 500) as clients:
        pass
    assert (clients.failed, clients.answers) == (500, {}), clients


def test_they_fail_after_the_hold_and_none_hangs(balancer: Balancer) -> None:
    publish(balancer, pg_service_hold=2)
    demote(balancer)
    with crowd(balancer, 200) as clients:
        pass
    assert (clients.failed, clients.hanging) == (200, 0), clients
    assert min(clients.seconds) >= 2, clients
    assert alerts(balancer) == []
    wait_until(lambda: held(balancer) == 0)


def test_clients_that_leave_are_forgotten(balancer: Balancer) -> None:
    publish(balancer, pg_service_hold=60)
    demote(balancer)
    clients = leave(balancer, 100)
    wait_until(lambda: held(balancer) == 100)
    for client in clients[:90]:
        client.close()
    wait_until(lambda: held(balancer) == 10)
    for client in clients[90:]:
        client.close()
    assert alerts(balancer) == []


def test_connections_do_not_wait_while_there_is_a_server(balancer: Balancer) -> None:
    publish(balancer, pg_service_hold=60)
    with crowd(balancer, 200) as clients:
        pass
    assert clients.answers == {f"{CLUSTER}-1 primary": 200}, clients


def test_one_service_can_hold(balancer: Balancer) -> None:
    site = balancer.site.copy()
    site.services["primary"]["hold"] = 10
    balancer.apply(site)
    balancer.settle()
    contents = {path.stem: hold.ACTION in path.read_text() for path in balancer.conf_dir.glob("*.cfg")}
    assert {name for name, uses in contents.items() if uses} == {PRIMARY}


def test_hold_is_switched_on_and_off_under_traffic(balancer: Balancer) -> None:
    with Traffic(balancer.endpoint("primary"), 100) as tally, Session(balancer.endpoint("primary")) as session:
        for seconds in (5, 0, 5):
            result = publish(balancer, pg_service_hold=seconds)
            assert (result["applied"]["method"], result.get("warnings")) == ("reload", None)
            assert (balancer.state_dir / hold.NAME).exists() is (seconds > 0)
        assert session.ping()
    assert (tally.lost, tally.misrouted()) == (0, 0), tally
    assert tally.total > 100, tally
    assert publish(balancer, pg_service_hold=5)["changed"] is False
    balancer.haproxy.restart()
    balancer.haproxy.wait_status(PRIMARY, f"{CLUSTER}-1", "UP")


def _publish_beside(balancer: Balancer, **variables: Any) -> tuple[threading.Thread, list[dict[str, Any]]]:
    site, results = balancer.site.copy(), list[dict[str, Any]]()
    site.cluster.update(variables)
    thread = threading.Thread(target=lambda: results.append(balancer.apply(site)))
    thread.start()
    return thread, results


def test_a_reload_waits_for_connections_that_wait(balancer: Balancer) -> None:
    publish(balancer, pg_service_hold=20)
    demote(balancer)
    with crowd(balancer, 100) as clients:
        wait_until(lambda: held(balancer) == 100)
        publishing, results = _publish_beside(balancer, pg_service_hold=21)
        wait_until(lambda: "21000" in (balancer.conf_dir / f"{PRIMARY}.cfg").read_text(), timeout=20)
        time.sleep(1)
        promote(balancer)
        publishing.join()
    assert clients.answers == {f"{CLUSTER}-2 primary": 100}, clients
    assert results[0]["applied"]["method"] == "reload"
    assert f"seconds for a server of {PRIMARY}, because new connections were held" in results[0]["applied"]["reason"]
    assert "warnings" not in results[0]


@pytest.mark.spread
@pytest.mark.parametrize("is_up", [True, False])
def test_nobody_waits_in_a_process_that_is_stopping(balancer: Balancer, is_up: bool) -> None:
    """It forwards them if it knows a server, or closes them: clients that connect again wait in the new process."""
    publish(balancer, pg_service_hold=60)
    demote(balancer)
    with crowd(balancer, 100) as clients:
        wait_until(lambda: held(balancer) == 100)
        if is_up:
            promote(balancer)
            balancer.haproxy.wait_status(PRIMARY, f"{CLUSTER}-2", "UP")
        balancer.haproxy.reload()
    assert max(clients.seconds) < 60, clients
    assert (clients.failed, clients.hanging) == (0 if is_up else 100, 0), clients
    with crowd(balancer, 100) as clients:
        promote(balancer)
    assert clients.answers == {f"{CLUSTER}-2 primary": 100}, clients


def test_a_reload_does_not_wait_longer_than_the_hold(balancer: Balancer) -> None:
    publish(balancer, pg_service_hold=1)
    demote(balancer)
    with Traffic(balancer.endpoint("primary"), 100):
        wait_until(lambda: held(balancer) > 0)
        publishing, results = _publish_beside(balancer, pg_service_hold=3)
        publishing.join()
    assert results[0]["applied"]["method"] == "reload"
    assert [w for w in results[0]["warnings"] if f"of {PRIMARY}), as no server came up within 1 seconds" in w], results


def _without_lua(binary: Path, folder: Path) -> Path:
    """A HAProxy that says that it has no Lua."""
    wrapper = folder / "haproxy-without-lua"
    edit = "s/ +LUA / -LUA /; s/^Built with Lua.*/Built without Lua support/"
    wrapper.write_text(f'#!/bin/sh\nif [ "$1" = -vv ]; then {binary} -vv | sed "{edit}"; else exec {binary} "$@"; fi\n')
    wrapper.chmod(0o755)
    return wrapper


def test_a_haproxy_without_lua_is_refused(balancer: Balancer, haproxy_binary: Path, tmp_path: Path) -> None:
    site = balancer.site.copy()
    site.services["primary"]["hold"] = 5
    arguments = site.files()
    before = balancer.snapshot()
    wrapper = _without_lua(haproxy_binary, tmp_path)
    for check in (True, False):
        result = balancer.publish(arguments["files"], check=check, **_others(arguments), binary=str(wrapper))
        assert result["msg"] == (
            f"hold of {PRIMARY} needs a HAProxy with Lua, which {wrapper} was built without (haproxy -vv): install one "
            "that has it, as the packages of Debian do, or set hold of these services, or pg_service_hold, to 0. "
            "Nothing was changed"
        )
    assert balancer.snapshot() == before


def _others(arguments: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if name != "files"}


def test_check_mode_validates_without_writing_the_script(balancer: Balancer) -> None:
    site = balancer.site.copy()
    site.cluster.update(pg_service_hold=5)
    arguments = site.files()
    before = balancer.snapshot()
    result = balancer.publish(arguments["files"], check=True, **_others(arguments))
    assert (result["changed"], result["applied"]["method"], result.get("warnings")) == (True, "reload", None)
    assert balancer.snapshot() == before


def test_files_that_haproxy_rejects_leave_no_script(balancer: Balancer) -> None:
    site = balancer.site.copy()
    site.cluster.update(pg_service_hold=5)
    arguments = site.files()
    arguments["files"][0]["content"] += "    no such directive\n"
    before = balancer.snapshot()
    result = balancer.publish(arguments["files"], **_others(arguments))
    assert "HAProxy rejects the new files" in result["msg"]
    assert balancer.snapshot() == before


@pytest.mark.spread
@pytest.mark.parametrize("damage", ["lost", "changed"])
def test_a_script_that_is_lost_or_changed_is_written_again(balancer: Balancer, damage: str) -> None:
    publish(balancer, pg_service_hold=5)
    script = balancer.state_dir / hold.NAME
    assert script.stat().st_mode & 0o777 == 0o600
    script.unlink() if damage == "lost" else script.write_text("-- empty\n")
    result = publish(balancer)
    assert result["changed"] is True
    assert result["warnings"] == [f"{script}, which HAProxy loads, was missing or wrong and is rewritten"]
    assert script.read_text() == hold.SCRIPT
    assert publish(balancer)["changed"] is False

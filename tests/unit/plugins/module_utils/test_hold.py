# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who waits for a server, where the script for it is, and whether HAProxy can run it."""

from __future__ import annotations

import string
from pathlib import Path

import pytest

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.proxies import Proxy
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.version import lacks_lua
from ansible_collections.pgsvc.access.plugins.module_utils._host.deadlines import HELD, LOCK
from ansible_collections.pgsvc.access.plugins.module_utils._publish import hold
from ansible_collections.pgsvc.access.plugins.module_utils._publish.hold import Script
from ansible_collections.pgsvc.access.plugins.module_utils._publish.service_file import ServiceFile, adoptable, parse
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.defaults import HOLDS


def proxy(frontend: str, backend: str, status: str = "DOWN") -> Proxy:
    row = {"scur": backend, "status": status}
    return Proxy("a", {}, {"FRONTEND": {"scur": frontend}, "BACKEND": row}, row)


HELD_BY: dict[str, tuple[Proxy, dict[str, int]]] = {
    "none": (proxy("0", "0"), {}),
    "some": (proxy("7", "0"), {"a": 7}),
    "beside sessions of before": (proxy("7", "3"), {"a": 4}),
    "no longer, as there is a server": (proxy("7", "3", "UP"), {}),
    "all were handed on": (proxy("3", "3"), {}),
    "no number": (proxy("", ""), {}),
    "a backend": (Proxy("a"), {}),
}


@pytest.mark.parametrize("case", HELD_BY)
def test_held(case: str) -> None:
    running, expected = HELD_BY[case]
    assert hold.held(["a", "not running"], {"a": running, "b": proxy("9", "0")}) == expected


def test_held_of_a_service_that_has_a_server_again() -> None:
    assert hold.held(["a"], {"a": proxy("7", "3", "UP")}, with_server=True) == {"a": 4}


def test_every_hold_fits_into_the_deadline() -> None:
    assert HOLDS[1] <= HELD < LOCK


USES: list[tuple[str, dict[str, float]]] = [
    ("listen a\n    tcp-request content lua.pgsvc_hold a proc.x 1500 if { nbsrv(a) eq 0 }\n", {"a": 1.5}),
    ("listen a\n    # tcp-request content lua.pgsvc_hold a proc.x 1500 if { nbsrv(a) eq 0 }\n", {}),
    ("listen a\n    tcp-request content lua.other a proc.x 1500 if { nbsrv(a) eq 0 }\n", {}),
    ("listen a\n", {}),
]


@pytest.mark.parametrize(("text", "expected"), USES)
def test_holds(text: str, expected: dict[str, float]) -> None:
    assert hold.holds([text.encode()]) == expected


UNTIL: list[tuple[int | None, bool]] = [
    (None, False),  # never closed, or the process is a new one
    (0, False),  # opened
    (999, False),
    (1000, False),
    (1001, True),
    (1000 + hold.LONGEST_CLOSED, True),
    (1001 + hold.LONGEST_CLOSED, False),  # the clock was set
]


@pytest.mark.parametrize(("until", "expected"), UNTIL)
def test_is_closed(until: int | None, expected: bool) -> None:
    assert hold.is_closed(until, 1000.5) is expected


def test_services_have_gates_of_their_own() -> None:
    names = ["pg-test-a", "pg_test-a", "pg.test-a", "pg-test.a", "pg-test_a", "pg_-test-a", "pg-_test-a", "pg--test-a"]
    gates = [hold.gate(name) for name in names]
    assert len(set(gates)) == len(names)
    assert all(set(gate) <= {*string.ascii_lowercase, ".", "_"} for gate in gates)


def service(path: object) -> ServiceFile:
    return parse("a", f"global\n    lua-load {path}\nlisten a\n    bind *:1\n")


def test_a_leading_global_section_is_no_service_of_others_to_adopt() -> None:
    assert adoptable("a", "listen a\n    bind *:1\n")
    assert not adoptable("a", "global\n    lua-load /x.lua\nlisten a\n    bind *:1\n")


def test_the_script_is_written_and_removed(tmp_path: Path) -> None:
    path, old, unnamed = tmp_path / hold.NAME, tmp_path / "pgsvc-hold-0123.lua", tmp_path / "pgsvc-hold-4567.lua"
    old.write_text("-- of an older version")
    unnamed.write_text("-- of a version before")
    script = Script(tmp_path, [service(path), service(old), parse("b", "listen b\n    bind *:2\n")])
    assert script.is_missing()
    script.write()
    assert not script.is_missing()
    assert (path.read_text(), path.stat().st_mode & 0o777) == (hold.SCRIPT, 0o600)
    script.drop_others()
    assert set(tmp_path.iterdir()) == {path, old}
    Script(tmp_path, [service(old)]).drop_others()
    assert set(tmp_path.iterdir()) == {old}


def test_the_script_is_not_written_for_services_that_do_not_hold(tmp_path: Path) -> None:
    for text in ("", "global\n", "global\n    lua-load\n", "global\n    maxconn 1\n", "listen a\n    bind *:1\n"):
        Script(tmp_path, [parse("a", text)]).write()
    assert list(tmp_path.iterdir()) == []


BANNERS: dict[str, bool] = {
    "Feature list : -51DEGREES +LUA +OPENSSL\nBuilt with Lua version : Lua 5.4.7\n": False,
    "Feature list : -51DEGREES -LUA +OPENSSL\nBuilt without Lua support\n": True,
    "Feature list : -51DEGREES -LUA\n": True,
    "Built without Lua support\n": True,
    "HAProxy version 3.0.11": False,
}


@pytest.mark.parametrize("banner", BANNERS)
def test_lacks_lua(banner: str) -> None:
    assert lacks_lua(banner) is BANNERS[banner]

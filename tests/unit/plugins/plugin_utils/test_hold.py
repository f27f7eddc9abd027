# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`pg_service_hold` and `hold`: what the file of a service says whose new connections wait for a server."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.pgsvc.access.plugins.module_utils._publish import hold
from ansible_collections.pgsvc.access.plugins.module_utils._publish.service_file import parse
from ansible_collections.pgsvc.access.plugins.plugin_utils._plan.rendering import render_service
from ansible_collections.pgsvc.access.tests.unit.plugins.plugin_utils.planning import pg_test, plan, service

STATE_DIR = "/var/lib/haproxy/pgsvc"
NAME = "pg-test-extra"
GATE = "proc.pgsvc_gate.pg.test.extra"


def rendered(fields: dict[str, Any], **variables: Any) -> str:
    """The file of one service of pg-test."""
    hosts = pg_test(pg_default_services=[service(check="/primary", **fields)], **variables)
    return render_service(plan(hosts).publications["10.10.10.11"].services[0], STATE_DIR)


def test_the_file_of_a_service_that_holds() -> None:
    """It says what one without hold says, and two things more."""
    plain = rendered({}).replace("slowstart 30s ", "")
    text = rendered({"hold": 10})
    loads = f"global\n    lua-load {STATE_DIR}/{hold.NAME}\nlisten {NAME}\n"
    waits = (
        "    tcp-request inspect-delay 12s\n"
        f"    tcp-request content lua.pgsvc_hold {NAME} {GATE} 10000 if {{ nbsrv({NAME}) eq 0 }}"
        f" || {{ var({GATE}) -m int gt 0 }}\n"
    )
    assert loads in text and waits in text
    assert text.replace(loads, f"listen {NAME}\n").replace(waits, "") == plain


HOLDS: list[tuple[dict[str, Any], dict[str, Any], int]] = [
    ({}, {}, 0),
    ({"hold": 0}, {}, 0),
    ({}, {"pg_service_hold": 5}, 5),
    ({"hold": 0}, {"pg_service_hold": 5}, 0),
    ({"hold": "60"}, {"pg_service_hold": "5"}, 60),
    ({"roles": "live", "hold": 7}, {}, 7),
]


@pytest.mark.parametrize(("fields", "variables", "seconds"), HOLDS)
def test_which_services_hold(fields: dict[str, Any], variables: dict[str, Any], seconds: int) -> None:
    text = rendered(fields, **variables)
    assert hold.holds([text.encode()]) == ({NAME: float(seconds)} if seconds else {})
    assert ("global" in text) is ("lua" in text) is (seconds > 0)


def test_a_service_without_hold_is_as_it_was() -> None:
    assert rendered({"hold": 0}) == rendered({}) == rendered({}, pg_service_hold=0)


def test_a_service_without_members_does_not_hold() -> None:
    fields = {"selector": "[? pg_role == `delayed`]"}
    assert rendered({**fields, "hold": 10}) == rendered({**fields, "hold": 0}).replace("slowstart 30s ", "")


OWN = "inter 1s slowstart 9s"
SLOWSTART: list[tuple[dict[str, Any], dict[str, Any], bool]] = [
    ({}, {}, True),
    ({"hold": 5}, {}, False),
    ({}, {"pg_service_hold": 5}, False),
    ({"hold": 5}, {"pg_rto": "fast"}, False),
    ({"hold": 5, "options": OWN}, {}, True),
    ({"hold": 5, "roles": "live"}, {}, False),
]


@pytest.mark.parametrize(("fields", "variables", "slowly"), SLOWSTART)
def test_a_server_takes_all_that_waited_unless_options_say_otherwise(
    fields: dict[str, Any], variables: dict[str, Any], slowly: bool
) -> None:
    assert ("slowstart" in rendered(fields, **variables)) is slowly


def test_the_file_is_read_as_that_of_a_service() -> None:
    text = rendered({"hold": 10})
    file, plain = parse(NAME, text), parse(NAME, rendered({"hold": 0}))
    assert (file.owner, file.is_backend, file.tracks) == ("member/pg-test", False, False)
    assert file.binds == {"*:5440"}
    assert file.state_file == f"{STATE_DIR}/{NAME}.state"
    assert (file.check_lines, file.servers) == (plain.check_lines, plain.servers)
    assert file.last("maxconn") == "5000"
    digests = {parse(NAME, rendered({"hold": seconds})).head_digest for seconds in (0, 10, 11)}
    assert len(digests) == 3

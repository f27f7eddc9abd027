# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`pg_rto` and `pg_rto_plan`: the timings of health checks by a name."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.pgsvc.access.plugins.plugin_utils._input.defaults import SERVICE
from ansible_collections.pgsvc.access.plugins.plugin_utils._plan.rendering import render_service
from ansible_collections.pgsvc.access.tests.unit.plugins.plugin_utils.planning import (
    Wrong,
    assert_problems,
    found,
    pg_test,
    plan,
    service,
)

REST = "on-marked-down shutdown-sessions slowstart 30s maxconn 3000 maxqueue 128 weight 100"
WITHOUT_SLOWSTART = REST.replace("slowstart 30s ", "")
MINE = [1, 2, 3, 4, 5, "1500ms", 0.25, "1m", "1", 5]
ALLOWED = "allowed: a number with ms, s or m, such as 2s or 0.5s, up to an hour"


def options(**variables: Any) -> dict[str, str]:
    """The `default-server` line of each service of pg-test, without those that are as the one before."""
    services = plan(pg_test(**variables)).publications["10.10.10.11"].services
    return {each.service: each.options for each in services}


TIMINGS: list[tuple[dict[str, Any], str]] = [
    ({}, "inter 3s fastinter 1s downinter 5s rise 3 fall 3"),
    ({"pg_rto": None}, "inter 3s fastinter 1s downinter 5s rise 3 fall 3"),
    ({"pg_rto": 30}, "inter 3s fastinter 1s downinter 5s rise 3 fall 3"),
    ({"pg_rto": "30"}, "inter 3s fastinter 1s downinter 5s rise 3 fall 3"),
    ({"pg_rto": "instant"}, "inter 250ms fastinter 100ms downinter 250ms rise 1 fall 2"),
    ({"pg_rto": "fast"}, "inter 1s fastinter 500ms downinter 1s rise 3 fall 3"),
    ({"pg_rto": "norm"}, "inter 2s fastinter 1s downinter 2s rise 3 fall 3"),
    ({"pg_rto": "safe"}, "inter 3s fastinter 1500ms downinter 3s rise 3 fall 3"),
    ({"pg_rto": "wide"}, "inter 4s fastinter 2s downinter 4s rise 3 fall 3"),
    ({"pg_rto_plan": {"mine": MINE}}, "inter 3s fastinter 1s downinter 5s rise 3 fall 3"),
    (
        {"pg_rto": "mine", "pg_rto_plan": {"mine": [*MINE[:6], "0.25s", *MINE[7:]]}},
        "inter 1500ms fastinter 250ms downinter 60s rise 1 fall 5",
    ),
    (
        {"pg_rto": "fast", "pg_rto_plan": {"fast": [1, 1, 1, 1, 1, "5s", "5s", "5s", 9, 9]}},
        "inter 5s fastinter 5s downinter 5s rise 9 fall 9",
    ),
]


@pytest.mark.parametrize(("variables", "expected"), TIMINGS)
def test_timings(variables: dict[str, Any], expected: str) -> None:
    lines = options(**variables)
    assert lines["replica"] == lines["offline"] == f"{expected} {REST}"
    # One server serves at a time there: a slow start would only delay the new one.
    rest = REST if "pg_rto" not in variables or variables["pg_rto"] in (None, 30, "30") else WITHOUT_SLOWSTART
    assert lines["primary"] == lines["default"] == f"{expected} {rest}"


def test_the_options_of_a_service_win() -> None:
    own = "inter 9s rise 2 on-marked-down shutdown-sessions"
    lines = options(pg_rto="fast", pg_services=[service(options=own), service(name="same", port=5441)])
    assert (lines["extra"], lines["same"]) == (own, lines["primary"])
    default = SERVICE["options"]
    assert options(pg_rto="fast", pg_services=[service(options=default)])["extra"] == default


ROLE_AND_STATE = [
    "http-check send meth GET uri /primary",
    "http-check expect status 200",
    """http-check expect rstring '"state": "(running|unknown)"'""",
    """http-check expect rstring '"role": "(primary|master)"'""",
]
STATUS = "http-check expect status 200"
CHECKS: list[tuple[dict[str, Any], str, list[str]]] = [
    ({"pg_rto": "instant"}, "primary", ROLE_AND_STATE),
    ({"pg_rto": "instant"}, "default", ROLE_AND_STATE),
    ({"pg_rto": "instant"}, "replica", ["http-check send meth OPTIONS uri /read-only", STATUS]),
    ({"pg_rto": "fast"}, "primary", ["http-check send meth OPTIONS uri /primary", STATUS]),
    ({}, "primary", ["http-check send meth OPTIONS uri /primary", STATUS]),
]


@pytest.mark.parametrize(("variables", "name", "expected"), CHECKS)
def test_one_check_is_enough_where_the_answer_is_read(
    variables: dict[str, Any], name: str, expected: list[str]
) -> None:
    """Of a switchover's two primaries, one shuts down and the other has not left recovery, and both answer with 200."""
    services = {each.service: each for each in plan(pg_test(**variables)).publications["10.10.10.11"].services}
    lines = render_service(services[name], "/var/lib/haproxy/pgsvc").splitlines()
    assert [line.strip() for line in lines if line.strip().startswith("http-check")] == expected


MISTAKES: list[tuple[dict[str, Any], Wrong]] = [
    (
        {"pg_rto": "fst"},
        Wrong(
            "unknown-name",
            "fst",
            "pg_rto",
            says="'fst' is not a preset, did you mean 'fast'?; allowed: instant, fast, norm, safe, wide",
        ),
    ),
    ({"pg_rto": ["fast"]}, Wrong("not-allowed", ["fast"], "pg_rto")),
    ({"pg_rto": True}, Wrong("not-allowed", True, "pg_rto")),
    ({"pg_rto": "fast", "pg_rto_plan": [1]}, Wrong("not-allowed", [1], "pg_rto")),
    ({"pg_rto": "mine", "pg_rto_plan": {"mine": [1, 2]}}, Wrong("not-allowed", [1, 2], "pg_rto")),
    ({"pg_rto": "mine", "pg_rto_plan": {"mine": "fast"}}, Wrong("not-allowed", "fast", "pg_rto")),
    (
        {"pg_rto": "mine", "pg_rto_plan": {"mine": MINE}},
        Wrong("not-allowed", 0.25, "pg_rto", says=f"fastinter of the preset 'mine': 0.25 is not a time; {ALLOWED}"),
    ),
    *(
        (
            {"pg_rto": "mine", "pg_rto_plan": {"mine": [1, 2, 3, 4, 5, value, "1s", "1s", 3, 3]}},
            Wrong("not-allowed", value, "pg_rto"),
        )
        for value in ("0s", "2", "1h", "61m", "0.0001s", "1s\n rise 1", "-1s", None)
    ),
    *(
        (
            {"pg_rto": "mine", "pg_rto_plan": {"mine": [1, 2, 3, 4, 5, "1s", "1s", "1s", value, 3]}},
            Wrong("not-allowed", value, "pg_rto"),
        )
        for value in (0, "three", 101)
    ),
]


@pytest.mark.parametrize(("variables", "wrong"), MISTAKES)
def test_mistakes(variables: dict[str, Any], wrong: Wrong) -> None:
    assert_problems(found(pg_test(**variables)), "pg-test", wrong)


def test_members_agree() -> None:
    hosts = pg_test(pg_rto="fast")
    hosts["10.10.10.12"]["pg_rto"] = "wide"
    assert_problems(found(hosts), "pg-test", Wrong("disagree", ("fast", "wide"), "pg_rto"))

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Selectors: what they choose, what they read, and what is said of those that are wrong."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.pgsvc.access.plugins.plugin_utils._model.selector import compile_selector
from ansible_collections.pgsvc.access.tests.unit.plugins.plugin_utils.planning import Wrong, assert_refused

MEMBERS: list[dict[str, Any]] = [
    {"pg_seq": 1, "pg_role": "primary", "pg_offline_query": False, "site": {"rack": "a", "tags": ["ssd", "big"]}},
    {"pg_seq": 2, "pg_role": "replica", "pg_offline_query": True, "site": {"rack": "b", "tags": ["ssd"]}},
    {"pg_seq": 3, "pg_role": "offline", "pg_offline_query": False, "site": {"rack": "b", "tags": []}},
]

# expression, the numbers (pg_seq) of those it selects, the variables it names, whether it reads all of a member
SELECTS: list[tuple[str, list[int], set[str], bool]] = [
    ("[]", [1, 2, 3], set(), False),
    ("@", [1, 2, 3], set(), False),
    ("[*]", [1, 2, 3], set(), False),
    ("[? pg_role == `primary` ]", [1], {"pg_role"}, False),
    ("[? pg_role == 'primary' || pg_role == 'offline' ]", [1, 3], {"pg_role"}, False),
    ("[? pg_role == `offline` || pg_offline_query ]", [2, 3], {"pg_role", "pg_offline_query"}, False),
    ("[? pg_role == `replica` && !pg_offline_query]", [], {"pg_role", "pg_offline_query"}, False),
    ("[? pg_seq > `1`]", [2, 3], {"pg_seq"}, False),
    ("[0]", [1], set(), False),
    ("[-1:]", [3], set(), False),
    ("[::-1]", [1, 2, 3], set(), False),
    ("[? site.rack == 'b']", [2, 3], {"site"}, False),
    ("[? site.tags[0] == 'ssd']", [1, 2], {"site"}, False),
    ("[? contains(site.tags, 'big')]", [1], {"site"}, False),
    ("[? starts_with(pg_role, 'p')]", [1], {"pg_role"}, False),
    ("[? (pg_role | starts_with(@, 'p'))]", [1], {"pg_role"}, False),
    ("[? length(site.tags) > `0`] | [? pg_role != 'primary']", [2], {"site", "pg_role"}, False),
    ("sort_by(@, &pg_seq)[-2:]", [2, 3], {"pg_seq"}, False),
    ("max_by(@, &pg_seq)", [3], {"pg_seq"}, False),
    ("reverse(@)[? pg_seq < `3`]", [1, 2], {"pg_seq"}, False),
    ("map(&@, @)[? pg_role == 'primary']", [1], {"pg_role"}, False),
    ("[[0], [2]][]", [1, 3], set(), True),
    ("([] || [0])[? pg_role == 'primary']", [1], set(), True),
    ("[? length(@) > `0`]", [1, 2, 3], set(), False),
    ("[? contains(keys(@), 'site')]", [1, 2, 3], set(), True),
    ("[? contains(*, 'primary')]", [1], set(), True),
    ("[? to_string(@) != '{}']", [1, 2, 3], set(), True),
    ("[].{m: @}[? m.pg_role == 'primary'].m", [1], set(), True),
    ("sort_by(@, &to_string(@))", [1, 2, 3], set(), True),
    ("[? @ == `{}`]", [], set(), True),
    ("[? no_such == 'x']", [], {"no_such"}, False),
]

SHAPE = 'allowed: an expression that yields members, such as "[]" or "[? pg_role == \'replica\']"'
YIELDS_SOMETHING_ELSE: list[tuple[str, Wrong]] = [
    ("[].pg_role", Wrong("bad-result", "[].pg_role", says=f"'[].pg_role' yields a list with 'primary' in it; {SHAPE}")),
    ("[].site", Wrong("bad-result", "[].site")),
    ("[].{a: pg_seq}", Wrong("bad-result", "[].{a: pg_seq}")),
    ("pg_role", Wrong("bad-result", "pg_role")),
    ("pg_role == 'primary'", Wrong("bad-result", "pg_role == 'primary'")),
    ("length(@)", Wrong("bad-result", "length(@)")),
    ('`"x"`', Wrong("bad-result", '`"x"`')),
    ("[0].site", Wrong("bad-result", "[0].site")),
    ("[? starts_with(pg_seq, 'a')]", Wrong("bad-result", "[? starts_with(pg_seq, 'a')]")),
    ("[::0]", Wrong("bad-result", "[::0]", says="'[::0]' cannot be evaluated: slice step cannot be zero")),
    ("no_function(@)", Wrong("bad-result", "no_function(@)")),
    ("sort_by(@, &site)", Wrong("bad-result", "sort_by(@, &site)")),
    ("[? ceil(`1e400`) > `1`]", Wrong("bad-result", "[? ceil(`1e400`) > `1`]")),
]

NO_EXPRESSION: list[tuple[str, Wrong]] = [
    (
        "",
        Wrong(
            "bad-expression",
            "",
            says="'' is not a JMESPath expression; allowed: an expression such as \"[]\", which selects every member",
        ),
    ),
    (
        "[? pg_role ==",
        Wrong(
            "bad-expression",
            "[? pg_role ==",
            says="'[? pg_role ==' is not a JMESPath expression: the expression ends too early (position 14)",
        ),
    ),
    ("[? pg_role = 'x']", Wrong("bad-expression", "[? pg_role = 'x']")),
    ("[? pg_role == `x]", Wrong("bad-expression", "[? pg_role == `x]")),
    ("[?? x]", Wrong("bad-expression", "[?? x]")),
    ("[? a] ]", Wrong("bad-expression", "[? a] ]")),
    ("[\x00]", Wrong("bad-expression", "[\x00]")),
    ("(" * 999, Wrong("bad-expression", "(" * 999)),
    ("x" * 1001, Wrong("bad-expression", "x" * 1001)),
]


@pytest.mark.parametrize(("expression", "numbers", "names", "reads_all"), SELECTS)
def test_select(expression: str, numbers: list[int], names: set[str], reads_all: bool) -> None:
    selector = compile_selector(expression)
    assert [MEMBERS[index]["pg_seq"] for index in selector.select(MEMBERS)] == numbers
    assert (set(selector.names), selector.reads_all) == (names, reads_all)


@pytest.mark.parametrize(("expression", "wrong"), YIELDS_SOMETHING_ELSE)
def test_wrong_results(expression: str, wrong: Wrong) -> None:
    assert_refused(lambda word: compile_selector(word).select(MEMBERS), expression, wrong)


@pytest.mark.parametrize(("expression", "wrong"), NO_EXPRESSION)
def test_no_expression(expression: str, wrong: Wrong) -> None:
    assert_refused(compile_selector, expression, wrong)


def test_equal_members_are_told_apart() -> None:
    members = [{"pg_role": "replica"}, {"pg_role": "replica"}]
    assert compile_selector("[1]").select(members) == [1]

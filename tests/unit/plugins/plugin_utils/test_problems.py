# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Problems: when two are one, what kinds there are, and which word is suggested."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import get_args

import pytest

from ansible_collections.pgsvc.access.plugins.plugin_utils._input.defaults import ROLES
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import (
    Code,
    PlanError,
    Problem,
    Report,
    ValueProblem,
    merged_lines,
    nearest,
)
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.patroni import ENDPOINTS
from ansible_collections.pgsvc.access.tests.conftest import ROOT


def test_problems_with_the_same_line_are_one() -> None:
    one = Problem("pg-test", "is wrong", "extra", "port", code="not-allowed", value=[1])
    other = Problem("pg-test", "is wrong", "extra", "port", code="missing")
    elsewhere = Problem("pg-meta", "is wrong", "extra", "port", code="not-allowed", value={})
    assert PlanError([one, other, one]).problems == (one,)
    assert merged_lines([one, other, elsewhere]) == ["pg-test, pg-meta: service extra: port: is wrong"]


def test_a_value_problem_is_reported_with_its_kind_and_value() -> None:
    report = Report()
    report.value_problem("pg-test", ValueProblem("0 is no port", "not-allowed", 0).prefixed("on host h1: "), "a", "b")
    (problem,) = report.problems
    assert str(problem) == "pg-test: service a: b: on host h1: 0 is no port"
    assert (problem.code, problem.value) == ("not-allowed", 0)


@pytest.mark.parametrize("code", get_args(Code))
def test_there_are_problems_of_each_kind(code: Code) -> None:
    """Somewhere else than in the list of all kinds."""
    texts = [path.read_text() for path in (ROOT / "plugins").rglob("*.py")]
    assert sum(len(re.findall(f'"{code}"', text)) for text in texts) > 1


NEAREST: list[tuple[str, Iterable[str], str]] = [
    ("/replicas", ENDPOINTS, "/replica"),
    ("/Primary", ENDPOINTS, "/primary"),
    ("//replica", ENDPOINTS, "/replica"),
    ("/readonly", ENDPOINTS, "/read-only"),
    ("/healthz", ENDPOINTS, "/health"),
    ("/%72eplica", ENDPOINTS, "/replica"),
    ("/switchover", ENDPOINTS, ""),
    ("primry", ROLES, "primary"),
    ("OFFLINE", ROLES, "offline"),
    ("10.10.10.12", ["10.10.10.11"], ""),
    ("fd00::12", ["fd00::11"], ""),
]


@pytest.mark.parametrize(("word", "known", "meant"), NEAREST)
def test_nearest(word: str, known: Iterable[str], meant: str) -> None:
    assert nearest(word, known) == (f", did you mean {meant!r}?" if meant else "")

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures in README.md hold for what docs/reliability.md and docs/performance.md have measured."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[3] / "docs"
README = " ".join((DOCS.parent / "README.md").read_text(encoding="utf-8").split())


def between(page: str, marker: str) -> str:
    """What is measured and stands between two markers of a page."""
    text = (DOCS / page).read_text(encoding="utf-8")
    return text.partition(f"<!-- {marker}: begin -->")[2].partition(f"<!-- {marker}: end -->")[0]


def rows(table: str) -> list[list[str]]:
    lines = (line for line in table.splitlines() if line.startswith("|"))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def numbers(cell: str) -> list[int]:
    """``1,203, 0, 0`` as numbers."""
    return [int(number.replace(",", "")) for number in re.split(r", (?=\d)", cell)]


def claim(pattern: str) -> list[float]:
    """The figures of one sentence of README.md."""
    found = re.search(pattern, README)
    assert found, f"README.md has no longer: {pattern}"
    return [float(figure.replace(",", "")) for figure in found.groups()]


def test_changes_do_not_disturb_clients() -> None:
    (kinds,) = claim(r"(\d+) kinds of change were measured on HAProxy 2\.6, 3\.0 and 3\.2")
    more_than, closed = claim(
        r"0 of more than ([\d,]+) new connections were lost or misrouted, and (\d+) open sessions were closed"
    )
    measured = rows(between("reliability.md", "staying"))[2:]
    connections = [numbers(row[4]) for row in measured]
    assert len({row[0] for row in measured}) == kinds
    assert {row[1] for row in measured} == {"2.6", "3.0", "3.2"}
    assert sum(made for made, _lost, _misrouted in connections) > more_than
    assert {tuple(lost_and_misrouted) for _made, *lost_and_misrouted in connections} == {(0, 0)}
    assert sum(numbers(row[5])[1] for row in measured) == closed


def test_reloads_are_safe_and_rare() -> None:
    reloads, misrouted, share = claim(
        r"Over (\d+) reloads, (\d+) connections to `primary` reached a replica; with plain files and a plain reload, "
        r"more than (\d+) % did"
    )
    (without_reload,) = claim(r"(\d+) changes of members and weights needed no reload")
    measured = rows(between("reliability.md", "measured"))
    at = [index for index, row in enumerate(measured) if row[0] == "50 changes that need a reload"]
    ours = [measured[index + 1][1] for index in at], [measured[index + 2][1] for index in at]
    plain = [measured[index + 2][2] for index in at]
    assert sum(map(int, ours[0])) == reloads
    assert sum(map(int, ours[1])) == misrouted
    assert all(float(re.findall(r"\(([\d.]+) %\)", cell)[0]) > share for cell in plain)
    at = [index for index, row in enumerate(measured) if row[0] == "50 changes of members and weights"]
    assert 50 * len(at) == without_reload
    assert {measured[index + 1][1] for index in at} == {"0"}


@pytest.mark.parametrize(
    ("hosts", "column", "pattern"),
    [
        (300, 2, r"Writing all files on (\d+) hosts takes less than ([\d.]+) times as long as `ansible -m ping`"),
        (20, 4, r"With a template task for each service, (\d+) hosts take more than ([\d.]+) times as long"),
    ],
)
def test_a_run_by_the_ping(hosts: int, column: int, pattern: str) -> None:
    named, bound = claim(pattern)
    (row,) = (row for row in rows(between("performance.md", "measured files")) if row[0] == str(hosts))
    pings = float(re.findall(r"([\d.]+) pings", row[column])[0])
    assert named == hosts
    assert pings < bound if "less" in pattern else pings > bound


def test_a_plan_of_a_large_fleet() -> None:
    seconds, clusters = claim(r"takes less than (\d+) seconds for ([\d,]+) clusters")
    measured = between("performance.md", "measured plan")
    assert f"The plan alone, for {clusters:,.0f} clusters" in measured
    assert float(re.findall(r"clusters of three: ([\d.]+) s", measured)[0]) < seconds

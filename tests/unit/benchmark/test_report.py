# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the benchmark makes of measured seconds: ratios, verdicts, tables and their places on the page."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.pgsvc.access.tests.benchmark import checks, files, one, options, plans, run, running, status
from ansible_collections.pgsvc.access.tests.benchmark.inventories import Fleet, default_services
from ansible_collections.pgsvc.access.tests.benchmark.report import (
    Section,
    Verdict,
    cell,
    exceeded,
    growth,
    placed,
    table,
)
from ansible_collections.pgsvc.access.tests.benchmark.turns import Run

PAGE = """\
a
<!-- measured one: begin -->
old
<!-- measured one: end -->
b
<!-- measured plan: begin -->
<!-- measured plan: end -->
"""


def files_row(hosts: int, write: float, same: float, reference: Run | None = None) -> files.Row:
    """Runs of so many seconds beside pings of ten."""
    return files.Row(hosts, 10.0, Run(write, write / 10), Run(same, same / 10), reference)


def one_row(services: int, same: float, weight: float, plan: float) -> one.Row:
    return one.Row(services, dict(zip(one.KINDS, (same, weight, 0.1, plan), strict=True)))


def found(verdicts: list[Verdict]) -> dict[str, tuple[float, float]]:
    return {each.what: (round(each.measured, 3), round(each.limit, 3)) for each in verdicts}


@pytest.mark.parametrize(
    ("few", "many", "expected"),
    [
        ((20, 2.0), (300, 30.0), 1.0),
        ((20, 2.0), (300, 15.0), 0.5),
        ((40, 1.0), (400, 20.0), 2.0),
        ((7, 3.0), (7, 3.0), 1.0),
    ],
)
def test_growth(few: tuple[int, float], many: tuple[int, float], expected: float) -> None:
    assert growth(few, many) == pytest.approx(expected)


@pytest.mark.parametrize(("measured", "kept"), [(1.4, True), (1.39, True), (1.41, False)])
def test_a_limit_is_the_highest_that_is_allowed(measured: float, kept: bool) -> None:
    verdict = Verdict("20 hosts", measured, 1.4)
    sentences = exceeded([Section("running", "", [], [Verdict("kept", 1.0, 1.0), verdict])])
    assert verdict.kept is kept
    assert sentences == ([] if kept else ["running: 20 hosts: 1.41, which is above the limit of 1.4"])


def test_table() -> None:
    assert table(("a", "b"), [("1", "2"), ("3", "")]) == ["| a | b |", "|---|---|", "| 1 | 2 |", "| 3 |  |"]


def test_cells() -> None:
    assert [cell(Run(29.24, 1.274)), cell(None)] == ["29.2 s, 1.27 pings", ""]


def test_a_section_as_text() -> None:
    section = Section("plan", "median of 3", ["The plan: 2 s."], [Verdict("plan by list", 0.5, 1.0)])
    assert section.text("2 cores").split("\n") == [
        "Measured on 2 cores; median of 3.",
        "",
        "The plan: 2 s.",
        "",
        "| value | measured | limit |",
        "|---|---|---|",
        "| plan by list | 0.50 | 1.0 |",
    ]


def test_hosts_without_haproxy() -> None:
    rows = [files_row(20, 14.0, 12.0, Run(90.0, 9.0)), files_row(300, 105.0, 270.0)]
    assert files.lines(rows) == [
        "| hosts | ping | writes everything | changes nothing | a template for each service |",
        "|---|---|---|---|---|",
        "| 20 | 10.0 s | 14.0 s, 1.40 pings | 12.0 s, 1.20 pings | 90.0 s, 9.00 pings |",
        "| 300 | 10.0 s | 105.0 s, 10.50 pings | 270.0 s, 27.00 pings |  |",
    ]
    assert found(files.verdicts(rows)) == {
        "20 hosts, writes everything, by the ping": (1.4, 1.5),
        "20 hosts, changes nothing, by the ping": (1.2, 1.5),
        "300 hosts, writes everything, by the ping": (10.5, 1.5),
        "300 hosts, changes nothing, by the ping": (27.0, 1.5),
        "a host among 300 by one among 20, writes everything": (0.5, 1.2),
        "a host among 300 by one among 20, changes nothing": (1.5, 1.2),
    }


def test_one_number_of_hosts_does_not_grow() -> None:
    assert len(files.verdicts([files_row(20, 14.0, 12.0)])) == 2


def test_hosts_with_haproxy() -> None:
    runs = {running.SAME: Run(5, 1.1), running.WEIGHT: Run(6, 1.2), running.LISTENER: Run(7, 1.3)}
    rows = [running.Row(20, 4.6, runs)]
    assert running.lines(rows) == [
        "| hosts | ping | changes nothing | changes a weight | changes a listener |",
        "|---|---|---|---|---|",
        "| 20 | 4.6 s | 5.0 s, 1.10 pings | 6.0 s, 1.20 pings | 7.0 s, 1.30 pings |",
    ]
    assert found(running.verdicts(rows)) == {
        "20 running hosts, changes nothing, by the ping": (1.1, 1.4),
        "20 running hosts, changes a weight, by the ping": (1.2, 1.6),
        "20 running hosts, changes a listener, by the ping": (1.3, 1.8),
    }


def test_status() -> None:
    rows = [status.Row(300, 3, 1.5, Run(2.1, 1.4)), status.Row(300, 300, 62.0, Run(99.2, 1.6))]
    assert status.lines(rows) == [
        "| hosts of the inventory | load balancers asked | ping of these | `--status` |",
        "|---|---|---|---|",
        "| 300 | 3 | 1.5 s | 2.1 s, 1.40 pings |",
        "| 300 | 300 | 62.0 s | 99.2 s, 1.60 pings |",
    ]
    assert found(status.verdicts(rows)) == {
        "--status of 3 load balancers of 300, by the ping": (1.4, 1.5),
        "--status of 300 load balancers of 300, by the ping": (1.6, 1.5),
    }


def test_one_load_balancer() -> None:
    rows = [one_row(40, 0.2, 0.4, 0.02), one_row(400, 0.4, 4.0, 0.2), one_row(4000, 1.2, 60.0, 2.0)]
    assert one.lines(rows)[:3] == [
        "| services | changes nothing | changes a weight | `haproxy -c` alone | plan |",
        "|---|---|---|---|---|",
        "| 40 | 0.20 s | 0.40 s | 0.10 s | 0.02 s |",
    ]
    assert found(one.verdicts(rows)) == {
        "400 services by 40, changes nothing": (2.0, 12.0),
        "4,000 services by 400, changes nothing": (3.0, 12.0),
        "400 services by 40, changes a weight": (10.0, 12.0),
        "4,000 services by 400, changes a weight": (15.0, 12.0),
        "400 services by 40, plan": (10.0, 12.0),
        "4,000 services by 400, plan": (10.0, 12.0),
        "4,000 services, changes nothing, seconds": (1.2, 1.0),
    }


def test_growth_of_one_load_balancer_is_allowed_in_proportion() -> None:
    verdicts = one.verdicts([one_row(8, 1.0, 1.0, 1.0), one_row(16, 2.0, 2.0, 2.0)])
    assert [(each.measured, each.limit) for each in verdicts] == [(2.0, 2.4)] * 3


def test_plan() -> None:
    section = plans.section(options.FULL, 2.0, 4.0)
    assert section.lines[0] == "The plan alone, for 1,000 clusters of three: 2.00 s."
    assert section.verdicts == [Verdict("plan by ansible-inventory --list", 0.5, 1.0)]


def test_requests_are_compared_by_member() -> None:
    rows = [checks.Row("declared", (8, 9), (8.0, 10.0)), checks.Row("live", (4, 4), (3.2, 6.0))]
    assert checks.lines(rows)[2:] == [
        "| declared | primary | 8 | 8.0 |",
        "| declared | synchronous standby | 9 | 10.0 |",
        "| live | primary | 4 | 3.2 |",
        "| live | synchronous standby | 4 | 6.0 |",
    ]
    assert [(each.measured, each.kept) for each in checks.verdicts(rows)] == [(0.4, True), (0.6, False)]


def test_only_the_own_place_is_written() -> None:
    assert placed(PAGE, "one", r"new \1") == PAGE.replace("old", r"new \1")


@pytest.mark.parametrize("page", ["", PAGE + PAGE])
def test_a_page_without_one_place(page: str) -> None:
    with pytest.raises(ValueError, match="pairs of <!-- measured one: begin -->"):
        placed(page, "one", "new")


def test_the_page_has_a_place_for_each_part(checkout: Path) -> None:
    page = (checkout / "docs" / "performance.md").read_text()
    for part in run.PARTS:
        assert f"| `{part}` |" in placed(page, part, "")


def test_options() -> None:
    assert list(options.PARTS) == list(run.PARTS)
    assert options.parse([], "page") == options.FULL
    assert options.parse(["--quick"], "page") == options.QUICK
    chosen = options.parse(["one", "running", "--services", "8", "80", "--keep"], "page")
    assert (chosen.parts, chosen.services, chosen.running, chosen.keep) == (["one", "running"], [8, 80], (20, 99), True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["runing"], "'runing' is not a part; allowed: files, plan, catalog, running, status, one, checks"),
        (["--quick", "--keep"], "--quick measures too little to --keep it"),
    ],
)
def test_wrong_options(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        options.parse(arguments, "page")
    assert message in capsys.readouterr().err


def test_fleets_are_on_loopback_addresses() -> None:
    fleet = Fleet(600, "127.40")
    assert len(fleet.roles) == 600
    assert all(address.startswith("127.40.") and not address.endswith(".0") for address in fleet.roles)
    groups = fleet.groups(lambda number: {"number": number})
    assert len(groups) == 200
    assert groups["pg-0200"]["hosts"]["127.40.2.100"] == {
        "pg_seq": 3,
        "pg_role": "replica",
        "pg_offline_query": True,
        "number": 599,
    }


@pytest.mark.parametrize(("servers", "inter"), [(0, "2s"), (280, "7s"), (100_000, "40s")])
def test_many_servers_are_checked_less_often(servers: int, inter: str) -> None:
    assert {service["options"].split(" fastinter ")[0] for service in default_services(servers)} == {f"inter {inter}"}

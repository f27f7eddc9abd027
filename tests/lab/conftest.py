# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the lab's tests: the lab is brought up when it is not, and every test starts with whole clusters.

Each worker of pytest-xdist has a lab of its own (`settings.NAME`).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from labtest.cluster import Cluster
from labtest.services import publish, restore, wait_for_up
from pgsvc_lab import cli, network, settings

#: Tests that have published services of their own since those of the plain inventory were last put back.
_PUBLISHERS: list[str] = []
#: Files of tests that take more than a minute, the longest first.
_LONGEST = ["test_role_haproxy", "test_primary", "test_live", "test_access", "test_changes", "test_provider"]
_FIGURES_FILE = settings.COLLECTION / "tests/output/lab.json"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest: when no file is left for one lab, the others soon end as well."""
    items.sort(key=lambda item: _LONGEST.index(item.path.stem) if item.path.stem in _LONGEST else len(_LONGEST))


@pytest.fixture(scope="session", autouse=True)
def lab() -> None:
    """The lab is up, and this process is in the controller's network. Without root the tests fail, they do not skip."""
    status = cli.main(["up"])
    assert status == 0, "the lab does not come up; what it said is above"
    network.enter()


@pytest.fixture
def figures(record_property: Callable[[str, object], None]) -> Callable[[str, object], None]:
    """Note a measured figure: shown at the end of the run and kept in tests/output/lab.json."""
    return record_property


@pytest.fixture(scope="session")
def _pg_test(lab: None) -> Cluster:
    return Cluster("pg-test", [settings.node(f"pg-test-{number}") for number in (1, 2, 3)])


@pytest.fixture(scope="session")
def pg_meta(lab: None) -> Cluster:
    return Cluster("pg-meta", [settings.node("pg-meta-1")])


@pytest.fixture
def pg_test(_pg_test: Cluster, request: pytest.FixtureRequest) -> Cluster:
    """pg-test as the inventory describes it: all members run, pg-test-1 is the primary.

    So do its services, unless the test publishes some itself.
    """
    if _PUBLISHERS and "published" not in request.fixturenames:
        restore()
        _PUBLISHERS.clear()
    _settle(_pg_test)
    return _pg_test


def _settle(cluster: Cluster) -> None:
    try:
        cluster.is_whole()
    except (AssertionError, OSError):
        cluster.mend()
    cluster.switchover(cluster.members[0])
    for port_owner in ("primary", "default"):
        wait_for_up(cluster.members, f"{cluster.name}-{port_owner}", {cluster.members[0].name})
    everyone = {node.name for node in cluster.members}
    wait_for_up(cluster.members, f"{cluster.name}-replica", everyone)
    wait_for_up(cluster.members, f"{cluster.name}-offline", everyone - {cluster.members[0].name})


@pytest.fixture
def published(pg_test: Cluster, request: pytest.FixtureRequest) -> Callable[..., object]:
    """`publish`. The services of the plain inventory are put back before the next test that publishes none.

    A test puts them back itself where its own would keep the cluster from serving.
    """
    _PUBLISHERS.append(request.node.name)
    return publish


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [report for outcome in ("passed", "failed") for report in terminalreporter.getreports(outcome)]
    figures = {
        name: value
        for report in sorted(reports, key=lambda each: each.nodeid)
        for name, value in report.user_properties
        if report.when == "call"
    }
    if figures:
        terminalreporter.section("measured")
        for name, value in figures.items():
            terminalreporter.write_line(f"{name}: {json.dumps(value)}")
        _FIGURES_FILE.parent.mkdir(parents=True, exist_ok=True)
        _FIGURES_FILE.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")

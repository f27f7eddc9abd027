# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables, inventories and server lines in docs/roles.md are what the plan makes."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from ansible_collections.pgsvc.access.plugins.plugin_utils._model.patroni import ENDPOINTS, split_check
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.server_options import _NEEDS_OWN_CHECK
from ansible_collections.pgsvc.access.plugins.plugin_utils._plan.plan import Publication
from ansible_collections.pgsvc.access.plugins.plugin_utils._plan.publication import module_arguments
from ansible_collections.pgsvc.access.tests.conftest import ROOT
from ansible_collections.pgsvc.access.tests.unit.docs.serving import serving
from ansible_collections.pgsvc.access.tests.unit.plugins.plugin_utils.planning import (
    Hosts,
    cluster,
    plan,
    problems,
    service,
)

PAGE = (ROOT / "docs" / "roles.md").read_text(encoding="utf-8")
INVENTORIES = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
LB = "10.10.10.11"
# A cluster before a failover and after it, by the number of its members.
BEFORE = {3: ("primary", "replica", "replica"), 2: ("primary", "replica")}
AFTER = {3: ("replica", "primary", "replica"), 2: ("replica", "primary")}


def tables(first: str) -> list[list[list[str]]]:
    """The rows of each table whose first heading this is, without the headings."""
    found = re.findall(rf"^\| {re.escape(first)} \|.*\n\|[-|]+\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    return [[re.split(r"(?<!\\) *\| *", line.strip("| ")) for line in rows.splitlines()] for rows in found]


def hosts(inventory: str) -> Hosts:
    """The variables of each host of an inventory on the page."""
    group = yaml.safe_load(inventory)["all"]["children"]["pg-test"]
    return {host: {**group["vars"], **own} for host, own in group["hosts"].items()}


def published(found: Hosts) -> Publication:
    planned = plan(found)
    assert planned.warnings == ()
    return planned.publications[LB]


def files(found: Hosts) -> dict[str, str]:
    arguments = module_arguments(published(found).to_dict())
    return {file["name"]: file["content"] for file in arguments["files"]}


@pytest.mark.parametrize(("members", "table"), [(3, 0), (2, 1)])
def test_what_the_built_in_services_do(members: int, table: int) -> None:
    def cell(name: str, kind: str, roles: tuple[str, ...]) -> str:
        found = cluster("pg-test", *BEFORE[members], pg_service_roles=kind)
        found[f"10.10.10.{10 + members}"]["pg_offline_query"] = members == 3
        publication = published(found)
        now = {f"pg-test-{number}": role for number, role in enumerate(roles, 1)}
        (planned,) = (each for each in publication.services if each.service == name)
        result = serving(planned, publication.checks, now)
        return ", else ".join([", ".join(result.serving), *result.backups]) or "none"

    for row in tables("service")[table]:
        name = row[0].strip("`")
        assert {cell(name, kind, BEFORE[members]) for kind in ("declared", "live")} == {row[1]}
        assert [cell(name, kind, AFTER[members]) for kind in ("declared", "live")] == row[2:]


def test_both_tables_have_all_built_in_services() -> None:
    names = [f"`{each.service}`" for each in published(cluster("pg-test", *BEFORE[3])).services]
    assert [[row[0] for row in table] for table in tables("service")] == [names, names]


def test_how_checks_are_split() -> None:
    (table,) = tables("`check`")
    shown = {path: row[1:] for row in table for path in re.findall(r"`(.*?)`", row[0])}
    assert shown == {
        path: [f"`{half}`" if half else "never" for half in (endpoint.leading, endpoint.following)]
        for path, endpoint in ENDPOINTS.items()
        if endpoint.leading or endpoint.following
    }
    assert set(ENDPOINTS) - set(shown) == {"/health"}


def test_the_files_of_health_checks() -> None:
    (table,) = tables("file")
    publication = published(hosts(INVENTORIES[0]))
    followed: dict[str, dict[str, None]] = {}
    for each in publication.services:
        for server in each.servers:
            followed.setdefault((server.track or "").partition("/")[0], {})[each.service] = None
    assert {tuple(row) for row in table} == {
        (f"`{backend.name}.cfg`", f"`{backend.check}`", ", ".join(f"`{name}`" for name in followed[backend.name]))
        for backend in publication.checks
    }


@pytest.mark.parametrize("inventory", INVENTORIES)
def test_an_inventory_can_be_published(inventory: str) -> None:
    assert files(hosts(inventory))


def test_server_lines() -> None:
    """The lines of `replica` in the first inventory and of `fresh` in the last one, complete and in this order."""
    shown = re.findall(r"^```haproxy\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    written = [files(hosts(INVENTORIES[0]))["pg-test-replica"], files(hosts(INVENTORIES[-1]))["pg-test-fresh"]]
    assert shown == ["".join(re.findall(r"^    (server .*\n)", text, re.MULTILINE)) for text in written]


def test_a_file_for_a_limit() -> None:
    named = re.findall(r"`(pg-test-check-[\w-]+)\.cfg`", PAGE)
    assert set(named) <= {*files(hosts(INVENTORIES[0])), *files(hosts(INVENTORIES[-1]))}


REFUSED: list[dict[str, Any]] = [
    {"check": "/health"},
    {"check": "/read-only?tag_zone=a"},
    {"selector": "[? pg_role == 'replica'] | [0]", "check": "/replica"},
    {"options": "observe layer4"},
]


@pytest.mark.parametrize(("row", "fields"), list(enumerate(REFUSED)))
def test_what_cannot_be_live(row: int, fields: dict[str, Any]) -> None:
    cell = tables("refused")[0][row][0].replace("\\|", "|")
    assert any(str(value).split()[0] in cell for value in fields.values())
    (problem,) = problems(cluster("pg-test", *BEFORE[3], pg_services=[service(roles="live", **fields)]))
    assert problem.endswith("or roles: declared")


def test_all_options_that_cannot_be_live_are_named() -> None:
    assert set(re.findall(r"`([a-z-]+)`", tables("refused")[0][-1][0])) == {*_NEEDS_OWN_CHECK, "options"}


def test_a_tag_of_followers_is_allowed() -> None:
    assert "`/replica?tag_zone=a` works" in PAGE
    assert split_check("/replica?tag_zone=a").leading is None

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No run ends green that did nothing, or did something else than it was to do."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from ansible_collections.pgsvc.access.tests.integration.playbook.fleet import Fleet, Output
from ansible_collections.pgsvc.access.tests.support import binaries

#: Inventories that have nothing to publish to, and what is said of them.
NOTHING: dict[str, tuple[str, str]] = {
    "no hosts": ("", "- inventory: it has no hosts; it was read from {path}; "),
    "no clusters": (
        "all: {hosts: {127.0.0.9: {ansible_connection: local}}}",
        "- inventory: pg_cluster: no host in it is a member of a cluster; it was read from {path}; ",
    ),
    "no load balancer": (
        "all: {hosts: {127.0.0.9: {ansible_connection: local, pg_cluster: pg-test, pg_seq: 1, pg_role: primary,"
        " haproxy_enabled: false}}}",
        "- inventory: haproxy_enabled: there is no load balancer to publish to, HAProxy is disabled on all of them; it "
        "was read from {path}; ",
    ),
}


@pytest.mark.parametrize(
    "case", ["no hosts", pytest.param("no clusters", marks=pytest.mark.every_core), "no load balancer"]
)
def test_nothing_to_publish_to(fleet: Fleet, case: str) -> None:
    text, message = NOTHING[case]
    fleet.inventory.write_text(text)

    for said in (fleet.playbook(), fleet.playbook("-t", "pg_service_config"), fleet.playbook("--check")):
        assert said.code == 2
        assert message.format(path=fleet.inventory) in said.text


def test_a_limit_explains_that_there_is_nothing_to_publish_to(fleet: Fleet) -> None:
    assert fleet.playbook("-l", "infra").code == 0


@pytest.mark.parametrize("case", ["no hosts", "no load balancer"])
def test_the_command_has_no_load_balancer_to_publish_to(fleet: Fleet, case: str) -> None:
    fleet.inventory.write_text(NOTHING[case][0])
    said = fleet.pgsql_svc("pg-test")
    assert (said.code, said.last) == (2, "pgsql-svc: failed, no load balancer was touched")


@pytest.mark.parametrize("text", [None, pytest.param("all: [", marks=pytest.mark.every_core), "all: {hosts: [a]}"])
def test_a_source_that_cannot_be_read_is_an_error_beside_others(fleet: Fleet, text: str | None) -> None:
    other = fleet.folder / "other.yml"
    if text is not None:
        other.write_text(text)
    said = fleet.pgsql_svc("-i", str(other), "pg-test")
    assert said.code == 2
    assert str(other) in said.text
    assert all(not fleet.files(host) for host in fleet.groups["pg-test"]["hosts"])


@pytest.mark.parametrize(
    "words", [["--no-reload"], ["--", "-t", "pg_service_config"], ["--", "--tags=pg_service_config"]]
)
def test_the_command_applies_nothing_when_it_is_not_to(fleet: Fleet, words: list[str]) -> None:
    host = next(iter(fleet.groups["pg-test"]["hosts"]))
    with fleet.run_haproxy(host, binaries.binary("2.6")) as haproxy:
        before = haproxy.worker
        said = fleet.pgsql_svc("pg-test", host, *words)
        assert (said.code, said.last) == (0, "pgsql-svc: 1 load balancer: 1 written, not applied"), said.text
        assert haproxy.worker == before


ELSEWHERE = [{"name": "elsewhere", "port": 5999, "selector": "[]"}]
ROLE = {"import_role": {"name": "pgsvc.access.pg_service"}}

#: Plays that set a variable of the plan where the plan does not see it.
IN_PLAYS: dict[str, dict[str, Any]] = {
    "play": {"vars": {"pg_services": ELSEWHERE}, "tasks": [ROLE]},
    "file": {"vars_files": ["own-variables.yml"], "tasks": [ROLE]},
    "import": {"tasks": [{**ROLE, "vars": {"pg_services": ELSEWHERE}}]},
    "roles": {"roles": [{"role": "pgsvc.access.pg_service", "vars": {"pg_services": ELSEWHERE}}]},
    "parameter": {"roles": [{"role": "pgsvc.access.pg_service", "pg_services": ELSEWHERE}]},
    "block": {"tasks": [{"block": [ROLE], "vars": {"pg_services": ELSEWHERE}}]},
}


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, marks=[pytest.mark.every_core] if case in {"play", "roles"} else []) for case in IN_PLAYS],
)
def test_variables_of_a_play_are_refused(fleet: Fleet, members: list[str], case: str) -> None:
    said = play(fleet, IN_PLAYS[case])
    assert said.code == 2
    assert (
        "- play: pg_services: is set in the play, a role or a task, which the plan does not read; allowed: in the "
        "inventory (group_vars, host_vars), or as an extra variable (-e)"
    ) in said.text
    assert all(not fleet.files(host) for host in members)


@pytest.mark.every_core
def test_extra_variables_and_facts_are_seen(fleet: Fleet, members: list[str]) -> None:
    tasks = [{"set_fact": {"pg_services": ELSEWHERE}}, ROLE]
    assert play(fleet, {"tasks": tasks}).code == 0
    assert all("pg-test-elsewhere" in fleet.files(host) for host in members)
    more = json.dumps({"pg_services": [*ELSEWHERE, {**ELSEWHERE[0], "name": "more", "port": 5998}]})
    assert play(fleet, {"tasks": [ROLE]}, "-e", more).code == 0
    assert all("pg-test-more" in fleet.files(host) for host in members)


def play(fleet: Fleet, content: dict[str, Any], *words: str) -> Output:
    """A play of one's own on pg-test."""
    (fleet.folder / "own-variables.yml").write_text(yaml.safe_dump({"pg_services": ELSEWHERE}))
    playbook = fleet.folder / "own.yml"
    playbook.write_text(yaml.safe_dump([{"hosts": "pg-test", "gather_facts": False, **content}]))
    return fleet.playbook(*words, playbook=str(playbook))


def test_ports_that_yaml_has_changed(fleet: Fleet, members: list[str]) -> None:
    """Only those that are in use as a port; a number of something else is none of our business."""
    folder = fleet.folder / "group_vars"
    folder.mkdir()
    path = folder / "pg-test.yml"
    path.write_text(
        "pg_services:\n"
        "  - { name: octal, port: 05435, selector: '[]' }\n"
        "  - { name: sixty, port: 90:55, selector: '[]' }\n"
        "something: { port: 0777 }\n"
    )
    said = fleet.pgsql_svc("pg-test")
    assert said.code == 2
    assert f"- {path} line 2: port: YAML reads 05435 as octal, which is 2845; allowed: 5435" in said.text
    assert (
        f"- {path} line 3: port: YAML reads 90:55 in base 60, which is 5455; allowed: a port without a colon"
        in said.text
    )
    assert "0777" not in said.text
    assert all(not fleet.files(host) for host in members)


def test_a_word_that_yaml_reads_as_true(fleet: Fleet) -> None:
    (fleet.folder / "group_vars").mkdir()
    (fleet.folder / "group_vars/pg-test.yml").write_text("pg_services: [{ name: on, port: 5435, selector: '[]' }]\n")
    said = fleet.pgsql_svc("pg-test")
    assert said.code == 2
    assert (
        "name: True is not a service name; allowed: text (YAML reads on, off, yes and no as true and false unless they "
        "are in quotes)"
    ) in said.text

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command ``bin/pgsql-svc``."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ansible_collections.pgsvc.access.tests.integration.playbook.fleet import Fleet

DEFAULT = ["pg-test-default", "pg-test-offline", "pg-test-primary", "pg-test-replica"]


@pytest.mark.every_core
def test_publishes_on_every_load_balancer_and_then_finds_nothing_to_do(fleet: Fleet, members: list[str]) -> None:
    first = fleet.pgsql_svc("pg-test")

    assert first.code == 0
    assert first.last == "pgsql-svc: 3 load balancers: 3 written, not applied"
    assert [fleet.files(host) for host in members] == [DEFAULT] * 3
    assert fleet.pgsql_svc("pg-test").last == "pgsql-svc: 3 load balancers: 3 unchanged"


@pytest.mark.every_core
def test_check_mode_tells_what_a_run_would_do_and_writes_nothing(fleet: Fleet, members: list[str]) -> None:
    foretold = fleet.pgsql_svc("--check", "--diff", "pg-test")

    assert foretold.last == "pgsql-svc: 3 load balancers: 3 would be written, not applied"
    assert f"+++ after: {fleet.conf_dir(members[0])}/pg-test-primary.cfg" in foretold.text
    assert [fleet.files(host) for host in members] == [[]] * 3


def test_touches_only_the_load_balancers_named(fleet: Fleet, members: list[str], proxies: list[str]) -> None:
    assert fleet.pgsql_svc("pg-test", members[1]).last == "pgsql-svc: 1 load balancer: 1 written, not applied"
    assert [fleet.files(host) for host in members] == [[], DEFAULT, []]

    assert fleet.pgsql_svc("pg-meta", proxies[1]).last == "pgsql-svc: 1 load balancer: 1 written, not applied"
    assert [fleet.files(host) for host in proxies] == [[], ["pg-meta-primary"]]


def test_counts_load_balancers_not_the_members_that_delegate_to_them(fleet: Fleet) -> None:
    assert fleet.pgsql_svc("pg-meta").last == "pgsql-svc: 2 load balancers: 2 written, not applied"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(
            ["pg-tset"],
            "- pg-tset: 'pg-tset' is not a cluster of the inventory, did you mean 'pg-test'?;"
            " allowed: pg-meta, pg-test",
            marks=pytest.mark.every_core,
        ),
        # An address unlike those of the fleet, which are of this process: it is not a near miss of one.
        (
            ["pg-test", "fd00::9"],
            "- pg-test: pg_service_targets: 'fd00::9' is not a load balancer of this cluster; allowed: {members}",
        ),
        (
            ["pg-meta", "fd00::9"],
            "- pg-meta: pg_service_targets: 'fd00::9' is not a load balancer of this cluster; allowed: {proxies}",
        ),
    ],
)
def test_names_what_is_right_when_a_name_is_wrong(
    fleet: Fleet, members: list[str], proxies: list[str], words: list[str], message: str
) -> None:
    refused = fleet.pgsql_svc(*words)

    assert refused.code == 2
    assert message.format(members=", ".join(members), proxies=", ".join(proxies)) in refused.text
    assert refused.last == "pgsql-svc: failed, no load balancer was touched"
    assert [fleet.files(host) for host in [*members, *proxies]] == [[]] * 5


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "usage: pgsql-svc"),
        (
            ["--frobnicate", "pg-test"],
            "pgsql-svc: unknown option '--frobnicate'; options of ansible-playbook go after --",
        ),
        (["pg-test", 'x", "y'], "pgsql-svc: 'x\", \"y' is not a name or an address"),
    ],
)
def test_refuses_words_it_does_not_know(fleet: Fleet, words: list[str], message: str) -> None:
    refused = fleet.pgsql_svc(*words)

    assert (refused.code, message in refused.text) == (2, True), refused.text


def test_passes_on_what_stands_behind_two_dashes(fleet: Fleet) -> None:
    listed = fleet.pgsql_svc("pg-test", "--", "--list-hosts")

    assert listed.code == 0
    assert "hosts (" in listed.text


def test_works_from_any_folder_and_through_links(fleet: Fleet, tmp_path: Path) -> None:
    link, link_to_link = tmp_path / "svc", tmp_path / "again"
    link.symlink_to(fleet.checkout / "bin" / "pgsql-svc")
    link_to_link.symlink_to("svc")

    said = fleet.pgsql_svc("pg-test", command=str(link_to_link), cwd=Path("/"))

    assert said.last == "pgsql-svc: 3 load balancers: 3 written, not applied"


@pytest.mark.every_core
def test_keeps_the_settings_of_the_users_ansible_cfg(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANSIBLE_CONFIG")
    monkeypatch.delenv("ANSIBLE_COLLECTIONS_PATH")
    (tmp_path / "ansible.cfg").write_text(
        "[defaults]\nnocolor = true\ncollections_path = elsewhere\nstdout_callback = minimal\n"
    )

    said = fleet.pgsql_svc("pg-test", cwd=tmp_path)

    assert said.last == "pgsql-svc: 3 load balancers: 3 written, not applied"
    assert "PLAY RECAP" not in said.text


@pytest.mark.every_core
def test_names_the_load_balancer_that_failed(fleet: Fleet, members: list[str]) -> None:
    shutil.rmtree(fleet.conf_dir(members[2]))

    said = fleet.pgsql_svc("pg-test")

    assert said.code == 2
    assert said.last == f"pgsql-svc: 3 load balancers: 1 failed ({members[2]}), 2 written, not applied"
    assert fleet.files(members[0]) == DEFAULT


def test_names_the_load_balancer_that_cannot_be_reached(fleet: Fleet, members: list[str]) -> None:
    # Nothing listens on this port of a loopback address: the connection is refused at once.
    fleet.groups["pg-test"]["hosts"][members[1]].update(
        ansible_connection="ssh", ansible_port=1, ansible_host=members[1]
    )
    fleet.save()

    said = fleet.pgsql_svc("pg-test")

    assert said.code == 2
    assert said.last == f"pgsql-svc: 3 load balancers: 1 unreachable ({members[1]}), 2 written, not applied"

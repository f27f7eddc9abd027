# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``plan`` of ``pgsvc.access.haproxy_publish`` in playbooks of one's own: what it takes, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from ansible_collections.pgsvc.access.tests.integration.playbook.fleet import Fleet, Output

PLAN = {"pgsvc.access.pg_service_plan": {"clusters": "pg-test"}, "run_once": True, "register": "services_plan"}

NAME = (
    "plan: give the name of the variable in which the result of pgsvc.access.pg_service_plan was registered, not its "
    "value (plan: services_plan); "
)


def play(fleet: Fleet, *tasks: dict[str, Any]) -> Output:
    """A play on the hosts of pg-test."""
    playbook = fleet.folder / "own.yml"
    playbook.write_text(yaml.safe_dump([{"hosts": "pg-test", "gather_facts": False, "tasks": list(tasks)}]))
    return fleet.playbook(playbook=str(playbook))


@pytest.mark.every_core
def test_the_state_folder_of_the_task_is_the_one_that_the_files_name(fleet: Fleet, members: list[str]) -> None:
    folder = fleet.folder / "elsewhere"

    said = play(
        fleet,
        PLAN,
        {
            "pgsvc.access.haproxy_publish": {
                "plan": "services_plan",
                "state_dir": f"{folder}/{{{{ inventory_hostname }}}}",
            }
        },
    )

    assert said.code == 0, said.text
    for host in members:
        state = folder / host / "pg-test-primary.state"
        assert f"\n    server-state-file-name {state}\n" in (fleet.conf_dir(host) / "pg-test-primary.cfg").read_text()
        assert state.exists()


@pytest.mark.parametrize(
    ("plan", "arguments", "message"),
    [
        pytest.param(PLAN, {"plan": "{{ services_plan }}"}, f"{NAME}{{'", marks=pytest.mark.every_core),
        (PLAN, {"plan": "{{ services_plan | to_json }}"}, NAME),
        (PLAN, {"plan": "{{ services_plan.load_balancers }}"}, f"{NAME}{{'"),
        (PLAN, {"plan": "service_plan"}, "plan: there is no variable 'service_plan'; register "),
        pytest.param(
            {**PLAN, "when": "inventory_hostname == 'none'"},
            {"plan": "services_plan"},
            "plan: services_plan contains no plan, because the task that registered it was skipped; register ",
            marks=pytest.mark.every_core,
        ),
        (
            {
                "pgsvc.access.pg_service_plan": {"clusters": "pg-tset"},
                "register": "services_plan",
                "ignore_errors": True,
            },
            {"plan": "services_plan"},
            "plan: services_plan contains no plan, because the task that registered it failed; register ",
        ),
        (
            {"ansible.builtin.set_fact": {"services_plan": "{{ hostvars | pgsvc.access.plan(groups=groups) }}"}},
            {"plan": "services_plan"},
            "is not as pgsvc.access.pg_service_plan returns it (",
        ),
        (PLAN, {"plan": "hostvars"}, "plan: hostvars contains something other than a plan; register "),
        (PLAN, {"plan": "services_plan", "load_balancer": ["{{ inventory_hostname }}"]}, "load_balancer: ['127."),
    ],
)
def test_refused(
    fleet: Fleet, members: list[str], plan: dict[str, Any], arguments: dict[str, Any], message: str
) -> None:
    publish = {"pgsvc.access.haproxy_publish": arguments, "register": "published", "ignore_errors": True}
    show = {"ansible.builtin.debug": {"msg": "said: {{ published.msg }}"}}

    said = play(fleet, plan, publish, show)

    assert said.code == 0, said.text
    assert said.text.count("said: ") == len(members)
    assert message.replace('"', '\\"') in said.text.replace("\\'", "'"), said.text
    assert "An exception occurred" not in said.text
    assert [fleet.files(host) for host in members] == [[]] * 3

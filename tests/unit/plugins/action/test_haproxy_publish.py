# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the publish action hands to the module of the same name."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.plugins.action import ActionBase

from ansible_collections.pgsvc.access.plugins.action.haproxy_publish import ActionModule
from ansible_collections.pgsvc.access.tests.unit.plugins.plugin_utils.planning import pg_test, plan

pytestmark = pytest.mark.every_core

HOST = "10.10.10.11"
FILES = ["pg-test-default", "pg-test-offline", "pg-test-primary", "pg-test-replica"]


@pytest.fixture
def handed(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The arguments of each call of the module; the call itself is not made."""
    calls: list[dict[str, Any]] = []

    def execute(_self: ActionBase, module_name: str, module_args: dict[str, Any], **_: Any) -> dict[str, Any]:
        assert module_name == "pgsvc.access.haproxy_publish"
        calls.append(module_args)
        return {"changed": True}

    monkeypatch.setattr(ActionBase, "run", lambda *_: {})
    monkeypatch.setattr(ActionBase, "_execute_module", execute)
    return calls


def run(arguments: dict[str, Any], **variables: Any) -> dict[str, Any]:
    action = object.__new__(ActionModule)
    vars(action)["_task"] = SimpleNamespace(args=arguments)
    hosts: dict[str, Any] = {"10.9.9.9": {}, "10.10.10.11": {}, "10.10.10.12": {}, "10.10.10.13": {}}
    return action.run(None, {"inventory_hostname": HOST, "hostvars": hosts, **variables})


def planned() -> dict[str, Any]:
    """The plan of pg-test, as the plan action returns it."""
    return {
        "load_balancers": {
            host: json.dumps(publication.to_dict()) for host, publication in plan(pg_test()).publications.items()
        }
    }


def files(handed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The files that were handed to the module, as one text."""
    assert "files" not in handed[0]
    found: list[dict[str, Any]] = json.loads(handed[0]["files_json"])
    return found


def test_a_plan_becomes_files_of_this_host(handed: list[dict[str, Any]]) -> None:
    assert run({"plan": "made"}, made=planned()) == {"changed": True}
    assert sorted(file["name"] for file in files(handed)) == FILES
    assert all("\n    bind " in file["content"] for file in files(handed))
    assert "plan" not in handed[0]


def test_the_load_balancer_may_be_another_host(handed: list[dict[str, Any]]) -> None:
    arguments = {"plan": "made", "load_balancer": "10.10.10.12"}
    run(arguments, made=planned())
    assert sorted(file["name"] for file in files(handed)) == FILES
    assert "load_balancer" not in handed[0]
    assert arguments == {"plan": "made", "load_balancer": "10.10.10.12"}


def test_arguments_of_the_task_go_before_those_of_the_plan(handed: list[dict[str, Any]]) -> None:
    run({"plan": "made", "apply": False}, made=planned())
    assert handed[0]["apply"] is False


def test_without_a_plan_the_arguments_are_the_modules_own(handed: list[dict[str, Any]]) -> None:
    run({"files": [], "owners": ["node"]})
    assert handed == [{"files": [], "owners": ["node"]}]


def test_a_host_that_carries_nothing_is_skipped(handed: list[dict[str, Any]]) -> None:
    result = run({"plan": "made", "load_balancer": "10.9.9.9"}, made=planned())
    assert result["skipped"]
    assert result["skip_reason"] == "This host carries no service in this run."
    assert handed == []


def test_the_state_folder_of_the_task_is_the_one_that_the_files_name(handed: list[dict[str, Any]]) -> None:
    run({"plan": "made", "state_dir": "/srv//state/"}, made=planned())
    assert handed[0]["state_dir"] == "/srv/state"
    named = {line.split()[1] for file in files(handed) for line in state_lines(file["content"])}
    assert named == {f"/srv/state/{name}.state" for name in FILES}


def state_lines(content: str) -> list[str]:
    return [line for line in content.splitlines() if line.startswith("    server-state-file-name ")]


def test_what_is_none_is_not_given(handed: list[dict[str, Any]]) -> None:
    run({"plan": "made", "load_balancer": None, "state_dir": None, "conf_dir": None, "files": None}, made=planned())
    assert handed[0]["state_dir"] == "/var/lib/haproxy/pgsvc"
    assert handed[0]["conf_dir"] is None  # found on the host
    assert sorted(file["name"] for file in files(handed)) == FILES

    run({"plan": None, "load_balancer": None, "owners": ["node"]})
    assert handed[1] == {"owners": ["node"]}


def with_part(part: Any) -> dict[str, Any]:
    """A plan whose part for this host is something else."""
    return {"load_balancers": {**planned()["load_balancers"], HOST: part}}


def with_fields(**fields: Any) -> dict[str, Any]:
    """A plan whose part for this host has other fields."""
    return with_part(json.dumps({**json.loads(planned()["load_balancers"][HOST]), **fields}))


NAME = (
    "plan: give the name of the variable in which the result of pgsvc.access.pg_service_plan was registered, not its "
    "value (plan: services_plan); {} is not the name of a variable"
)
FIRST = "register the result of pgsvc.access.pg_service_plan in it first"
DAMAGED = (
    "plan: the entry of made for 10.10.10.11 is not as pgsvc.access.pg_service_plan returns it ({}); "
    "register the unchanged result of pgsvc.access.pg_service_plan"
)
PATHS = "is not a path; allowed: an absolute path of up to 1024 letters, digits and -_.,:@%+=~/"

REFUSED: dict[str, tuple[dict[str, Any], Any, str]] = {
    "the plan itself": ({"plan": {"load_balancers": {}}}, {}, NAME.format("{'load_balancers': {}}")),
    "its text": ({"plan": json.dumps({"a": "b" * 100})}, {}, NAME.format(f'\'{{"a": "{"b" * 72}…')),
    "an empty name": ({"plan": ""}, {}, NAME.format("''")),
    "two words": ({"plan": "my plan"}, {}, NAME.format("'my plan'")),
    "a number": ({"plan": 7}, {}, NAME.format("7")),
    "a truth value": ({"plan": True}, {}, NAME.format("True")),
    "a list": ({"plan": ["made"]}, {}, NAME.format("['made']")),
    "a variable that is not there": ({"plan": "mad"}, {}, f"plan: there is no variable 'mad'; {FIRST}"),
    "a failed task": (
        {"plan": "made"},
        {"failed": True, "msg": "2 problems", "changed": False},
        f"plan: made contains no plan, because the task that registered it failed; {FIRST}",
    ),
    "a skipped task": (
        {"plan": "made"},
        {"skipped": True, "changed": False},
        f"plan: made contains no plan, because the task that registered it was skipped; {FIRST}",
    ),
    "a loop": ({"plan": "made"}, {"results": [{}]}, f"plan: made contains something other than a plan; {FIRST}"),
    "a text": ({"plan": "made"}, "{{ services_plan }}", f"plan: made contains something other than a plan; {FIRST}"),
    "nothing": ({"plan": "made"}, None, f"plan: made contains something other than a plan; {FIRST}"),
    "load balancers in a list": (
        {"plan": "made"},
        {"load_balancers": [HOST]},
        f"plan: made contains something other than a plan; {FIRST}",
    ),
    "text that is not JSON": (
        {"plan": "made"},
        with_part("{"),
        DAMAGED.format("Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
    ),
    "JSON that is not a mapping": ({"plan": "made"}, with_part("[1]"), DAMAGED.format("[1] is not a mapping")),
    "a part that is not text": (
        {"plan": "made"},
        with_part({"services": []}),
        DAMAGED.format("the JSON object must be str, bytes or bytearray, not dict"),
    ),
    "a part without services": (
        {"plan": "made"},
        with_part('{"state_dir": "/s"}'),
        DAMAGED.format("KeyError: 'services'"),
    ),
    "services that are none": (
        {"plan": "made"},
        with_fields(services=[1]),
        DAMAGED.format("TypeError: 'int' object is not subscriptable"),
    ),
    "a service without servers": (
        {"plan": "made"},
        with_fields(services=[{"name": "a"}]),
        DAMAGED.format("KeyError: 'servers'"),
    ),
    "an unknown load balancer": (
        {"plan": "made", "load_balancer": "10.10.10.99"},
        planned(),
        "load_balancer: '10.10.10.99' is not a host of the inventory; allowed: one, by its name",
    ),
    "a load balancer without a name": (
        {"plan": "made", "load_balancer": ""},
        planned(),
        "load_balancer: '' is not a host of the inventory; allowed: one, by its name",
    ),
    "a list of load balancers": (
        {"plan": "made", "load_balancer": [HOST]},
        planned(),
        "load_balancer: ['10.10.10.11'] is not a host of the inventory; allowed: one, by its name",
    ),
    "a load balancer that is a number": (
        {"plan": "made", "load_balancer": 10},
        planned(),
        "load_balancer: 10 is not a host of the inventory; allowed: one, by its name",
    ),
    "a load balancer without a plan": (
        {"load_balancer": HOST, "owners": ["node"]},
        {},
        "load_balancer: not allowed without plan; give plan as well",
    ),
    "files of one's own": (
        {"plan": "made", "files": []},
        planned(),
        "files: not allowed together with plan, which provides it; remove one of the two",
    ),
    "owners of one's own": (
        {"plan": "made", "owners": ["node"]},
        planned(),
        "owners: not allowed together with plan, which provides it; remove one of the two",
    ),
    "a relative state folder": (
        {"plan": "made", "state_dir": "state"},
        planned(),
        f"state_dir: 'state' {PATHS}",
    ),
    "a state folder of two words": (
        {"plan": "made", "state_dir": "/var/lib/my state"},
        planned(),
        f"state_dir: '/var/lib/my state' {PATHS}",
    ),
    "a state folder that is no text": (
        {"plan": "made", "state_dir": ["/s"]},
        planned(),
        "state_dir: ['/s'] is not a path; allowed: text",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(handed: list[dict[str, Any]], case: str) -> None:
    arguments, made, message = REFUSED[case]
    assert run(arguments, made=made) == {"changed": False, "failed": True, "msg": message}
    assert handed == []

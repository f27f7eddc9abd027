# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the publish action hands to the module of the same name."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.pgsvc.access.plugins.action.haproxy_publish import ActionModule
from ansible_collections.pgsvc.access.tests.unit.plugins.plugin_utils.planning import pg_test, plan

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
    return action.run(None, {"inventory_hostname": HOST, **variables})


def planned() -> dict[str, Any]:
    """The plan of pg-test, as the plan action returns it."""
    return {
        "load_balancers": {
            host: json.dumps(publication.to_dict()) for host, publication in plan(pg_test()).publications.items()
        }
    }


def test_a_plan_becomes_files_of_this_host(handed: list[dict[str, Any]]) -> None:
    assert run({"plan": "made"}, made=planned()) == {"changed": True}
    assert sorted(file["name"] for file in handed[0]["files"]) == FILES
    assert all("\n    bind " in file["content"] for file in handed[0]["files"])
    assert "plan" not in handed[0]


def test_the_load_balancer_may_be_another_host(handed: list[dict[str, Any]]) -> None:
    arguments = {"plan": "made", "load_balancer": "10.10.10.12"}
    run(arguments, made=planned())
    assert sorted(file["name"] for file in handed[0]["files"]) == FILES
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


def test_a_plan_that_nobody_made(handed: list[dict[str, Any]]) -> None:
    with pytest.raises(AnsibleActionFail, match=r"^plan: there is no variable 'made'; register the result of "):
        run({"plan": "made"})
    assert handed == []

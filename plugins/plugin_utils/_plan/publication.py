# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A planned publication as the arguments of the publish module."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.pgsvc.access.plugins.plugin_utils._input import values
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import ValueProblem, printable, shown
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.service import CheckBackend, Service
from ansible_collections.pgsvc.access.plugins.plugin_utils._plan.collector import without_collection
from ansible_collections.pgsvc.access.plugins.plugin_utils._plan.rendering import render_check_backend, render_service

_PLANNER = "pgsvc.access.pg_service_plan"
_OF_THE_PLAN = ("files", "files_json", "owners")
OF_LOAD_BALANCER = ("conf_dir", "state_dir", "master_socket", "stats_socket")


def variable_name(value: Any) -> str:
    """The name of the variable that contains a plan. A template here would give its value, which is refused."""
    if not isinstance(value, str) or not value.isidentifier():
        raise ValueProblem(
            f"plan: give the name of the variable in which the result of {_PLANNER} was registered, not its value "
            f"(plan: services_plan); {shown(values.native(value))} is not the name of a variable",
            "not-allowed",
        )
    return value


def take_plan(given: dict[str, Any], variables: Mapping[str, Any]) -> tuple[str, Any, str] | None:
    """Take ``plan`` and ``load_balancer`` out of the arguments of a task; ``variables`` are those of the task.

    Returns the name of the variable that holds the plan, the plan, and the load balancer, for `planned_arguments`; None
    if the task has no plan. The plan is given by name because templating a plan of a thousand clusters on each host
    would take longer than everything else. Raises `ValueProblem`.
    """
    plan, load_balancer = given.pop("plan", None), given.pop("load_balancer", None)
    if plan is None:
        if load_balancer is not None:
            raise ValueProblem("load_balancer: not allowed without plan; give plan as well", "conflict", load_balancer)
        return None
    variable = variable_name(plan)
    if variable not in variables:
        raise ValueProblem(
            f"plan: there is no variable {variable!r}; register the result of {_PLANNER} in it first",
            "unknown-name",
            variable,
        )
    host = variables["inventory_hostname"] if load_balancer is None else load_balancer
    if not isinstance(host, str) or host not in variables["hostvars"]:
        said = f"load_balancer: {shown(host)} is not a host of the inventory; allowed: one, by its name"
        raise ValueProblem(said, "unknown-name", host)
    return variable, variables[variable], host


def planned_arguments(variable: str, plan: Any, load_balancer: str, given: Mapping[str, Any]) -> dict[str, Any] | None:
    """The module's arguments for one load balancer of a registered plan; None if the plan has nothing for it.

    `variable` is where `plan` was registered. `given` are the arguments of the task, which take precedence over the
    plan's; None means not given, as in every module. Raises `ValueProblem`.
    """
    publication = publication_of(variable, plan, load_balancer)
    own = {name: value for name, value in given.items() if value is not None}
    for name in _OF_THE_PLAN:
        if name in own:
            said = f"{name}: not allowed together with plan, which provides it; remove one of the two"
            raise ValueProblem(said, "conflict")
    state_dir = _state_dir(own["state_dir"]) if "state_dir" in own else None
    if publication is None:
        return None
    if state_dir is not None:  # the service files name it
        publication["state_dir"] = own["state_dir"] = state_dir
    try:
        return {**compact(module_arguments(publication)), **own}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _damaged(variable, load_balancer, f"{type(error).__name__}: {error}") from error


def member_arguments(variable: str, plan: Any, load_balancer: str, given: Mapping[str, Any]) -> dict[str, Any] | None:
    """The same for the module that sets the state of a member; None where its cluster is not carried."""
    publication = publication_of(variable, plan, load_balancer)
    if publication is None:
        return None
    try:
        if given.get("cluster") not in publication["carries"]:
            return None
        settings = {name: publication[name] for name in OF_LOAD_BALANCER}
    except (KeyError, TypeError) as error:
        raise _damaged(variable, load_balancer, f"{type(error).__name__}: {error}") from error
    return {**settings, **{name: value for name, value in given.items() if value is not None}}


@without_collection()
def module_arguments(publication: Mapping[str, Any]) -> dict[str, Any]:
    """Render the services in the result of `Publication.to_dict`."""
    settings = {field: value for field, value in publication.items() if field not in ("services", "checks", "reload")}
    services = [Service.from_dict(service) for service in publication["services"]]
    files = [
        {
            "name": service.name,
            "owner": service.owner,
            "content": render_service(service, publication["state_dir"]),
            "cut_removed": service.on_member_removed == "shutdown-sessions",
            "may_be_empty": service.may_be_empty,
        }
        for service in services
    ]
    checks = [
        {
            "name": backend.name,
            "owner": backend.owner,
            "content": render_check_backend(backend, publication["state_dir"]),
            "cut_removed": True,
            "may_be_empty": True,
        }
        for backend in map(CheckBackend.from_dict, publication["checks"])
    ]
    return {**settings, "apply": publication["reload"], "files": [*files, *checks]}


def compact(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The same arguments with the files as one text, since Ansible processes, copies and logs each value of a list."""
    return {**{k: v for k, v in arguments.items() if k != "files"}, "files_json": json.dumps(arguments["files"])}


def publication_of(variable: str, plan: Any, load_balancer: str) -> dict[str, Any] | None:
    """What `Publication.to_dict` gave for one load balancer of a registered plan; None when there is nothing for it.

    `variable` is where `plan` was registered. Raises `ValueProblem`.
    """
    known = plan.get("load_balancers") if isinstance(plan, dict) else None
    if not isinstance(known, dict):
        raise ValueProblem(f"plan: {variable} {_reason_no_plan(plan)}", "not-allowed")
    text = known.get(load_balancer)
    if text is None:
        return None
    try:
        publication = json.loads(text)
    except (TypeError, ValueError) as error:
        raise _damaged(variable, load_balancer, str(error)) from error
    if not isinstance(publication, dict):
        raise _damaged(variable, load_balancer, f"{shown(publication)} is not a mapping")
    return publication


def _reason_no_plan(plan: Any) -> str:
    again = f"register the result of {_PLANNER} in it first"
    if isinstance(plan, dict) and plan.get("failed") is True:
        return f"contains no plan, because the task that registered it failed; {again}"
    if isinstance(plan, dict) and plan.get("skipped") is True:
        return f"contains no plan, because the task that registered it was skipped; {again}"
    return f"contains something other than a plan; {again}"


def _damaged(variable: str, load_balancer: str, why: str) -> ValueProblem:
    return ValueProblem(
        f"plan: the entry of {variable} for {load_balancer} is not as {_PLANNER} returns it ({printable(why)}); "
        f"register the unchanged result of {_PLANNER}",
        "not-allowed",
    )


def _state_dir(value: Any) -> str:
    try:
        return values.path(values.native(value), "a path")
    except ValueProblem as problem:
        raise problem.prefixed("state_dir: ") from problem

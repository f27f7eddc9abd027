# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last line of a run, for each thing that can happen to a load balancer."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.pgsvc.access.plugins.callback.summary import CallbackModule

pytestmark = pytest.mark.every_core

PUBLISH = "pgsvc.access.haproxy_publish"
SERVICE = {"name": "pg-test-primary", "owner": "member/pg-test", "status": "updated"}


def result(host: str, action: str = PUBLISH, check: bool = False, **values: Any) -> Any:
    """The result of a task as ansible-core hands it to a callback."""
    task = SimpleNamespace(action=action, check_mode=check)
    return SimpleNamespace(task=task, host=SimpleNamespace(get_name=lambda: host), result=values)


def published(method: str, **values: Any) -> dict[str, Any]:
    return {"changed": True, "services": [SERVICE], "applied": {"method": method, "reason": ""}, **values}


UNCHANGED: dict[str, Any] = {"changed": False, "services": [SERVICE], "applied": {"method": "none", "reason": ""}}


class Stats:
    """Stands for those of a run."""


class Summary(CallbackModule):
    """Keeps what it would print."""

    ALWAYS = True

    def __init__(self) -> None:
        super().__init__()
        self.printed: list[str] = []
        vars(self)["_display"] = SimpleNamespace(display=self.printed.append)

    @property
    def line(self) -> str:
        self.v2_playbook_on_stats(Stats())
        return self.printed[-1]


@pytest.mark.parametrize(
    ("results", "said"),
    [
        ([result("a", **UNCHANGED)], "1 load balancer: 1 unchanged"),
        ([result("a", **published("runtime"))], "1 load balancer: 1 changed without a reload"),
        ([result("a", **published("reload"))], "1 load balancer: 1 changed by a reload"),
        ([result("a", **published("systemd"))], "1 load balancer: 1 changed by a reload"),
        ([result("a", **published("none"))], "1 load balancer: 1 written, not applied"),
        ([result("a", check=True, **published("reload"))], "1 load balancer: 1 would be changed by a reload"),
        (
            [result("b", **UNCHANGED), result("a", **published("reload")), result("c", **UNCHANGED)],
            "3 load balancers: 1 changed by a reload, 2 unchanged",
        ),
        (
            [result("a", **published("reload", old_workers={"count": 2, "sessions": 3}))],
            "1 load balancer: 1 changed by a reload; 2 old workers still with 3 sessions",
        ),
        (
            [
                result("m", **UNCHANGED, _ansible_delegated_vars={"ansible_delegated_host": "lb"}),
                result("lb", **UNCHANGED),
            ],
            "1 load balancer: 1 unchanged",
        ),
        ([result("m", changed=False, services=[])], "no load balancer to publish to"),
        ([result("m", changed=False, skipped=True)], "no load balancer to publish to"),
        ([result("m", changed=True, results=[UNCHANGED])], "no load balancer to publish to"),
        ([result("m", action="ansible.builtin.ping", changed=False)], "no load balancer to publish to"),
        ([], "no load balancer to publish to"),
    ],
)
def test_what_happened(results: list[Any], said: str) -> None:
    summary = Summary()
    for each in results:
        summary.v2_runner_on_ok(each)
    assert summary.line == f"pgsql-svc: {said}"


def test_the_items_of_a_loop_are_counted_by_load_balancer() -> None:
    summary = Summary()
    summary.v2_runner_item_on_ok(result("member", load_balancer="lb-1", **UNCHANGED))
    summary.v2_runner_item_on_ok(result("member", load_balancer="lb-2", **published("reload")))
    summary.v2_runner_on_ok(result("member", changed=True, results=[{}, {}]))
    assert summary.line == "pgsql-svc: 2 load balancers: 1 changed by a reload, 1 unchanged"


def test_who_is_in_trouble_is_named() -> None:
    summary = Summary()
    summary.v2_runner_on_ok(result("a", **UNCHANGED))
    summary.v2_runner_on_failed(result("c", msg="HAProxy rejects the new files"))
    summary.v2_runner_item_on_failed(result("member", load_balancer="b", msg="no"))
    summary.v2_runner_on_unreachable(result("d", unreachable=True, msg="no route"))
    assert summary.line == "pgsql-svc: 4 load balancers: 2 failed (b, c), 1 unchanged, 1 unreachable (d)"
    assert summary.printed[:-1] == [
        "pgsql-svc: failed (c): HAProxy rejects the new files",
        "pgsql-svc: failed (b): no",
        "pgsql-svc: unreachable (d): no route",
    ]


def test_at_most_ten_lines() -> None:
    summary = Summary()
    for number in range(40):
        summary.v2_runner_item_on_failed(result("m", load_balancer=f"lb-{number:02}", msg=f"reason {number % 20}"))
    assert summary.line == (
        "pgsql-svc: 40 load balancers: 40 failed (lb-00, lb-01, lb-02, lb-03, lb-04, lb-05, lb-06, lb-07 and 32 more)"
    )
    assert len(summary.printed) == 10
    assert summary.printed[0] == "pgsql-svc: failed (lb-00, lb-20): reason 0"
    assert summary.printed[-2] == "pgsql-svc: 24 more, for other reasons"


def test_one_of_two_speaks() -> None:
    stats, one, other = Stats(), Summary(), Summary()
    for each in (one, other):
        each.v2_runner_on_ok(result("a", **UNCHANGED))
        each.v2_playbook_on_stats(stats)
    assert (len(one.printed), len(other.printed)) == (1, 0)


def test_a_playbook_that_publishes_nothing_is_none_of_its_business() -> None:
    summary = Summary()
    summary.ALWAYS = False
    summary.v2_runner_on_ok(result("a", action="ansible.builtin.ping", changed=False))
    summary.v2_playbook_on_stats(Stats())
    assert summary.printed == []


@pytest.mark.parametrize(
    ("ignored", "said"),
    [(False, "failed, no load balancer was touched"), (True, "no load balancer to publish to")],
)
def test_a_failure_before_any_load_balancer(ignored: bool, said: str) -> None:
    summary = Summary()
    summary.v2_runner_on_failed(result("a", action="pgsvc.access.pg_service_plan", msg="bad"), ignore_errors=ignored)
    assert summary.line == f"pgsql-svc: {said}"


PARTS = {"a": '{"services": [{}]}', "b": '{"services": [{}]}', "c": '{"services": [{}]}', "m": '{"services": []}'}


@pytest.mark.parametrize(
    ("done", "said"),
    [
        (["a", "b", "c"], "3 load balancers: 3 unchanged"),
        (["a"], "3 load balancers: 2 not published, 1 unchanged"),
        ([], "3 load balancers: 3 not published"),
    ],
)
def test_what_is_planned_and_was_not_begun(done: list[str], said: str) -> None:
    summary = Summary()
    summary.v2_runner_on_ok(result("a", action="pgsvc.access.pg_service_plan", load_balancers=PARTS))
    for host in done:
        summary.v2_runner_on_ok(result(host, **UNCHANGED))
    assert summary.line == f"pgsql-svc: {said}"


def test_a_failure_that_stopped_the_rest() -> None:
    summary = Summary()
    summary.v2_runner_on_ok(result("a", action="pgsvc.access.pg_service_plan", load_balancers=PARTS))
    summary.v2_runner_item_on_failed(result("m", load_balancer="b", msg="no"))
    assert summary.line == "pgsql-svc: 3 load balancers: 1 failed (b), 2 not published"


def test_results_of_an_older_ansible_core() -> None:
    """Before 2.19 the parts of a result have names with an underscore."""
    now = result("a", **UNCHANGED)
    summary = Summary()
    summary.v2_runner_on_ok(SimpleNamespace(_task=now.task, _host=now.host, _result=now.result))
    assert summary.line == "pgsql-svc: 1 load balancer: 1 unchanged"

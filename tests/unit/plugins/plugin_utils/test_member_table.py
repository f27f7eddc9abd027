# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told of a member that is taken out or brought back, and the exit code of the command."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.pgsvc.access.plugins.plugin_utils._report.member_table import (
    ATTENTION,
    MEMBER_STATE,
    NOT_SEEN,
    OK,
    WITHOUT_SERVER,
    Members,
)


def result(host: str, *, check: bool = False, **values: Any) -> Any:
    """The result of a task as ansible-core hands it to a callback."""
    task = SimpleNamespace(action=MEMBER_STATE, check_mode=check)
    about = {"cluster": "pg", "member": "pg-2", "state": "drain", "load_balancer": host}
    return SimpleNamespace(
        task=task, host=SimpleNamespace(get_name=lambda: "another"), result={**about, "changed": True, **values}
    )


def now(
    sessions: int = 0, *, state: str = "drain", usable: int = 1, settled: bool = True, **more: Any
) -> dict[str, Any]:
    """What the module returns of one service."""
    status, is_up = ("UP", True) if state == "ready" and more.pop("up", True) else ("DRAIN", False)
    server = {"server": "pg-2", "state": state, "status": status, "usable": is_up, "sessions": sessions}
    service = {"service": "pg-replica", "servers": [server], "sessions": sessions, "usable": usable}
    return {"services": [service], "sessions": sessions, "settled": settled, "state": state, **more}


REFUSED = {**now(state="ready"), "refused": True, "changed": False, "msg": "no server left", "state": "drain"}
CODES: dict[str, tuple[list[tuple[Any, bool]], int, str]] = {
    "done": (
        [(result("lb1", **now(2)), False), (result("lb2", **now()), False)],
        OK,
        "pg-2 drain on 2 load balancers: 2 changed, 0 unchanged; 2 sessions left",
    ),
    "in check mode": (
        [
            (result("lb1", check=True, **now(1)), False),
            (result("lb2", check=True, changed=False, **now()), False),
        ],
        OK,
        "pg-2 drain on 2 load balancers: 1 would be changed, 1 unchanged; 1 session left",
    ),
    "sessions left after a wait": (
        [
            (result("lb1", **now()), False),
            (result("lb2", attempts=3, changed=False, **now(1, settled=False)), True),
        ],
        ATTENTION,
        "pg-2 drain on 2 load balancers: 1 changed, 1 unchanged; 1 session left",
    ),
    "refused": (
        [(result("lb1", **now()), False), (result("lb2", **REFUSED), True)],
        ATTENTION,
        "pg-2 drain on 2 load balancers: 1 changed, 0 unchanged, 1 refused; 0 sessions left",
    ),
    "a service without a server": (
        [(result("lb1", **now(usable=0)), False), (result("lb2", **now()), False)],
        WITHOUT_SERVER,
        "pg-2 drain on 2 load balancers: 2 changed, 0 unchanged; 0 sessions left",
    ),
    "one that cannot be reached": (
        [(result("lb1", **now(usable=0)), False), (result("lb2", changed=False, msg="no route"), True)],
        NOT_SEEN,
        "pg-2 drain on 2 load balancers: 1 changed, 0 unchanged, 1 failed; 0 sessions left",
    ),
    "one that the run has not come to": (
        [(result("lb1", **now()), False)],
        NOT_SEEN,
        "pg-2 drain on 2 load balancers: 1 changed, 0 unchanged, 1 failed; 0 sessions left",
    ),
    "back": (
        [(result("lb1", **now(state="ready")), False), (result("lb2", **now(state="ready")), False)],
        OK,
        "pg-2 ready on 2 load balancers: 2 changed, 0 unchanged; it can get connections on 2 of 2",
    ),
    "back, and down": (
        [(result("lb1", **now(state="ready")), False), (result("lb2", **now(state="ready", up=False)), False)],
        ATTENTION,
        "pg-2 ready on 2 load balancers: 2 changed, 0 unchanged; it can get connections on 1 of 2",
    ),
}


@pytest.mark.parametrize("case", CODES.values(), ids=CODES)
def test_code_and_last_line(case: tuple[list[tuple[Any, bool]], int, str]) -> None:
    results, code, line = case
    members = Members()
    for each, failed in results:
        assert members.note(each, failed=failed)
    assert (members.code(planned=2), members.summary(planned=2)) == (code, line)


def test_nothing_was_seen() -> None:
    assert Members().code(planned=0) == NOT_SEEN


def test_the_table_and_what_needs_attention() -> None:
    members = Members()
    members.note(result("lb2", **now(12, usable=0)))
    members.note(result("lb10", msg="no\nroute"), failed=True)
    assert members.table() == [
        "LOAD BALANCER  SERVICE     SERVER  STATE  STATUS  SESSIONS",
        "lb2            pg-replica  pg-2    drain  DRAIN   12",
    ]
    assert members.findings() == ["failed (lb10): no route", "pg-replica has no usable server on lb2"]


def test_of_many_rows_those_are_shown_that_are_not_done() -> None:
    members = Members()
    for number in range(100):
        members.note(result(f"lb{number:02}", **now(int(number == 7))))
    assert members.table()[1:] == ["lb07           pg-replica  pg-2    drain  DRAIN   1"]


def test_progress_of_a_wait() -> None:
    members = Members()
    members.note(result("lb1", **now(2, settled=False)), again=True)
    members.note(result("lb2", **now(0)), again=True)
    assert members.progress() == "pg-2: 2 sessions left (lb1 2)"
    members.note(result("lb1", **now(state="ready", settled=False)), again=True)
    assert members.progress() == "pg-2: its health checks are awaited on lb1"


def test_results_of_other_tasks_are_not_noted() -> None:
    members = Members()
    other = result("lb1", **now())
    other.task.action = "ansible.builtin.debug"
    assert members.note(other) is None
    assert members.note(result("lb1", skipped=True)) is None
    assert members.note(result("lb1", results=[])) is None
    assert members.of == {}

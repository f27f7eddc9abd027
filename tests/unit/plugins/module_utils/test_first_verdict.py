# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first verdict of a server, as HAProxy shows it: the result of a check comes before the state of the server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pytest

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.server_state import verdict
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.sockets import RuntimeAPI, ServerRow
from ansible_collections.pgsvc.access.plugins.module_utils._publish import runtime_apply
from ansible_collections.pgsvc.access.plugins.module_utils._publish.runtime_plan import Addition, ServerChanges
from ansible_collections.pgsvc.access.tests.unit.plugins.module_utils.test_server_state import UP

#: srv_check_status, srv_check_result, srv_op_state
Look = tuple[int, int, int]
NONE, FAILED, PASSED = 1, 17, 15  # INI, L7STS, L7OK

VERDICTS: dict[str, tuple[Look, bool | None]] = {
    "no check has ended": ((NONE, 0, 2), None),
    "failed, and the server is still running": ((FAILED, 2, 2), False),
    "failed, and the server is stopped": ((FAILED, 2, 0), False),
    "passed": ((PASSED, 3, 2), True),
    "passed, and the server is still stopped": ((PASSED, 3, 0), True),
    "failed, and asked again": ((FAILED, 0, 0), False),
    "passed, and asked again": ((PASSED, 0, 2), True),
}


def row(look: Look) -> ServerRow:
    status, result, state = look
    return UP._replace(check_status=status, check_result=result, op_state=state)


@pytest.mark.parametrize("case", VERDICTS)
def test_verdict(case: str) -> None:
    look, expected = VERDICTS[case]
    assert verdict(row(look)) is expected


class Api:
    """Shows one look at a new server after the other, and notes after how many it gets its weight."""

    def __init__(self, looks: Sequence[Look]) -> None:
        self._looks = list(looks)
        self.shown = 0
        self.weighted_after = 0

    def servers_state(self) -> list[ServerRow]:
        look = self._looks[min(self.shown, len(self._looks) - 1)]
        self.shown += 1
        return [row(look)]

    def command(self, command: str) -> str:
        if command.endswith(" weight 100"):
            self.weighted_after = self.shown
        return "New server registered." if command.startswith("add server") else ""


#: What is seen of a new server, and after which look it may take connections.
LOOKS: dict[str, tuple[list[Look], int]] = {
    "passed": ([(NONE, 0, 2), (PASSED, 3, 2)], 2),
    "failed": ([(NONE, 0, 2), (FAILED, 2, 0)], 2),
    "failed, and running for a moment": ([(NONE, 0, 2), (FAILED, 2, 2), (FAILED, 2, 2), (FAILED, 2, 0)], 4),
    "the result is just being noted": ([(FAILED, 0, 2), (FAILED, 2, 2), (FAILED, 2, 0)], 3),
    "always asked again": ([(NONE, 0, 2), (PASSED, 0, 2), (PASSED, 0, 2)], 3),
}


@pytest.mark.parametrize("case", LOOKS)
def test_a_new_server_waits_for_the_state_behind_its_verdict(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime_apply, "_POLL", 0.0)
    looks, expected = LOOKS[case]
    api = Api(looks)
    addition = Addition(f"{UP.be_name}/{UP.srv_name}", ("10.10.10.11:6432", "check"), True, 100, 0, 5.0)
    empty: dict[str, Any] = {"settings": (), "additions": (addition,), "removals": ()}
    runtime_apply.apply_changes(cast(RuntimeAPI, api), ServerChanges(**empty))
    assert api.weighted_after == expected


def test_a_new_address_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """HAProxy 3 has said yes before the server has it."""
    monkeypatch.setattr(runtime_apply, "_POLL_ADDRESSES", 0.0)
    addresses = ["10.10.10.1", "10.10.10.1", "10.10.10.9"]
    shown: list[str] = []

    class Slow(Api):
        def servers_state(self) -> list[ServerRow]:
            shown.append(addresses[len(shown)])
            return [UP._replace(addr=shown[-1], port=6432)]

        def command(self, command: str) -> str:
            return f"IP changed from '10.10.10.1' to '10.10.10.9' by 'stats socket command'{command[:0]}"

    empty: dict[str, Any] = {"additions": (), "removals": ()}
    settings = (f"set server {UP.be_name}/{UP.srv_name} addr 10.10.10.9 port 6432",)
    runtime_apply.apply_changes(cast(RuntimeAPI, Slow([])), ServerChanges(settings=settings, **empty))
    assert shown == addresses

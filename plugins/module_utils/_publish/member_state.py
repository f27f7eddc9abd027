# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Take a member out of all services of a load balancer, and bring it back, through the Runtime API."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.proxies import Proxy
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.server_state import FORCED_DRAIN, FORCED_MAINT
from ansible_collections.pgsvc.access.plugins.module_utils._host.deadlines import LOCK
from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import CLIError, PublishError
from ansible_collections.pgsvc.access.plugins.module_utils._host.light_dataclass import dataclass
from ansible_collections.pgsvc.access.plugins.module_utils._host.lock import locked
from ansible_collections.pgsvc.access.plugins.module_utils._publish import unfinished
from ansible_collections.pgsvc.access.plugins.module_utils._publish.administration import DRAIN, MAINT, READY
from ansible_collections.pgsvc.access.plugins.module_utils._publish.cluster import (
    look,
    reported,
    running_process,
    service_files,
)
from ansible_collections.pgsvc.access.plugins.module_utils._publish.member_plan import (
    Servers,
    commands,
    described,
    find_servers,
    is_settled,
    members_of,
    states_of,
    without_server,
)
from ansible_collections.pgsvc.access.plugins.module_utils._publish.sessions import end_sessions, sessions_of

_POLL_STATES = 0.02  # seconds between two looks at states that HAProxy is about to show
_SHOWN = 2.0  # seconds within which HAProxy shows a state that it has taken
_ADMIN = {READY: 0, DRAIN: FORCED_DRAIN, MAINT: FORCED_MAINT}


@dataclass(frozen=True)
class MemberRequest:
    """The arguments of a call. `force` allows a service to be left without a usable server, `check` is check mode."""

    cluster: str
    member: str
    state: str
    force: bool
    conf_dir: Path
    state_dir: Path
    master_socket: str
    stats_socket: str
    check: bool = False


@dataclass
class MemberResult:
    """What was done (`commands`, `ended` sessions), and what is true now (`services`, `sessions`, `settled`).

    `before` and `after` have the state of each server on which one is set. `refused` is why nothing was done.
    """

    commands: list[str] = field(default_factory=list)
    ended: int = 0
    services: list[dict[str, Any]] = field(default_factory=list)
    sessions: int = 0
    settled: bool = True
    before: dict[str, str] = field(default_factory=dict)
    after: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    refused: str = ""

    def to_dict(self, diff: bool) -> dict[str, Any]:
        """What the module returns."""
        returned: dict[str, Any] = {
            "changed": bool(self.commands or self.ended),
            "services": self.services,
            "sessions": self.sessions,
            "settled": self.settled,
            "commands": self.commands,
        }
        if diff and self.before != self.after:
            returned["diff"] = [{"before": _text(self.before), "after": _text(self.after)}]
        return returned


def _text(states: Mapping[str, str]) -> str:
    return "".join(f"{server} {state}\n" for server, state in states.items())


def set_member_state(request: MemberRequest) -> MemberResult:
    """Do what `request` asks. Raises `PublishError`."""
    with reported(request.conf_dir, request.cluster), locked(request.conf_dir, LOCK):
        return _Change(request).carry_out()


class _Change:
    def __init__(self, request: MemberRequest) -> None:
        self.request = request
        self.services = service_files(request.conf_dir, request.cluster)
        self.process = running_process(request.master_socket, request.stats_socket)
        self.result = MemberResult()

    def carry_out(self) -> MemberResult:
        request, result = self.request, self.result
        running = look(self.process)
        servers = find_servers(request.member, self.services, running)
        self._check(servers)
        result.before = result.after = states_of(servers, running)
        todo = commands(servers, running, request.state)
        lost = without_server(servers, running) if request.state != READY else []
        if todo and lost and not request.force:
            result.refused = (
                f"{', '.join(lost)} would have no usable server without {request.member}; bring another member up "
                "first, or set force (pgsql-svc --force)"
            )
        else:
            result.commands = todo
            if request.check:
                result.after = dict.fromkeys(result.before, request.state)
                result.ended = sum(sessions_of(_ids(servers), self.process).values()) if request.state == MAINT else 0
            else:
                self._act(servers, todo)
        return self._describe(servers)

    def _act(self, servers: Servers, todo: list[str]) -> None:
        self._note_unfinished(servers)
        for command in todo:
            answer = self.process.api.command(command).strip()
            if answer:
                raise CLIError(f"HAProxy refuses {command!r}: {answer}")
        if self.request.state == MAINT:
            self.result.ended = end_sessions(_ids(servers), self.process)
        self._await_states(servers)

    def _check(self, servers: Servers) -> None:
        """Raise `PublishError` where there is no server of the member to act on."""
        request = self.request
        if servers.absent:
            self.result.warnings.append(
                f"HAProxy does not run {', '.join(servers.absent)} yet: publish the services of {request.cluster}"
            )
        if not servers.serving:
            known = ", ".join(members_of(self.services)) or "none"
            raise PublishError(
                f"no service of {request.cluster} that runs here has a server of {request.member!r}; members with "
                f"servers in {request.conf_dir}: {known}"
            )

    def _note_unfinished(self, servers: Servers) -> None:
        """The next publish completes what a killed one has begun, with the states that it has noted."""
        path = self.request.state_dir / "unfinished.json"
        noted = unfinished.read(path, self.process.worker)
        own = {server.id: _ADMIN[self.request.state] for server in servers.holders if server.id in noted}
        if own:
            unfinished.write(path, self.process.worker, {**noted, **own})

    def _await_states(self, servers: Servers) -> None:
        """HAProxy 3 may show the state of a server a moment after it has taken the command."""
        deadline = time.monotonic() + _SHOWN
        while True:
            self.result.after = states_of(servers, look(self.process))
            if set(self.result.after.values()) <= {self.request.state} or time.monotonic() > deadline:
                return
            time.sleep(_POLL_STATES)

    def _describe(self, servers: Servers) -> MemberResult:
        request, result = self.request, self.result
        running: Mapping[str, Proxy] = look(self.process)
        sessions = sessions_of(_ids(servers), self.process)
        result.services = described(servers, running, sessions)
        result.sessions = sum(sessions.values())
        result.settled = is_settled(servers, running, request.state, result.sessions)
        return result


def _ids(servers: Servers) -> list[str]:
    return [server.id for server in servers.serving]

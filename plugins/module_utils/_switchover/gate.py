# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gates of services on a load balancer: closed, new connections wait; open, they are forwarded.

A gate is a variable of HAProxy's process with the time at which it opens by itself, see `_publish.hold`. Nothing on the
controller is needed to open it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import field
from pathlib import Path
from typing import Any

from ansible_collections.pgsvc.access.plugins.module_utils._host.deadlines import GATE_LOCK
from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import CLIError, PublishError
from ansible_collections.pgsvc.access.plugins.module_utils._host.light_dataclass import dataclass
from ansible_collections.pgsvc.access.plugins.module_utils._host.lock import locked
from ansible_collections.pgsvc.access.plugins.module_utils._publish import hold
from ansible_collections.pgsvc.access.plugins.module_utils._publish.cluster import (
    look,
    reported,
    running_process,
    service_files,
)
from ansible_collections.pgsvc.access.plugins.module_utils._publish.service_file import ServiceFile
from ansible_collections.pgsvc.access.plugins.module_utils._publish.sessions import end_sessions, sessions_of
from ansible_collections.pgsvc.access.plugins.module_utils._switchover.leader import (
    ask_members,
    member_apis,
    new_leader,
)
from ansible_collections.pgsvc.access.plugins.module_utils._switchover.servers import commands, places, serving

CLOSED, OPEN, FOLLOWING = "closed", "open", "following"

_POLL = 0.05  # seconds between two questions to Patroni
_POLL_STATES = 0.02  # seconds between two looks at states that HAProxy is about to show
_SHOWN = 2.0  # seconds within which HAProxy shows a state that it has taken
_RENEWED = 5  # seconds that are left when a gate is closed again for as long


@dataclass(frozen=True)
class GateRequest:
    """The arguments of a call. `leader` is the member that leads, or led, before the switchover.

    A closed gate opens by itself after `seconds`. FOLLOWING waits up to `wait` seconds for another leader. `check` is
    check mode.
    """

    cluster: str
    services: Sequence[str]
    state: str
    leader: str
    seconds: int
    wait: int
    conf_dir: Path
    master_socket: str
    stats_socket: str
    check: bool = False


@dataclass
class GateResult:
    """What is true in the end. Times are seconds since 1970, 0 for what has not happened.

    `gates` is the state of each service, `without_gate` are services that do not hold. `sessions` are those of the
    member that led, `waiting` the connections that waited when the gates opened. `serves` are the members that take new
    connections, by service, `leader` is the new one.
    """

    changed: bool = False
    gates: dict[str, str] = field(default_factory=dict)
    without_gate: list[str] = field(default_factory=list)
    at: float = 0.0
    sessions: int = 0
    waiting: int = 0
    leader: str = ""
    stopped_at: float = 0.0
    leads_at: float = 0.0
    commands: list[str] = field(default_factory=list)
    serves: dict[str, list[str]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return dict(vars(self))


def set_gate(request: GateRequest) -> GateResult:
    """Do what `request` asks. Raises `PublishError`."""
    with reported(request.conf_dir, request.cluster):
        if request.state == CLOSED and not request.check:
            # A run that publishes may reload HAProxy, which opens every gate. It waits while one is closed.
            with locked(request.conf_dir, GATE_LOCK):
                return _Gate(request).carry_out()
        return _Gate(request).carry_out()


class _Gate:
    def __init__(self, request: GateRequest) -> None:
        self.request = request
        self.files = service_files(request.conf_dir, request.cluster)
        self.services = _chosen(self.files, request)
        texts = {file.name: _content(request.conf_dir, file.name) for file in self.services}
        self.gated = [name for name, content in texts.items() if name in hold.holds([content])]
        self.process = running_process(request.master_socket, request.stats_socket)
        self.places = places(self.services, look(self.process))
        self.result = GateResult(without_gate=[name for name in texts if name not in self.gated])

    def carry_out(self) -> GateResult:
        result, request = self.result, self.request
        before = self._states()
        result.sessions = self._sessions()
        if request.state == CLOSED:
            result.changed = set(before.values()) == {OPEN}
            self._close()
        elif request.state == OPEN:
            result.changed = CLOSED in before.values()
            self._open()
        else:
            result.changed = True
            if not request.check:
                self._follow()
        result.at = result.at or time.time()
        result.gates = self._states()
        result.serves = serving(self.places, look(self.process))
        return result

    def _states(self) -> dict[str, str]:
        closed = hold.closed_gates(self.gated, self.process.api)
        return {name: CLOSED if name in closed else OPEN for name in self.gated}

    def _sessions(self) -> int:
        """Of the member that led, in these services."""
        return sum(sessions_of(self._servers_of_leader(), self.process).values())

    def _servers_of_leader(self) -> list[str]:
        return [place.id for place in self.places if place.member == self.request.leader]

    def _close(self) -> None:
        if not self.request.check:
            for name in self.gated:
                self.process.api.set_variable(hold.gate(name), int(time.time()) + self.request.seconds)

    def _open(self) -> None:
        if not self.request.check:
            for name in self.gated:
                self.process.api.set_variable(hold.gate(name), 0)

    def _follow(self) -> None:
        """Wait for the new leader, send the services there, and open. Without one, the gates stay closed."""
        request, result = self.request, self.result
        apis = member_apis(self.files)
        if request.leader not in apis:
            known = ", ".join(apis) or "none"
            raise PublishError(f"no health check asks the Patroni of {request.leader}; members with one: {known}")
        began = time.monotonic()
        with ThreadPoolExecutor(len(apis)) as pool:
            while not result.leader and time.monotonic() < began + request.wait:
                self._keep_closed()
                asked_at = time.time()
                said = ask_members(apis, pool)
                # A member that was silent for a moment may still take writes.
                stopped_at = result.stopped_at or asked_at
                result.stopped_at = 0.0 if said[request.leader].takes_writes else stopped_at
                result.leader = new_leader(said, request.leader) or ""
                if not result.leader:
                    time.sleep(_POLL)
        if result.leader:
            result.leads_at = time.time()
            self._hand_over(result.leader)

    def _keep_closed(self) -> None:
        """A reload by somebody else opens gates, and so does the time."""
        now = time.time()
        for name in self.gated:
            until = self.process.api.variable(hold.gate(name)) or 0
            if until - now < _RENEWED:
                self._close()

    def _hand_over(self, leader: str) -> None:
        api, result = self.process.api, self.result
        for command in commands(self.places, look(self.process), leader):
            answer = api.command(command).strip()
            if answer:
                raise CLIError(f"HAProxy refuses {command!r}: {answer}")
            result.commands.append(command)
        self._await_serving(leader)
        running = look(self.process, frontends=True)
        result.waiting = sum(hold.held(self.gated, running, with_server=True).values())
        self._open()
        result.at = time.time()
        end_sessions(self._servers_of_leader(), self.process)

    def _await_serving(self, leader: str) -> None:
        """HAProxy 3 may show the state of a server a moment after it has taken the command."""
        deadline = time.monotonic() + _SHOWN
        while time.monotonic() < deadline:
            if all(members == [leader] for members in serving(self.places, look(self.process)).values()):
                return
            time.sleep(_POLL_STATES)


def _chosen(files: Sequence[ServiceFile], request: GateRequest) -> list[ServiceFile]:
    known: Mapping[str, ServiceFile] = {file.name: file for file in files if not file.is_backend}
    missing = [name for name in request.services if name not in known]
    if missing:
        raise PublishError(
            f"{', '.join(missing)}: no such service of {request.cluster} in {request.conf_dir}; services there: "
            f"{', '.join(known) or 'none'}"
        )
    return [known[name] for name in request.services]


def _content(conf_dir: Path, name: str) -> bytes:
    return (conf_dir / f"{name}.cfg").read_bytes()

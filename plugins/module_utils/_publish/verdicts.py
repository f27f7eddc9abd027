# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""With which state each server begins in a new worker: what the running one knows, and what has to be asked.

Values in, values out. A verdict is carried only when the check asks the same as before: it speaks of nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Optional

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.check_question import has_own_check, question
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.proxies import Proxy
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.server_line import ServerLine, word_after
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.server_state import (
    CHECK_CONFIGURED,
    DOWN,
    FORCED_DRAIN,
    FORCED_MAINT,
    NO_VERDICT,
    RUNNING,
    STARTING,
    State,
    has_own_state,
    same_address,
)
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.sockets import ServerRow
from ansible_collections.pgsvc.access.plugins.module_utils._publish.administration import MemberStates, forced
from ansible_collections.pgsvc.access.plugins.module_utils._publish.record import Head
from ansible_collections.pgsvc.access.plugins.module_utils._publish.rehearsal import Asked, Verdict
from ansible_collections.pgsvc.access.plugins.module_utils._publish.service_file import ServiceFile

Resolve = Callable[[str], Collection[str]]
"""The addresses that a name has now."""


class Knowledge:
    """What is known of the servers of all services. `states` has those by service and server, `asked` the rest that
    matters: servers that stay while their check changes, and all of a service that would begin with none.
    """

    def __init__(
        self,
        services: Iterable[ServiceFile],
        loaded: Mapping[str, Head],
        running: Mapping[str, Proxy],
        unfinished: Mapping[str, int],
        resolve: Resolve,
    ) -> None:
        self._loaded = loaded
        self._unfinished = unfinished
        self._resolve = resolve
        self.states: dict[str, dict[str, State]] = {}
        self.asked: list[Asked] = []
        self._trackers: dict[tuple[str, str], tuple[str, str]] = {}
        services = list(services)
        owners = {name: head.owner for name, head in loaded.items()}
        owners.update((service.name, service.owner or "") for service in services)
        self._members = MemberStates(owners, running, unfinished)
        for service in services:
            self._look(service, running.get(service.name))

    def _look(self, service: ServiceFile, proxy: Optional[Proxy]) -> None:
        rows = {} if proxy is None else proxy.rows
        states = self.states[service.name] = {}
        staying: list[Asked] = []
        coming: list[Asked] = []
        usable = False
        for line in service.servers:
            row = rows.get(line.name)
            if not has_own_state(line, service.default_server):
                self._look_at_tracker(service, line, row)
                continue
            if row is not None and self._is_known(service, line, row):
                states[line.name] = State(row)
                usable = usable or (row.op_state in (STARTING, RUNNING) and not row.admin_state)
                continue
            states[line.name] = State(admin=self._admin(service, line, row))
            if has_own_check(line, service.default_server):
                (coming if row is None else staying).append(Asked(service, line))
        self.asked += staying if usable else [*staying, *coming]

    def _look_at_tracker(self, service: ServiceFile, line: ServerLine, row: Optional[ServerRow]) -> None:
        """A server that follows another one: nothing is to be carried but what an administrator has done to it."""
        admin = 0 if row is None else self._admin(service, line, row)
        # What holds for the whole member is the state of the server that this one follows.
        if admin and line.tracked is not None and admin != self._members.of(service.owner, line.name):
            proxy, server = line.tracked
            self._trackers[service.name, line.name] = (proxy or service.name, server)
            self.states[service.name][line.name] = State(admin=admin)

    def _admin(self, service: ServiceFile, line: ServerLine, row: Optional[ServerRow]) -> int:
        if row is None:
            return self._members.of(service.owner, line.name)
        before = self._unfinished.get(f"{service.name}/{line.name}")
        if before is not None:
            return before
        if has_own_state(line, service.default_server):
            return forced(row.admin_state)
        return row.admin_state & (FORCED_MAINT | FORCED_DRAIN)

    def _is_known(self, service: ServiceFile, line: ServerLine, row: ServerRow) -> bool:
        """Whether the worker's verdict answers what the check asks in the file."""
        if f"{service.name}/{line.name}" in self._unfinished:
            return False
        if not line.checked(service.default_server):
            return True
        head = self._loaded.get(service.name)
        same = head is not None and head.questions.get(line.name) == question(service, line)
        verdict = row.check_state & CHECK_CONFIGURED and row.check_status != NO_VERDICT
        return bool(same and verdict) and _asks_port(service, line, row) and self._asks_address(line, row)

    def _asks_address(self, line: ServerLine, row: ServerRow) -> bool:
        if line.by_name:
            return row.fqdn == line.address and row.addr in self._resolve(line.address)
        return same_address(row.addr, line.address)

    def with_verdicts(self, verdicts: Mapping[tuple[str, str], Verdict]) -> dict[str, dict[str, State]]:
        """The states, completed by the answers to what was asked."""
        states = {service: dict(servers) for service, servers in self.states.items()}
        for (service, server), verdict in verdicts.items():
            if server in states.get(service, {}):
                states[service][server] = states[service][server]._replace(up=verdict.up, address=verdict.address)
        for (service, server), (proxy, followed) in self._trackers.items():
            is_up = _is_up(states.get(proxy, {}).get(followed, DOWN))
            states[service][server] = states[service][server]._replace(up=is_up)
        return states


def _is_up(state: State) -> bool:
    return state.up if state.row is None else state.row.op_state in (STARTING, RUNNING)


def _asks_port(service: ServiceFile, line: ServerLine, row: ServerRow) -> bool:
    own = word_after(line.words(service.default_server), "port")
    if own is not None and own.isdigit():
        return int(own) == row.check_port
    return not line.port or row.port == line.port

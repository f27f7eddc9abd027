# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What HAProxy runs, compared with what the files say. Looks, changes nothing."""

from __future__ import annotations

import functools
import socket
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.process import Process
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.proxies import Proxy, proxies
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.server_state import RUNNING, STARTING
from ansible_collections.pgsvc.access.plugins.module_utils._publish import record, unfinished
from ansible_collections.pgsvc.access.plugins.module_utils._publish.compare import Difference, compare, differences
from ansible_collections.pgsvc.access.plugins.module_utils._publish.decision import (
    RELOAD,
    RUNTIME,
    SYSTEMD,
    Decision,
    Plan,
    decide,
)
from ansible_collections.pgsvc.access.plugins.module_utils._publish.directory import Entry, FileChange
from ansible_collections.pgsvc.access.plugins.module_utils._publish.hold import closed_gates, held, holds, is_used
from ansible_collections.pgsvc.access.plugins.module_utils._publish.loaded import loaded_heads, without_file
from ansible_collections.pgsvc.access.plugins.module_utils._publish.record import Head
from ansible_collections.pgsvc.access.plugins.module_utils._publish.request import Request
from ansible_collections.pgsvc.access.plugins.module_utils._publish.service_file import ServiceFile

if TYPE_CHECKING:
    from ansible_collections.pgsvc.access.plugins.module_utils._publish.rehearsal import Verdicts
    from ansible_collections.pgsvc.access.plugins.module_utils._publish.verdicts import Knowledge

# What only a change needs is imported when there is one: most runs change nothing, and Ansible compiles every module
# that a run imports. That is a tenth of such a run.


class Running:
    """The running process and the services that a call is about.

    `view` has the service files of the whole directory as the call makes them, `services` those that the call is
    about. `loaded` is what the worker has loaded of them.
    """

    def __init__(
        self,
        request: Request,
        process: Process,
        disk: Mapping[str, Entry],
        changes: Sequence[FileChange],
        view: Mapping[str, ServiceFile],
    ) -> None:
        self.process = process
        self.record_path = record.record_path(request.state_dir)
        self.unfinished_path = request.state_dir / "unfinished.json"
        self.view = view
        self.services = {change.name: view[change.name] for change in changes if change.name in view}
        self.record = record.read_record(self.record_path)
        self.unfinished = unfinished.read(self.unfinished_path, process.worker)
        rewritten = {change.name for change in changes if change.before != change.after}
        self.loaded = loaded_heads(self.record, process.worker, disk, view, rewritten)
        removed = {change.name for change in changes if change.name not in view}
        self.gone = removed | without_file(self.record, request.owners, view)
        self._disk = disk
        self._kept = {file.name for file in request.files if not file.cut_removed}

    def look(self, *, frontends: bool = False) -> dict[str, Proxy]:
        """The proxies as they run now."""
        return proxies(self.process.api.servers_state(), self.process.api.stat(frontends=frontends))

    @functools.cached_property
    def holds(self) -> dict[str, float]:
        """The services that let new connections wait, with the seconds that they wait, by the files of before."""
        return holds(entry.content for entry in self._disk.values() if is_used(entry.content))

    def held(self, *, with_server: bool = False) -> dict[str, int]:
        """How many new connections wait for a server now, by service; see `hold.held`."""
        return held(self.holds, self.look(frontends=True), with_server=with_server) if self.holds else {}

    def closed_gates(self) -> list[str]:
        """The services with a closed gate, as during a switchover."""
        return closed_gates(self.holds, self.process.api)

    def plan(self) -> Plan:
        """Which way leads to the files."""
        running = self.look()
        replaced: dict[str, list[str]] = {}
        accepted: list[str] = []
        for name, service in self.services.items():
            head = self.loaded.get(name)
            # Where the head is not loaded, only a reload helps, and brings the servers, too.
            if name not in running or head is None or head.digest != service.head_digest:
                continue
            if head.accepted and self._are_accepted(differences(service, running[name]), head):
                accepted += [f"{name}: {text}" for text in head.accepted]
                continue
            others = self._replaced(service, head)
            if running[name].backend is None or compare(service, running[name], others, self.unfinished):
                replaced[name] = others
        plan = self._plan(replaced, running) if replaced else self._decide(running, {})
        return replace(plan, accepted=accepted)

    def _decide(self, running: Mapping[str, Proxy], reasons: Mapping[str, str]) -> Plan:
        target = {name: service.head_digest for name, service in self.services.items()}
        return Plan(decide(target, self.gone, self.loaded, running, reasons))

    @staticmethod
    def _are_accepted(found: Sequence[Difference], head: Head) -> bool:
        return {each.text for each in found} <= set(head.accepted)

    @staticmethod
    def _replaced(service: ServiceFile, head: Head) -> list[str]:
        """The servers with a changed option that the running state does not show."""
        return [
            line.name
            for line in service.servers
            if line.name in head.options and head.options[line.name] != record.hidden_options(line)
        ]

    def _plan(self, replaced: Mapping[str, Sequence[str]], running: Mapping[str, Proxy]) -> Plan:
        """The plan when these services differ from what runs. Each has the names of servers with other options."""
        from ansible_collections.pgsvc.access.plugins.module_utils._publish.server_plans import (  # noqa: PLC0415
            plan_servers,
        )

        owners = {name: head.owner for name, head in self.loaded.items()}
        services = {name: self.services[name] for name in replaced}
        plans = plan_servers(services, replaced, running, owners, self._kept, self.unfinished)
        decided = self._decide(running, plans.reasons)
        asked = plans.asked if decided.decision.method == RUNTIME else ()
        return replace(decided, changes=plans.changes, draining=plans.draining, asked=asked)

    def settled(self, plan: Plan, verdicts: Verdicts) -> Plan:
        """The plan once the verdicts of what it asked are there: a change in place keeps the verdict of before."""
        running = self.look()
        for service, line in plan.asked:
            row = running[service.name].rows[line.name] if service.name in running else None
            up = row is not None and row.op_state in (STARTING, RUNNING)
            verdict = verdicts.get((service.name, line.name))
            if verdict is None or verdict.up is not up:
                found = "could not be asked" if verdict is None else "passes" if verdict.up else "fails"
                return plan.reloading(f"the new health check of server {service.name}/{line.name} {found}")
        return plan

    def knowledge(self, services: Collection[ServiceFile]) -> Knowledge:
        """With which states a new worker that loads `services` begins."""
        from ansible_collections.pgsvc.access.plugins.module_utils._publish.verdicts import Knowledge  # noqa: PLC0415

        return Knowledge(services, self.loaded, self.look(), self.unfinished, resolve)

    def left(self, draining: Collection[str]) -> dict[str, list[Difference]]:
        """In what the running servers are not those of the files, by service; nothing when they are the same."""
        running = self.look()
        found = {
            name: differences(service, running.get(name, Proxy(name)), draining)
            for name, service in self.services.items()
        }
        return {name: each for name, each in found.items() if each}

    def target(self) -> dict[str, Head]:
        """What the process is to have loaded."""
        return {name: record.head(service) for name, service in self.services.items()}

    def method(self, decision: Decision) -> str:
        """The decision as the result names it: a reload may have to go through systemd."""
        return SYSTEMD if decision.method == RELOAD and self.process.master is None else decision.method


@functools.cache
def resolve(name: str) -> frozenset[str]:
    """The addresses that the name has now, as HAProxy would ask for them; none when it cannot be resolved."""
    try:
        return frozenset(str(found[4][0]) for found in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM))
    except OSError:
        return frozenset()

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Publishes the files of one load balancer: compares them with the disk and HAProxy, and changes what differs.

Modules that only a change or the connection to HAProxy needs are imported then: most runs find nothing to do, and
Python compiles each module again in each run.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Optional

from ansible_collections.pgsvc.access.plugins.module_utils._host.deadlines import LOCK
from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import CLIError, PublishError, file_error
from ansible_collections.pgsvc.access.plugins.module_utils._host.files import leftovers
from ansible_collections.pgsvc.access.plugins.module_utils._host.lock import locked
from ansible_collections.pgsvc.access.plugins.module_utils._publish import directory as files
from ansible_collections.pgsvc.access.plugins.module_utils._publish.decision import NONE, RUNTIME, Decision, Plan
from ansible_collections.pgsvc.access.plugins.module_utils._publish.directory import Entry, FileChange
from ansible_collections.pgsvc.access.plugins.module_utils._publish.hold import Script
from ansible_collections.pgsvc.access.plugins.module_utils._publish.request import Applied, Request, Result
from ansible_collections.pgsvc.access.plugins.module_utils._publish.service_file import (
    Owners,
    ServiceFile,
    owner_of,
    parse_content,
)
from ansible_collections.pgsvc.access.plugins.module_utils._publish.state_dir import inspect, prepare
from ansible_collections.pgsvc.access.plugins.module_utils._publish.states import States

if TYPE_CHECKING:
    from ansible_collections.pgsvc.access.plugins.module_utils._publish.running import Running


def publish(request: Request) -> Result:
    """Do what `request` asks. Raises `PublishError`."""
    try:
        return _Publication(request).run()
    except CLIError as error:
        raise PublishError(f"{error}. Nothing was changed") from error
    except OSError as error:
        raise PublishError(f"{file_error(error)}. Nothing was changed") from error


class _Publication:
    def __init__(self, request: Request) -> None:
        self.request = request
        self.result = Result()
        self.lock = -1

    def run(self) -> Result:
        directory = self.request.conf_dir
        if self.request.if_present and not self._is_present():
            return self.result
        if not directory.is_dir():
            return self._without_directory()
        inspect(self.request.state_dir)
        with locked(directory, LOCK) as lock:
            self.lock = lock
            return self._publish(self._read())

    def _is_present(self) -> bool:
        from ansible_collections.pgsvc.access.plugins.module_utils._publish.presence import is_present  # noqa: PLC0415

        self.result.applied = Applied(NONE, "this host has no files of the owners")
        return is_present(self.request)

    def _read(self) -> dict[str, Entry]:
        """The files on disk, after the work of a killed run has been completed (in check mode: as if it had been)."""
        request, disk = self.request, files.read(self.request.conf_dir)
        if not leftovers(request.conf_dir) and not leftovers(request.state_dir):
            return disk
        from ansible_collections.pgsvc.access.plugins.module_utils._publish import swap  # noqa: PLC0415

        if request.check:
            return swap.overlay(request.conf_dir, disk)
        self.result.warnings += swap.recover(request.conf_dir)
        swap.clean(request.state_dir)
        return files.read(request.conf_dir)

    def _without_directory(self) -> Result:
        """Handle a missing directory: an error, except in check mode, where an earlier task would have created it."""
        request = self.request
        if request.conf_dir.exists():
            raise PublishError(f"{request.conf_dir} is a file: set haproxy_conf_dir to the folder that HAProxy loads")
        if not request.check:
            raise PublishError(
                f"there is no directory {request.conf_dir}: install HAProxy (role pgsvc.access.haproxy), "
                "or set haproxy_conf_dir"
            )
        self.result.changes = files.compare({}, request.files, request.owners) if request.write else []
        self.result.warnings.append(f"{request.conf_dir} does not exist yet: check mode could not validate the files")
        return self.result

    def _publish(self, disk: Mapping[str, Entry]) -> Result:
        request, result = self.request, self.result
        result.changes = self._compare(disk)
        view = self._parsed(disk)
        states = States(request.state_dir, view, {change.name for change in result.changes})
        running = self._running(disk, view) if request.apply else None
        self._refuse_shrink(running)
        plan = running.plan() if running else Plan(Decision(NONE, self._why_not_applied()))
        self._set_applied(running, plan)
        result.warnings += [
            f"HAProxy shows a difference that a reload does not remove: {text}" for text in plan.accepted
        ]
        self._report_stale_states(states)
        if result.changed:
            self._change(disk, states, running, plan)
        if running:
            self._count_old_workers(running)
        elif request.apply and not request.if_present:
            self._report_not_running()
        return result

    def _parsed(self, disk: Mapping[str, Entry]) -> dict[str, ServiceFile]:
        """The service files of the directory after the changes, each parsed once."""
        contents = files.after(disk, self.result.changes)
        return {name: parse_content(name, content) for name, content in contents.items()}

    def _set_applied(self, running: Optional[Running], plan: Plan) -> None:
        method = running.method(plan.decision) if running else NONE
        self.result.applied = Applied(method, plan.decision.reason, plan.draining)

    def _refuse_shrink(self, running: Optional[Running]) -> None:
        """Raise `PublishError` if the change removes so many servers that the inventory is probably incomplete."""
        request, result = self.request, self.result
        if not (request.write and result.todo and request.carries) or request.allow_shrink:
            return
        from ansible_collections.pgsvc.access.plugins.module_utils._publish import shrink  # noqa: PLC0415

        states_count = running is not None and shrink.loses_members(result.changes, request.carries)
        rows = running.process.api.servers_state() if running and states_count else []
        may_be_empty = {file.name for file in request.files if file.may_be_empty}
        refusals = shrink.refused(result.changes, request.carries, rows, may_be_empty)
        if refusals:
            raise PublishError(shrink.message(refusals))

    def _count_old_workers(self, running: Running) -> None:
        try:
            self.result.old_workers = running.process.old_workers()
        except CLIError as error:
            self.result.warnings.append(f"The sessions of old workers could not be counted: {error}")

    def _running(self, disk: Mapping[str, Entry], view: Mapping[str, ServiceFile]) -> Optional[Running]:
        from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.process import find  # noqa: PLC0415
        from ansible_collections.pgsvc.access.plugins.module_utils._publish.running import Running  # noqa: PLC0415

        process = find(self.request.master_socket, self.request.stats_socket)
        if process is None:
            self._check_unreachable()
            return None
        return Running(self.request, process, disk, self.result.changes, view)

    def _change(self, disk: Mapping[str, Entry], states: States, running: Optional[Running], plan: Plan) -> None:
        from ansible_collections.pgsvc.access.plugins.module_utils._publish.apply import Apply  # noqa: PLC0415
        from ansible_collections.pgsvc.access.plugins.module_utils._publish.transaction import (  # noqa: PLC0415
            Transaction,
            Writing,
        )
        from ansible_collections.pgsvc.access.plugins.module_utils._publish.validate import Validation  # noqa: PLC0415

        request, result = self.request, self.result
        validation = Validation(request, running.process if running else None)
        if result.todo or plan.decision.method != NONE:
            validation.check(disk, result, binds=plan.decision.method != RUNTIME)
        if running and plan.asked:
            plan = running.settled(plan, validation.ask(plan.asked) or {})
            self._set_applied(running, plan)
        if request.check:
            self._check_writable()
        else:
            result.warnings += prepare(request.state_dir)
            writing = Writing(request, disk, result.todo, states)
            apply = Apply(request, running, validation.ask, self.lock) if running else None
            Transaction(request, writing, apply).carry_out(result, plan)

    def _check_writable(self) -> None:
        """Raise `PublishError` if a real run could not write its files."""
        for directory in (self.request.conf_dir, self.request.state_dir) if self.result.todo else ():
            if directory.exists() and not os.access(directory, os.W_OK | os.X_OK):
                why = "its file system is read-only, or the user is not root"
                raise PublishError(f"{directory} cannot be written: {why}")

    def _compare(self, disk: Mapping[str, Entry]) -> list[FileChange]:
        request = self.request
        if request.write:
            return files.compare(disk, request.files, request.owners)
        own = Owners(request.owners)
        owners = {name: owner_of(entry.text) for name, entry in disk.items()}
        return [
            FileChange(name, owner, files.UNCHANGED, disk[name].content, disk[name].content)
            for name, owner in owners.items()
            if owner is not None and owner in own
        ]

    def _why_not_applied(self) -> str:
        return "HAProxy is not running" if self.request.apply else "apply is false"

    def _report_stale_states(self, states: States) -> None:
        """Warn about missing or wrong state files. With them, a restart would use servers before they are checked.

        The same for the script of services that hold, without which HAProxy would not start.
        """
        names = sorted(set(states.stale()) - {change.name for change in self.result.todo})
        if names:
            self.result.states_rewritten = True
            self.result.warnings.append(
                f"The server-state files of {', '.join(names)} were missing or wrong and are rewritten"
            )
        script = Script(self.request.state_dir, states.services.values())
        if not self.result.todo and script.is_missing():
            self.result.states_rewritten = True
            self.result.warnings.append(f"{script.path}, which HAProxy loads, was missing or wrong and is rewritten")

    def _check_unreachable(self) -> None:
        """Raise `PublishError` if HAProxy runs but its sockets do not answer, since a change could not be verified."""
        request = self.request
        from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.unit import show  # noqa: PLC0415

        unit = show(request.unit)
        if unit is not None and unit.active:
            raise PublishError(
                f"HAProxy runs ({request.unit} is active), but {self._where()}: set haproxy_master_socket and "
                "haproxy_stats_socket to its sockets, or let the role pgsvc.access.haproxy set them up. "
                "Nothing was changed"
            )

    def _where(self) -> str:
        return f"no process answers at {self.request.master_socket} or {self.request.stats_socket}"

    def _report_not_running(self) -> None:
        """Raise `PublishError`, or in check mode warn, since an earlier task may start HAProxy in a real run."""
        request = self.request
        where = self._where()
        if request.check:
            self.result.warnings.append(f"HAProxy is not running ({where}): start it before a real run")
            return
        raise PublishError(
            f"HAProxy is not running ({where}). The files in {request.conf_dir} are valid and were kept: start it "
            f"(systemctl start {request.unit}), or set haproxy_master_socket and haproxy_stats_socket to its sockets"
        )

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One change of a load balancer: writes it, applies it, and rolls it back if that fails."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Optional

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.process import find
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.worker import Worker
from ansible_collections.pgsvc.access.plugins.module_utils._host import steps
from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import (
    ApplyError,
    CLIError,
    PublishError,
    file_error,
    not_undone,
)
from ansible_collections.pgsvc.access.plugins.module_utils._publish import record
from ansible_collections.pgsvc.access.plugins.module_utils._publish.apply import UNCHANGED, Apply
from ansible_collections.pgsvc.access.plugins.module_utils._publish.decision import NONE, Plan
from ansible_collections.pgsvc.access.plugins.module_utils._publish.directory import Entry, FileChange
from ansible_collections.pgsvc.access.plugins.module_utils._publish.hold import Script
from ansible_collections.pgsvc.access.plugins.module_utils._publish.request import Request, Result
from ansible_collections.pgsvc.access.plugins.module_utils._publish.service_file import ServiceFile, parse_content
from ansible_collections.pgsvc.access.plugins.module_utils._publish.states import States
from ansible_collections.pgsvc.access.plugins.module_utils._publish.swap import Swap


class Writing:
    """The files and server states of one change on disk: `begin`, then `undo` or `finish`."""

    def __init__(self, request: Request, disk: Mapping[str, Entry], todo: Sequence[FileChange], states: States) -> None:
        self.states = states
        self.before = _states_before(request, disk, states, todo)
        self._script = Script(request.state_dir, states.services.values())
        self._script_before = Script(request.state_dir, self.before.services.values())
        self.contents = {change.name: change.after for change in todo}
        self._state_dir = request.state_dir
        self._swap = Swap(request.conf_dir, self.contents)
        self._committed = False

    @property
    def changed(self) -> bool:
        return bool(self.contents)

    def begin(self) -> None:
        """Write the server states and the script, then the files: a HAProxy that is started meanwhile finds them.

        Raises `OSError` if that failed and was undone, `PublishError` if it could not be undone.
        """
        try:
            self.states.rest()
            self._script.write()
            if self.changed:
                self._swap.prepare()
                self._swap.commit()
                self._committed = True
            self.states.check_present()
        except OSError as error:
            try:
                self.undo()
            except OSError as again:
                raise not_undone(error, again) from error
            raise

    def undo(self) -> None:
        """Restore the files, then their states. Raises `OSError`."""
        if self._committed:
            self._swap.undo()
        self.before.rest()
        self.before.drop_others()
        self._script_before.drop_others()

    def finish(self) -> None:
        if self.changed:
            self._swap.finish()
        self.states.drop_others()
        self._script.drop_others()
        steps.done("drop the states of removed services")

    def record(self) -> None:
        """Record when files were written, which shows whether a HAProxy that is started later has loaded them."""
        if self.changed:
            path = record.record_path(self._state_dir)
            record.write_record(path, record.with_written(record.read_record(path), self.contents))


def _states_before(request: Request, disk: Mapping[str, Entry], states: States, todo: Sequence[FileChange]) -> States:
    """The state files for the present files of the directory."""
    changed = {change.name for change in todo}
    view: dict[str, ServiceFile] = {
        service.name: service for service in states.services.values() if service.name not in changed
    }
    view.update({name: parse_content(name, disk[name].content) for name in changed if name in disk})
    return States(request.state_dir, view, ())


class Transaction:
    """Writes and applies one change, or rolls it back. `apply` is None if no running HAProxy is to be changed."""

    def __init__(self, request: Request, writing: Writing, apply: Optional[Apply]) -> None:
        self._request = request
        self._writing = writing
        self._apply = apply

    def carry_out(self, result: Result, plan: Plan) -> None:
        """Raises `PublishError`, and `OSError` if nothing was applied and the files are unchanged."""
        writing, apply = self._writing, self._apply
        writing.begin()
        outcome = UNCHANGED
        if apply and plan.decision.method != NONE:
            worker = apply.worker
            try:
                outcome = apply.carry_out(plan, writing.states)
            except (ApplyError, CLIError, OSError) as error:
                text, restored = self._put_back(apply, worker)
                raise PublishError(f"{_message(error)}{text}", restored) from error
            result.applied = outcome.applied
            result.warnings += outcome.warnings
        with _as_warning(result, "Files of this run could not be removed"):
            writing.finish()
        with _as_warning(result, "What HAProxy has loaded could not be recorded"):
            if apply:
                apply.remember(outcome, writing.contents)
            else:
                writing.record()

    def _put_back(self, apply: Apply, worker: Worker) -> tuple[str, bool]:
        """Restore the old files, and reload if HAProxy has loaded the new ones; `worker` is the one from before.

        Returns a text for the message, and whether files had been changed and everything has been restored.
        """
        writing, where = self._writing, self._request.conf_dir
        try:
            writing.undo()
        except OSError as error:
            return f". The files in {where} could not be put back: {file_error(error)}", False
        text = f". The files in {where} have been put back" if writing.changed else ""
        try:
            now = find(self._request.master_socket, self._request.stats_socket)
        except CLIError as error:
            return f"{text}; what HAProxy runs is not known: {error}", False
        if now is None:
            return f"{text}; HAProxy is not running any more", False
        if now.worker == worker:
            return (f"{text}; HAProxy still runs what it had loaded" if writing.changed else ""), writing.changed
        try:
            apply.back(writing.before, now)
        except (ApplyError, CLIError, OSError) as again:
            return f"{text}, but HAProxy could not be reloaded with them: {_message(again)}", False
        return f"{text}, and HAProxy has been reloaded with them", writing.changed


@contextlib.contextmanager
def _as_warning(result: Result, what: str) -> Iterator[None]:
    """Turn a failure after a successful apply into a warning, since the next run repeats the work."""
    try:
        yield
    except OSError as error:
        result.warnings.append(f"{what}: {file_error(error)}")


def _message(error: Exception) -> str:
    return file_error(error) if isinstance(error, OSError) else str(error)

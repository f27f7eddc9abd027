# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A change of a load balancer: validate it, write it, apply it, and put everything back when that fails."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Optional

from ansible_collections.pgsvc.access.plugins.module_utils import _confdir, _startup
from ansible_collections.pgsvc.access.plugins.module_utils._confdir import Change, Entry
from ansible_collections.pgsvc.access.plugins.module_utils._decide import NONE, Decision
from ansible_collections.pgsvc.access.plugins.module_utils._errors import ApplyError, CLIError, PublishError, file_error
from ansible_collections.pgsvc.access.plugins.module_utils._request import Request, Result, Step
from ansible_collections.pgsvc.access.plugins.module_utils._service_file import listeners
from ansible_collections.pgsvc.access.plugins.module_utils._staging import validate
from ansible_collections.pgsvc.access.plugins.module_utils._states import States
from ansible_collections.pgsvc.access.plugins.module_utils._swap import Swap

if TYPE_CHECKING:
    from ansible_collections.pgsvc.access.plugins.module_utils._apply import Apply
    from ansible_collections.pgsvc.access.plugins.module_utils._running import Running


def check(request: Request, disk: Mapping[str, Entry], result: Result, running: Optional[Running]) -> None:
    """Raise `PublishError` unless HAProxy accepts the directory as it is going to be."""
    process = running.process if running else None
    startup = _startup.find(
        request.config_args, process.master_pid if process else None, request.unit, request.conf_dir
    )
    _startup.check(startup, request.conf_dir, request.unit)
    view = _confdir.after(disk, result.changes)
    _confdir.check_listeners(view, [change.name for change in result.todo])
    if request.check and shutil.which(request.binary) is None:
        result.warnings.append(f"{request.binary} is not there yet: check mode could not validate the files")
        return
    validate(request.binary, startup, request.conf_dir, view, request.temporary)
    if process and not any(b"noreuseport" in content for content in view.values()):
        from ansible_collections.pgsvc.access.plugins.module_utils._bindable import check_bindable  # noqa: PLC0415

        own = [view[change.name].decode(errors="replace") for change in result.changes if change.name in view]
        check_bindable([each for text in own for each in listeners(text)], process.worker.pid)


class Writing:
    """The files and server states of one change on disk: `begin`, then `undo` or `finish`."""

    def __init__(
        self, request: Request, disk: Mapping[str, Entry], todo: Sequence[Change], states: States, step: Step
    ) -> None:
        self.states = states
        self.before = States(request.state_dir, {name: entry.content for name, entry in disk.items()})
        self.changed = bool(todo)
        self._state_dir = request.state_dir
        self._swap = Swap(request.conf_dir, {change.name: change.after for change in todo}, step)
        self._step = step

    def begin(self) -> None:
        """The states first: whatever starts HAProxy from the new files must find them. Raises `OSError`, undone."""
        try:
            self._state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.states.rest(self._step)
            if self.changed:
                self._swap.prepare()
                self._swap.commit()
        except OSError:
            with contextlib.suppress(OSError):
                self._restore_states()
            raise

    def undo(self) -> None:
        if self.changed:
            self._swap.undo()
        self._restore_states()

    def finish(self) -> None:
        if self.changed:
            self._swap.finish()
        self.states.drop_others()
        self._step("drop the states of services that are gone")

    def _restore_states(self) -> None:
        self.before.rest(self._step)
        self.before.drop_others()


class Carrying:
    """Carries one change out. `lock` is the descriptor of the lock."""

    def __init__(self, request: Request, writing: Writing, running: Optional[Running], lock: int, step: Step) -> None:
        self._request = request
        self._writing = writing
        self._apply: Optional[Apply] = None
        if running:
            from ansible_collections.pgsvc.access.plugins.module_utils._apply import Apply  # noqa: PLC0415

            self._apply = Apply(request, running, lock, step)

    def carry_out(self, result: Result, decision: Decision) -> None:
        """Write, apply, and put everything back when that fails. Raises `PublishError`, and `OSError` when undone."""
        writing, apply = self._writing, self._apply
        writing.begin()
        if apply and decision.method != NONE:
            try:
                result.applied = apply.carry_out(decision, writing.states)
            except (ApplyError, CLIError, OSError) as error:
                raise PublishError(f"{_words(error)}{self._put_back(apply)}", writing.changed) from error
        with _noted(result, "Files of this run could not be removed"):
            writing.finish()
        if apply:
            with _noted(result, "What HAProxy has loaded could not be recorded"):
                apply.remember()

    def _put_back(self, apply: Apply) -> str:
        """Put the old files back, and HAProxy to them when it had taken the new ones; what to tell of it."""
        try:
            self._writing.undo()
        except OSError as error:
            return f". The files in {self._request.conf_dir} could not be put back: {file_error(error)}"
        if not self._writing.changed:
            return ""
        said = f". The files in {self._request.conf_dir} have been put back"
        if not apply.taken:
            return f"{said}; HAProxy goes on with what it had loaded"
        try:
            apply.back(self._writing.before)
        except (ApplyError, CLIError, OSError) as again:
            return f"{said}, but HAProxy could not be brought back to them: {_words(again)}"
        return f"{said}, and HAProxy has been reloaded with them"


@contextlib.contextmanager
def _noted(result: Result, what: str) -> Iterator[None]:
    """What is done when HAProxy runs the new files already does not fail the run: the next one does it again."""
    try:
        yield
    except OSError as error:
        result.warnings.append(f"{what}: {file_error(error)}")


def _words(error: Exception) -> str:
    return file_error(error) if isinstance(error, OSError) else str(error)

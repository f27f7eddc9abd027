# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A change of a load balancer: validate it, write it, apply it, and put everything back when that fails."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Optional

from ansible_collections.pgsvc.access.plugins.module_utils import _confdir, _loaded, _process, _startup
from ansible_collections.pgsvc.access.plugins.module_utils._confdir import Change, Entry
from ansible_collections.pgsvc.access.plugins.module_utils._decide import NONE, Plan
from ansible_collections.pgsvc.access.plugins.module_utils._errors import (
    ApplyError,
    CLIError,
    PublishError,
    file_error,
    not_undone,
)
from ansible_collections.pgsvc.access.plugins.module_utils._rehearsal import Asked, Verdicts, rehearse
from ansible_collections.pgsvc.access.plugins.module_utils._request import Request, Result, Step
from ansible_collections.pgsvc.access.plugins.module_utils._service_file import ServiceFile, listeners, parse
from ansible_collections.pgsvc.access.plugins.module_utils._staging import RejectedError, validate
from ansible_collections.pgsvc.access.plugins.module_utils._states import States
from ansible_collections.pgsvc.access.plugins.module_utils._swap import Swap

if TYPE_CHECKING:
    from ansible_collections.pgsvc.access.plugins.module_utils._apply import Apply
    from ansible_collections.pgsvc.access.plugins.module_utils._running import Running


class Validation:
    """The directory as it is going to be, judged by HAProxy; `startup` says how HAProxy is started."""

    def __init__(self, request: Request, running: Optional[Running]) -> None:
        self._request = request
        self._process = running.process if running else None
        self.startup = _startup.find(
            request.config_args, self._process.master_pid if self._process else None, request.unit, request.conf_dir
        )
        may_be_missing = request.check or request.if_present or not request.apply
        self.can_run = not may_be_missing or shutil.which(request.binary) is not None

    def check(self, disk: Mapping[str, Entry], result: Result) -> None:
        """Raise `PublishError` unless HAProxy accepts it."""
        request, process = self._request, self._process
        _startup.check(self.startup, request.conf_dir, request.unit)
        view = _confdir.after(disk, result.changes)
        _confdir.check_listeners(view, [change.name for change in result.todo])
        if not self.can_run:
            if request.check and not request.if_present:
                result.warnings.append(f"{request.binary} is not there yet: check mode could not validate the files")
            elif not request.if_present:
                result.warnings.append(
                    f"there is no {request.binary} on this host: the files were written without having been validated"
                )
            return
        try:
            result.warnings += self._validate(view)
        except RejectedError as rejected:
            raise self._whose_fault(rejected, disk) from None
        if process and not any(b"noreuseport" in content for content in view.values()):
            from ansible_collections.pgsvc.access.plugins.module_utils._bindable import (  # noqa: PLC0415
                check_bindable,
            )

            own = [view[change.name].decode(errors="replace") for change in result.changes if change.name in view]
            check_bindable([each for text in own for each in listeners(text)], process.worker.pid)

    def _validate(self, view: Mapping[str, bytes]) -> list[str]:
        request = self._request
        return validate(request.binary, self.startup, request.conf_dir, view, request.temporary)

    def _whose_fault(self, rejected: RejectedError, disk: Mapping[str, Entry]) -> PublishError:
        """Files of others or haproxy.cfg may be wrong: then HAProxy rejects what is there without our change, too."""
        try:
            self._validate(_confdir.after(disk, []))
        except RejectedError as before:
            return PublishError(
                "HAProxy rejects the configuration of this host, and did so before this run: correct it first. Nothing "
                f"was changed. {before.alerts}"
            )
        return rejected

    def ask(self, asked: Sequence[Asked]) -> Optional[Verdicts]:
        """The verdicts of health checks, see `rehearse`."""
        return rehearse(self._request.binary, self.startup, asked, self._request.temporary) if self.can_run else None


class Writing:
    """The files and server states of one change on disk: `begin`, then `undo` or `finish`."""

    def __init__(
        self, request: Request, disk: Mapping[str, Entry], todo: Sequence[Change], states: States, step: Step
    ) -> None:
        self.states = states
        self.before = _states_before(request, disk, states, todo)
        self.contents = {change.name: change.after for change in todo}
        self._state_dir = request.state_dir
        self._swap = Swap(request.conf_dir, self.contents, step)
        self._step = step
        self._committed = False

    @property
    def changed(self) -> bool:
        return bool(self.contents)

    def begin(self) -> None:
        """The states first: whatever starts HAProxy from the new files must find them.

        Raises `OSError` when that failed and is undone, `PublishError` when it could not be undone.
        """
        try:
            self.states.rest(self._step)
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
        """Put the files back, then their states. Raises `OSError`."""
        if self._committed:
            self._swap.undo()
        self.before.rest(self._step)
        self.before.drop_others()

    def finish(self) -> None:
        if self.changed:
            self._swap.finish()
        self.states.drop_others()
        self._step("drop the states of removed services")

    def record(self) -> None:
        """Note when which file was written: a HAProxy that is started later has loaded it."""
        if self.changed:
            path = self._state_dir / "loaded.json"
            _loaded.write_record(path, _loaded.with_written(_loaded.read_record(path), self.contents))


def _states_before(request: Request, disk: Mapping[str, Entry], states: States, todo: Sequence[Change]) -> States:
    """The state files of the directory as it is."""
    changed = {change.name for change in todo}
    view: dict[str, ServiceFile] = {
        service.name: service for service in states.services.values() if service.name not in changed
    }
    view.update({name: parse(name, disk[name].text) for name in changed if name in disk})
    return States(request.state_dir, view, ())


class Carrying:
    """Carries one change out. `lock` is the descriptor of the lock."""

    def __init__(
        self,
        request: Request,
        writing: Writing,
        running: Optional[Running],
        validation: Validation,
        lock: int,
        step: Step,
    ) -> None:
        self._request = request
        self._writing = writing
        self._apply: Optional[Apply] = None
        if running:
            from ansible_collections.pgsvc.access.plugins.module_utils._apply import Apply  # noqa: PLC0415

            self._apply = Apply(request, running, validation.ask, lock, step)

    def carry_out(self, result: Result, plan: Plan) -> None:
        """Write, apply, and put everything back when that fails. Raises `PublishError`, and `OSError` when undone."""
        writing, apply = self._writing, self._apply
        writing.begin()
        if apply and plan.decision.method != NONE:
            try:
                result.applied = apply.carry_out(plan, writing.states)
            except (ApplyError, CLIError, OSError) as error:
                said, restored = self._put_back(apply)
                raise PublishError(f"{_words(error)}{said}", restored) from error
            result.warnings += apply.warnings
        with _noted(result, "Files of this run could not be removed"):
            writing.finish()
        with _noted(result, "What HAProxy has loaded could not be recorded"):
            if apply:
                apply.remember(writing.contents)
            else:
                writing.record()

    def _put_back(self, apply: Apply) -> tuple[str, bool]:
        """Put the old files back, and HAProxy to them when it has taken the new ones.

        What to say of it, and whether files had been changed and all is as it was.
        """
        writing, where = self._writing, self._request.conf_dir
        try:
            writing.undo()
        except OSError as error:
            return f". The files in {where} could not be put back: {file_error(error)}", False
        said = f". The files in {where} have been put back" if writing.changed else ""
        try:
            now = _process.find(self._request.master_socket, self._request.stats_socket)
        except CLIError as error:
            return f"{said}; what HAProxy runs is not known: {error}", False
        if now is None:
            return f"{said}; HAProxy is not running any more", False
        if not apply.taken and now.worker == apply.began_with:
            return (f"{said}; HAProxy still runs what it had loaded" if writing.changed else ""), writing.changed
        try:
            apply.back(writing.before, now)
        except (ApplyError, CLIError, OSError) as again:
            return f"{said}, but HAProxy could not be reloaded with them: {_words(again)}", False
        return f"{said}, and HAProxy has been reloaded with them", writing.changed


@contextlib.contextmanager
def _noted(result: Result, what: str) -> Iterator[None]:
    """What is done when HAProxy runs the new files already does not fail the run: the next one does it again."""
    try:
        yield
    except OSError as error:
        result.warnings.append(f"{what}: {file_error(error)}")


def _words(error: Exception) -> str:
    return file_error(error) if isinstance(error, OSError) else str(error)

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the files of one load balancer to a running HAProxy: compare, validate, swap, apply, verify, or put back."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Optional

from ansible_collections.pgsvc.access.plugins.module_utils import _confdir, _process, _startup, _systemd
from ansible_collections.pgsvc.access.plugins.module_utils._apply import Applied, Apply, ApplyError
from ansible_collections.pgsvc.access.plugins.module_utils._bindable import check_bindable
from ansible_collections.pgsvc.access.plugins.module_utils._cli import CLIError
from ansible_collections.pgsvc.access.plugins.module_utils._confdir import Change, Entry, Wanted
from ansible_collections.pgsvc.access.plugins.module_utils._decide import NONE, Decision
from ansible_collections.pgsvc.access.plugins.module_utils._errors import PublishError, file_error
from ansible_collections.pgsvc.access.plugins.module_utils._lock import locked
from ansible_collections.pgsvc.access.plugins.module_utils._process import Process
from ansible_collections.pgsvc.access.plugins.module_utils._service_file import SUFFIX, listeners, owned_by, owner_of
from ansible_collections.pgsvc.access.plugins.module_utils._staging import validate
from ansible_collections.pgsvc.access.plugins.module_utils._states import States
from ansible_collections.pgsvc.access.plugins.module_utils._swap import Step, Swap, clean, overlay, recover

_LOCK_TIMEOUT = 120.0  # seconds: longer than any one run holds the lock


@dataclass(frozen=True)
class Request:
    """The arguments of a call; `check` is check mode, `temporary` a folder for what is not kept."""

    files: Sequence[Wanted]
    owners: Sequence[str]
    conf_dir: Path = Path("/etc/haproxy")
    state_dir: Path = Path("/var/lib/haproxy/pgsvc")
    config_args: Optional[Sequence[str]] = None
    binary: str = "haproxy"
    unit: str = "haproxy"
    master_socket: str = "/run/haproxy-master.sock"
    stats_socket: str = "/run/haproxy/admin.sock"
    write: bool = True
    apply: bool = True
    check: bool = False
    temporary: str = "/tmp"  # noqa: S108  the default of tempfile; the module passes its own


@dataclass
class Result:
    """What a call did, or would do."""

    changes: Sequence[Change] = ()
    applied: Applied = field(default_factory=lambda: Applied(NONE, ""))
    old_workers: Mapping[str, int] = field(default_factory=lambda: {"count": 0, "sessions": 0})
    warnings: list[str] = field(default_factory=list)
    mended: bool = False

    @property
    def changed(self) -> bool:
        if self.mended or self.applied.method != NONE:
            return True
        return any(change.status != _confdir.UNCHANGED for change in self.changes)

    def to_dict(self, directory: Path, diff: bool) -> dict[str, Any]:
        """The result as the module returns it."""
        told: dict[str, Any] = {
            "changed": self.changed,
            "services": [{"name": c.name, "owner": c.owner, "status": c.status} for c in self.changes],
            "applied": asdict(self.applied),
            "old_workers": dict(self.old_workers),
        }
        if diff:
            told["diff"] = [_difference(directory, c) for c in self.changes if c.status != _confdir.UNCHANGED]
        return told


def _difference(directory: Path, change: Change) -> dict[str, str]:
    """A change as `--diff` shows it."""
    path = str(directory / f"{change.name}{SUFFIX}")
    return {
        "before": (change.before or b"").decode(errors="replace"),
        "after": (change.after or b"").decode(errors="replace"),
        "before_header": "/dev/null" if change.before is None else path,
        "after_header": "/dev/null" if change.after is None else path,
    }


def _words(error: Exception) -> str:
    return file_error(error) if isinstance(error, OSError) else str(error)


def _no_step(_done: str) -> None:
    """What a run tells its steps to when nobody asks."""


def publish(request: Request, step: Step = _no_step) -> Result:
    """Do what `request` asks. Raises `PublishError`; `step` is told each thing that has been done."""
    try:
        return _Publication(request, step).run()
    except CLIError as error:
        raise PublishError(f"{error}. Nothing was changed") from error
    except OSError as error:
        raise PublishError(f"{file_error(error)}. Nothing was changed") from error


class _Writing:
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


class _Publication:
    def __init__(self, request: Request, step: Step) -> None:
        self.request = request
        self.step = step
        self.result = Result()
        self.lock = -1

    def run(self) -> Result:
        directory = self.request.conf_dir
        if not directory.is_dir():
            return self._without_directory()
        with locked(directory, _LOCK_TIMEOUT) as lock:
            self.lock = lock
            if not self.request.check:
                recover(directory)
                clean(self.request.state_dir)
            return self._publish(overlay(directory, _confdir.read(directory)))

    def _without_directory(self) -> Result:
        """There is no HAProxy here yet: in check mode an earlier step would have made the directory."""
        request = self.request
        if not request.check:
            raise PublishError(
                f"there is no directory {request.conf_dir}: install HAProxy (role pgsvc.access.haproxy), "
                "or set haproxy_conf_dir"
            )
        self.result.changes = _confdir.compare({}, request.files, request.owners) if request.write else []
        self.result.warnings.append(f"{request.conf_dir} is not there yet: check mode could not validate the files")
        return self.result

    def _publish(self, disk: Mapping[str, Entry]) -> Result:
        request, result = self.request, self.result
        result.changes = self._compare(disk)
        todo = [change for change in result.changes if change.status != _confdir.UNCHANGED]
        process = _process.find(request.master_socket, request.stats_socket) if request.apply else None
        if request.apply and process is None:
            self._check_deaf()
        apply = Apply(request, process, disk, result.changes, self.step) if process else None
        decision = apply.decide() if apply else Decision(NONE, self._why_not_applied())
        result.applied = Applied(apply.method(decision) if apply else NONE, decision.reason)
        if todo or decision.method != NONE:
            self._validate(disk, todo, process)
        states = States(request.state_dir, _confdir.after(disk, todo))
        self._note_unrested(states, todo)
        if not request.check and result.changed:
            self._carry_out(_Writing(request, disk, todo, states, self.step), apply, decision)
        if process:
            result.old_workers = _process.old_workers(process)
        elif request.apply:
            self._not_running()
        return result

    def _compare(self, disk: Mapping[str, Entry]) -> list[Change]:
        request = self.request
        if request.write:
            return _confdir.compare(disk, request.files, request.owners)
        owners = {name: owner_of(entry.text) for name, entry in disk.items()}
        return [
            Change(name, owner, _confdir.UNCHANGED, disk[name].content, disk[name].content)
            for name, owner in owners.items()
            if owner is not None and owned_by(owner, request.owners)
        ]

    def _why_not_applied(self) -> str:
        return "HAProxy is not running" if self.request.apply else "apply is false"

    def _validate(self, disk: Mapping[str, Entry], todo: Sequence[Change], process: Optional[Process]) -> None:
        """Raise `PublishError` unless HAProxy accepts the directory as it is going to be."""
        request = self.request
        master = process.master_pid if process else None
        startup = _startup.find(request.config_args, master, request.unit, request.conf_dir)
        _startup.check(startup, request.conf_dir, request.unit)
        view = _confdir.after(disk, todo)
        _confdir.check_listeners(view, [change.name for change in todo])
        if request.check and shutil.which(request.binary) is None:
            self.result.warnings.append(f"{request.binary} is not there yet: check mode could not validate the files")
            return
        validate(request.binary, startup, request.conf_dir, view, request.temporary)
        if process and not any(b"noreuseport" in content for content in view.values()):
            own = [view[change.name].decode(errors="replace") for change in self.result.changes if change.name in view]
            check_bindable([each for text in own for each in listeners(text)], process.worker.pid)

    def _note_unrested(self, states: States, todo: Sequence[Change]) -> None:
        """A state file that is lost or wrong is set right: a restart would let connections through unchecked."""
        names = sorted(set(states.unrested()) - {change.name for change in todo})
        if names:
            self.result.mended = True
            self.result.warnings.append(f"Server states that were not at rest are written anew: {', '.join(names)}")

    def _carry_out(self, writing: _Writing, apply: Optional[Apply], decision: Decision) -> None:
        """Write, apply, and put everything back when that fails."""
        writing.begin()
        if apply and decision.method != NONE:
            try:
                self.result.applied = apply.carry_out(decision, writing.states, self.lock)
            except (ApplyError, CLIError, OSError) as error:
                writing.undo()
                said = f"{_words(error)}{self._after_undoing(apply, writing)}"
                raise PublishError(said, rolled_back=writing.changed) from error
        writing.finish()
        if apply:
            self._remember(apply)

    def _remember(self, apply: Apply) -> None:
        """Record what is loaded; without the record the next run judges by the times of the files."""
        try:
            apply.remember()
        except OSError as error:
            self.result.warnings.append(f"What HAProxy has loaded could not be recorded: {file_error(error)}")

    def _after_undoing(self, apply: Apply, writing: _Writing) -> str:
        """Bring HAProxy back to the old files when it had taken the new ones; what to tell the user about it all."""
        if not writing.changed:
            return ""
        said = f". The files in {self.request.conf_dir} have been put back"
        if not apply.taken:
            return f"{said}; HAProxy goes on with what it had loaded"
        try:
            apply.back(writing.before, self.lock)
        except (ApplyError, CLIError, OSError) as again:
            return f"{said}, but HAProxy could not be brought back to them: {_words(again)}"
        return f"{said}, and HAProxy has been reloaded with them"

    def _check_deaf(self) -> None:
        """Raise `PublishError` when HAProxy runs but cannot be spoken to: what it took over could not be verified."""
        request = self.request
        unit = _systemd.show(request.unit)
        if unit is not None and unit.active:
            raise PublishError(
                f"HAProxy runs ({request.unit} is active), but {self._where()}: set haproxy_master_socket and "
                "haproxy_stats_socket to its sockets, or let the role pgsvc.access.haproxy set them up. "
                "Nothing was changed"
            )

    def _where(self) -> str:
        return f"nobody answers at {self.request.master_socket} or {self.request.stats_socket}"

    def _not_running(self) -> None:
        """Say that nobody answers; in check mode an earlier step would perhaps have started HAProxy."""
        request = self.request
        where = self._where()
        if request.check:
            self.result.warnings.append(f"HAProxy is not running ({where}): it would have to be started")
            return
        raise PublishError(
            f"HAProxy is not running ({where}). The files in {request.conf_dir} are valid and stay: start it "
            f"(systemctl start {request.unit}), or set haproxy_master_socket and haproxy_stats_socket to its sockets"
        )

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes the configuration of a service: compares, validates, replaces and applies it, or rolls it back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from pathlib import Path
from typing import Any, Optional

from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import PublishError, file_error
from ansible_collections.pgsvc.access.plugins.module_utils._host.light_dataclass import dataclass
from ansible_collections.pgsvc.access.plugins.module_utils._host.lock import locked
from ansible_collections.pgsvc.access.plugins.module_utils._host.systemd import SystemdError
from ansible_collections.pgsvc.access.plugins.module_utils._unit import files, service
from ansible_collections.pgsvc.access.plugins.module_utils._unit.files import Change, Wanted
from ansible_collections.pgsvc.access.plugins.module_utils._unit.service import Unit

NONE, START, RESTART, RELOAD = "none", "start", "restart", "reload"
_LOCK_TIMEOUT = 120.0  # seconds: longer than any one run holds the lock
_VERBS = {NONE: "take its configuration", START: "start", RESTART: "restart", RELOAD: "reload"}


@dataclass(frozen=True)
class Request:
    """The arguments of a call. `loaded` is a file that the service writes each time it has read its configuration."""

    unit: str
    files: Sequence[Wanted]
    validate: Sequence[str] = ()
    loaded: Optional[Path] = None
    write: bool = True
    apply: bool = True
    start: bool = False
    check: bool = False
    temporary: str = "/tmp"  # noqa: S108  the default of tempfile; the module passes its own


@dataclass
class Result:
    """What was done, or would be done in check mode."""

    changes: Sequence[Change] = ()
    attributes: bool = False
    applied: str = NONE
    arguments: str = ""
    warnings: list[str] = field(default_factory=list)

    def to_dict(self, diff: bool) -> dict[str, Any]:
        """The result as the module returns it."""
        changed = bool(self.changes) or self.attributes or self.applied != NONE
        found: dict[str, Any] = {
            "changed": changed,
            "applied": self.applied,
            "arguments": self.arguments,
            "files": [str(change.wanted.path) for change in self.changes],
        }
        if diff:
            found["diff"] = [change.difference() for change in self.changes]
        return found


def configure(request: Request) -> Result:
    """Carry out the request. Raises `PublishError`."""
    folder = request.files[0].path.parent
    try:
        if not folder.is_dir():
            if request.check or not request.write:
                return _Transaction(request).run()
            folder.mkdir(mode=0o755, parents=True)
        with locked(folder, _LOCK_TIMEOUT):
            return _Transaction(request).run()
    except OSError as error:
        raise PublishError(f"{file_error(error)}. Nothing was changed") from error
    except SystemdError as error:
        raise PublishError(f"{request.unit}: {error}") from error


class _Transaction:
    def __init__(self, request: Request) -> None:
        self.request = request
        self.files = request.files
        self.result = Result()
        self.unit = service.show(request.unit)

    def run(self) -> Result:
        self._run()
        self.result.arguments = self.unit.arguments if self.unit else ""
        return self.result

    def _run(self) -> None:
        request, result = self.request, self.result
        if request.write:
            result.changes = files.compare(self.files)
            unchanged = set(self.files) - {change.wanted for change in result.changes}
            if result.changes:
                self._validate()
            result.attributes = files.set_attributes(unchanged, request.check)
        if request.check:
            result.applied = self._needed(result.changes)
            return
        self._discard_outdated()
        self._write()
        self._apply()

    def _validate(self) -> None:
        command = self.request.validate
        if not command:
            return
        from ansible_collections.pgsvc.access.plugins.module_utils._unit.validation import validate  # noqa: PLC0415

        if self.request.check and not Path(command[0]).exists():
            self.result.warnings.append(
                f"{command[0]} is not installed yet: check mode could not validate the new configuration"
            )
            return
        validate(command, self.files, self.unit.pid if self.unit else None, self.request.temporary)

    def _needed(self, changes: Sequence[Change] = ()) -> str:
        """The action that applies the files on disk, or the files after `changes`, to the process."""
        unit, request = self.unit, self.request
        if unit is None or not unit.active:
            return START if request.start and (unit is not None or request.check) else NONE
        if not request.apply:
            return NONE
        unapplied = [*files.kept(self.files), *(change.wanted for change in changes)]
        if request.loaded is None:
            return RESTART if unapplied else NONE
        if not service.runs_with(unit, self._arguments(unit, changes)):
            return RESTART
        own = [wanted.path for wanted in self.files if not wanted.is_unit]
        changed = any(wanted.path in own for wanted in unapplied)
        newer = service.is_newer(own, request.loaded) if request.loaded.exists() else changed
        return RELOAD if newer or any(change.wanted.path in own for change in changes) else NONE

    def _arguments(self, unit: Unit, changes: Sequence[Change]) -> str:
        """The arguments of the unit after systemd has read its files."""
        if not unit.outdated and not any(change.wanted.is_unit for change in changes):
            return unit.arguments
        texts = [
            wanted.content if self.request.write else wanted.present() or "" for wanted in self.files if wanted.is_unit
        ]
        found = [arguments for arguments in map(service.arguments_in, texts) if arguments is not None]
        return found[-1] if found else unit.arguments

    def _discard_outdated(self) -> None:
        """Remove kept earlier files if the service has been restarted with the new ones in the meantime."""
        unit, kept = self.unit, files.kept(self.files)
        if not kept or unit is None or not unit.active or unit.outdated:
            return
        if self.request.loaded is None:
            is_applied = all(wanted.path.exists() and wanted.path.stat().st_mtime < unit.started for wanted in kept)
        else:
            own = [wanted.path for wanted in self.files if not wanted.is_unit]
            is_applied = service.runs_with(unit, unit.arguments) and not service.is_newer(own, self.request.loaded)
        if is_applied:
            files.discard(self.files)

    def _write(self) -> None:
        if not self.result.changes:
            return
        try:
            files.replace(self.result.changes)
        except OSError:
            files.put_back(self.files)
            raise

    def _apply(self) -> None:
        """Apply the files to the process. A stopped one is started even without `apply`, if `start` is set."""
        before, request = self.unit, self.request
        if before is None:
            if request.start:
                raise PublishError(f"systemd does not run this host, so {request.unit} cannot be started")
            return
        if request.apply or (request.start and not before.active):
            try:
                stopped = self._stop_with_old_unit(before)
                self._read_units(before)
                self.result.applied = RESTART if stopped else self._needed()
                self._carry_out(self.result.applied)
            except SystemdError as error:
                raise self._roll_back(before, str(error)) from error
            if self.unit is not None and (self.unit.active or self.result.applied != NONE):
                files.discard(self.files)

    def _stop_with_old_unit(self, before: Unit) -> bool:
        """Stop a service with the ExecStop commands of its old unit, if any, before systemd reads the new one."""
        texts = [change.before for change in self.result.changes if change.wanted.is_unit]
        if not before.active or not any("ExecStop" in (text or "") for text in texts):
            return False
        service.stop(before)
        return True

    def _read_units(self, before: Unit) -> None:
        """Let systemd read unit files that have changed."""
        if before.outdated or any(change.wanted.is_unit for change in self.result.changes):
            service.daemon_reload()
            self.unit = service.show(self.request.unit)

    def _carry_out(self, action: str) -> None:
        if action == NONE or self.unit is None:
            return
        if not self.unit.known:
            raise SystemdError(f"there is no unit {self.request.unit}.service: install the package that provides it")
        if action == RELOAD and self.request.loaded is not None:
            own = [wanted.path for wanted in self.files if not wanted.is_unit]
            service.reload(self.unit, self.request.loaded, own)
        else:
            service.start(self.unit)

    def _roll_back(self, before: Unit, reason: str) -> PublishError:
        """Restore the earlier files and process. Returns the error with the reason and the present state."""
        what = f"{self.request.unit} did not {_VERBS[self.result.applied]}: {reason.rstrip('.!')}"
        returned = files.put_back(self.files)
        paths = " and ".join(str(wanted.path) for wanted in (returned or self.files))
        if not returned:
            stays = f"no earlier version of {paths} is known, so nothing was put back"
            return PublishError(f"{what}. {self._state(before)}; {stays}")
        back = f"{paths} {'is' if len(returned) == 1 else 'are'} as before"
        try:
            if any(wanted.is_unit for wanted in returned):
                service.daemon_reload()
            return PublishError(f"{what}. {back}, and {self._restore_process(before)}", rolled_back=True)
        except SystemdError as error:
            again = f"but {self.request.unit} does not start with that either: {str(error).rstrip('.!')}"
            return PublishError(f"{what}. {back}, {again}", rolled_back=True)

    def _restore_process(self, before: Unit) -> str:
        """Return the process to its earlier state. Returns a text for the message."""
        now = service.show(self.request.unit)
        if not before.active:
            service.stop(before)
            return f"{self.request.unit} is stopped, as it was"
        if self.result.applied == RELOAD and now is not None and now.active and now.pid == before.pid:
            return f"{self.request.unit} still runs with the configuration it had"
        service.start(before)
        return f"{self.request.unit} runs with it again"

    def _state(self, before: Unit) -> str:
        now = service.show(self.request.unit)
        if now is None or not now.active:
            return f"{self.request.unit} does not run"
        if now.pid == before.pid:
            return f"{self.request.unit} still runs with the configuration it had"
        return f"{self.request.unit} runs"

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A service as systemd has it: whether it runs, with which arguments, since when, and the commands that change it."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.secrets import may_hold_secret
from ansible_collections.pgsvc.access.plugins.module_utils._host import systemd
from ansible_collections.pgsvc.access.plugins.module_utils._host.systemd import Properties, SystemdError, first

_TIMEOUT = 120  # seconds: longer than systemd gives a service to start or stop
RELOAD_PATIENCE = 5.0  # seconds; HAProxy tries for two to bind what it listens on
_PROPERTIES = "LoadState,ActiveState,MainPID,Type,NeedDaemonReload,ExecStart,InactiveExitTimestampMonotonic"
_COMMAND = re.compile(r"^ExecStart=[-@:+!|]*(\S+)[ \t]+(\S.*)$", re.MULTILINE)
_TELLING = re.compile(r"alert|error|fail|fatal|cannot|unable|invalid|bad |illegal|refused", re.IGNORECASE)
_MOST_LINES = 12


@dataclass(frozen=True)
class Unit:
    """A unit. `arguments` are those of its first ExecStart, variables not filled in; `started` is a time of day."""

    name: str
    known: bool
    active: bool
    reloading: bool
    pid: Optional[int]
    kind: str
    outdated: bool
    arguments: str
    started: float


def show(name: str) -> Optional[Unit]:
    """The unit as systemd has it; None where systemd does not run the machine."""
    shown = systemd.properties(f"{name}.service", _PROPERTIES, _TIMEOUT)
    return None if shown is None else read(name, shown, time.time() - time.monotonic())


def read(name: str, shown: Properties, booted: float) -> Unit:
    """The properties of a unit as a `Unit`; `booted` is the time of day at which the monotonic clock was 0."""
    return Unit(
        name=name,
        known=systemd.is_loaded(shown),
        active=systemd.is_active(shown),
        reloading=first(shown, "ActiveState") == "reloading",
        pid=systemd.main_pid(shown),
        kind=first(shown, "Type"),
        outdated=first(shown, "NeedDaemonReload") == "yes",
        arguments=" ".join(systemd.command_line(shown)[1:]),
        started=booted + int(first(shown, "InactiveExitTimestampMonotonic") or 0) / 1e6,
    )


def arguments_in(text: str) -> Optional[str]:
    """The arguments of the last ExecStart of a unit's text (systemd.service(5)); None when it has none."""
    found = _COMMAND.findall(text)
    return found[-1][1].replace("%%", "%") if found else None


def runs_with(unit: Unit, arguments: str) -> bool:
    """Whether the process of a unit was started with these arguments; what a variable stands for may be anything.

    A master of HAProxy puts arguments of its own before those it was started with, when it is reloaded.
    """
    try:
        words = Path(f"/proc/{unit.pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return False
    command = f" {' '.join(words).strip()} "
    return all(f" {run} " in command for run in _literal_runs(arguments))


def _literal_runs(arguments: str) -> list[str]:
    """The words between variables, each run of them as one text."""
    runs: list[list[str]] = [[]]
    for word in arguments.split():
        if "$" in word:
            runs.append([])
        else:
            runs[-1].append(word)
    return [" ".join(run) for run in runs if run]


def daemon_reload() -> None:
    _run(["systemctl", "daemon-reload"])


def start(unit: Unit) -> None:
    """Start a unit, or restart it when it runs. Raises `SystemdError` when it does not stay."""
    since = time.time()
    try:
        _run(["systemctl", "reset-failed", "--", f"{unit.name}.service"], check=False)
        _run(["systemctl", "restart", "--", f"{unit.name}.service"])
        _check_it_stays(unit)
    except SystemdError as error:
        raise SystemdError(_words(unit, since, str(error))) from error


def stop(unit: Unit) -> None:
    _run(["systemctl", "stop", "--", f"{unit.name}.service"], check=False)
    _run(["systemctl", "reset-failed", "--", f"{unit.name}.service"], check=False)


def reload(unit: Unit, loaded: Path, files: Sequence[Path]) -> None:
    """Reload a unit, until it has written `loaded` after reading `files`. Raises `SystemdError` when it does not."""
    since = time.time()
    try:
        _run(["systemctl", "reload", "--", f"{unit.name}.service"])
        _await_loaded(unit.name, loaded, files)
    except SystemdError as error:
        raise SystemdError(_words(unit, since, str(error))) from error


def _await_loaded(name: str, loaded: Path, files: Sequence[Path]) -> None:
    """systemd calls a reload done when it has sent the signal; the service may still refuse the configuration.

    While the service says that it is reloading it is waited for, however long that takes.
    """
    last, deadline = time.monotonic(), time.monotonic() + _TIMEOUT
    while is_newer(files, loaded):
        time.sleep(0.2)
        unit, now = show(name), time.monotonic()
        if unit is None or not unit.active:
            raise SystemdError("it ended")
        if unit.reloading:
            last = now
        if now > deadline or now - last > RELOAD_PATIENCE:
            raise SystemdError(f"{now - last:.0f} seconds after the reload it has not read its configuration")


def is_newer(files: Sequence[Path], loaded: Path) -> bool:
    """Whether one of the files was written after `loaded`, or there is no `loaded`."""
    try:
        when = loaded.stat().st_mtime_ns
    except OSError:
        return True
    return any(path.stat().st_mtime_ns > when for path in files if path.exists())


def _check_it_stays(unit: Unit) -> None:
    """systemd calls a simple service started when its process is there; it may end at once."""
    if unit.kind not in {"simple", "exec"}:
        return
    first = show(unit.name)
    time.sleep(1)
    now = show(unit.name)
    if first is None or now is None or not now.active or now.pid != first.pid:
        raise SystemdError("it ended within a second")


def _words(unit: Unit, since: float, otherwise: str) -> str:
    """What the service has logged about a failure, else what systemd says. No line that may hold a secret."""
    _run(["journalctl", "--sync"], check=False)
    journal = _run(
        ["journalctl", f"--unit={unit.name}", "--no-pager", "--output=cat", f"--since=@{since:.6f}"], check=False
    )
    lines = [line.strip() for line in journal.splitlines() if _TELLING.search(line) and not may_hold_secret(line)]
    return "; ".join(list(dict.fromkeys(lines))[:_MOST_LINES]) or otherwise


def _run(command: Sequence[str], check: bool = True) -> str:
    return systemd.run(command, _TIMEOUT, check)

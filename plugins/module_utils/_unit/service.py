# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A systemd service: its state, arguments and start time, and the commands to start, stop and reload it."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Optional

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.secrets import may_hold_secret
from ansible_collections.pgsvc.access.plugins.module_utils._host import systemd
from ansible_collections.pgsvc.access.plugins.module_utils._host.light_dataclass import dataclass
from ansible_collections.pgsvc.access.plugins.module_utils._host.systemd import Properties, SystemdError, first

_TIMEOUT = 120  # seconds: longer than the limit of systemd for a start or stop
RELOAD_PATIENCE = 5.0  # seconds; HAProxy tries to bind its listeners for two seconds
_PROPERTIES = "LoadState,ActiveState,MainPID,Type,NeedDaemonReload,ExecStart,InactiveExitTimestampMonotonic"
_COMMAND = re.compile(r"^ExecStart=[-@:+!|]*(\S+)[ \t]+(\S.*)$", re.MULTILINE)
_RELEVANT = re.compile(r"alert|error|fail|fatal|cannot|unable|invalid|bad |illegal|refused", re.IGNORECASE)
_MOST_LINES = 12


@dataclass(frozen=True)
class Unit:
    """A unit. `arguments` are those of its first ExecStart, with unexpanded variables; `started` is a Unix time."""

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
    """The unit in systemd; None if the host does not run systemd."""
    shown = systemd.properties(f"{name}.service", _PROPERTIES, _TIMEOUT)
    return None if shown is None else read(name, shown, time.time() - time.monotonic())


def read(name: str, shown: Properties, booted: float) -> Unit:
    """The properties of a unit as a `Unit`; `booted` is the Unix time at which the monotonic clock was 0."""
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
    """The arguments of the last ExecStart in the text of a unit (systemd.service(5)); None if there is none."""
    found = _COMMAND.findall(text)
    return found[-1][1].replace("%%", "%") if found else None


def runs_with(unit: Unit, arguments: str) -> bool:
    """Whether the process of a unit was started with these arguments. A variable matches any text.

    When HAProxy is reloaded, its master adds arguments of its own before the original ones.
    """
    try:
        words = Path(f"/proc/{unit.pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return False
    command = f" {' '.join(words).strip()} "
    return all(f" {run} " in command for run in _literal_runs(arguments))


def _literal_runs(arguments: str) -> list[str]:
    """The sequences of words between variables, each as one text."""
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
    """Start a unit, or restart it if it runs. Raises `SystemdError` if it fails or exits at once."""
    since = time.time()
    try:
        _run(["systemctl", "reset-failed", "--", f"{unit.name}.service"], check=False)
        _run(["systemctl", "restart", "--", f"{unit.name}.service"])
        _check_it_stays(unit)
    except SystemdError as error:
        raise SystemdError(_reason(unit, since, str(error))) from error


def stop(unit: Unit) -> None:
    _run(["systemctl", "stop", "--", f"{unit.name}.service"], check=False)
    _run(["systemctl", "reset-failed", "--", f"{unit.name}.service"], check=False)


def reload(unit: Unit, loaded: Path, files: Sequence[Path]) -> None:
    """Reload a unit, and wait until it has written `loaded` after reading `files`. Raises `SystemdError`."""
    since = time.time()
    try:
        _run(["systemctl", "reload", "--", f"{unit.name}.service"])
        _await_loaded(unit.name, loaded, files)
    except SystemdError as error:
        raise SystemdError(_reason(unit, since, str(error))) from error


def _await_loaded(name: str, loaded: Path, files: Sequence[Path]) -> None:
    """Wait until the service has read its configuration. For systemd, a reload is complete when the signal is sent.

    While the service reports that it is reloading, the wait goes on, up to the general limit.
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
    """Whether one of the files was written after `loaded`, or `loaded` does not exist."""
    try:
        when = loaded.stat().st_mtime_ns
    except OSError:
        return True
    return any(path.stat().st_mtime_ns > when for path in files if path.exists())


def _check_it_stays(unit: Unit) -> None:
    """Check that a simple service still runs after a second, as systemd considers it started at once."""
    if unit.kind not in {"simple", "exec"}:
        return
    first = show(unit.name)
    time.sleep(1)
    now = show(unit.name)
    if first is None or now is None or not now.active or now.pid != first.pid:
        raise SystemdError("it ended within a second")


def _reason(unit: Unit, since: float, otherwise: str) -> str:
    """The reason of a failure: lines of the service's log, without possible secrets, else `otherwise`."""
    _run(["journalctl", "--sync"], check=False)
    journal = _run(
        ["journalctl", f"--unit={unit.name}", "--no-pager", "--output=cat", f"--since=@{since:.6f}"], check=False
    )
    lines = [line.strip() for line in journal.splitlines() if _RELEVANT.search(line) and not may_hold_secret(line)]
    return "; ".join(list(dict.fromkeys(lines))[:_MOST_LINES]) or otherwise


def _run(command: Sequence[str], check: bool = True) -> str:
    return systemd.run(command, _TIMEOUT, check)

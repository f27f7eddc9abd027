# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A service as systemd has it: whether it runs, with which arguments, since when, and the commands that change it."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from ansible_collections.pgsvc.access.plugins.module_utils._secrets import may_hold_secret

_BOOTED = Path("/run/systemd/system")  # sd_booted(3)
_TIMEOUT = 120  # seconds: longer than systemd gives a service to start or stop
RELOAD_PATIENCE = 5.0  # seconds; HAProxy tries for two to bind what it listens on
_PROPERTIES = "LoadState,ActiveState,MainPID,Type,NeedDaemonReload,ExecStart,InactiveExitTimestampMonotonic"
_ARGV = re.compile(r"argv\[\]=(.*?) ; ignore_errors=")
_COMMAND = re.compile(r"^ExecStart=[-@:+!|]*(\S+)[ \t]+(\S.*)$", re.MULTILINE)
_TELLING = re.compile(r"alert|error|fail|fatal|cannot|unable|invalid|bad |illegal|refused", re.IGNORECASE)
_MOST_LINES = 12


class UnitError(Exception):
    """systemd could not do what was asked; the text is what it, or the service, says."""


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
    if not _BOOTED.is_dir():
        return None
    shown = _run(["systemctl", "show", "--no-pager", f"--property={_PROPERTIES}", "--", f"{name}.service"])
    return parse(name, shown, time.time() - time.monotonic())


def parse(name: str, shown: str, booted: float) -> Unit:
    """`systemctl show` as a `Unit`; `booted` is the time of day at which the monotonic clock was 0."""
    found: dict[str, str] = {}
    for line in shown.splitlines():
        key, _equals, value = line.partition("=")
        found.setdefault(key, value)
    argv = _ARGV.search(found.get("ExecStart", ""))
    return Unit(
        name=name,
        known=found.get("LoadState") == "loaded",
        active=found.get("ActiveState") in {"active", "reloading"},
        reloading=found.get("ActiveState") == "reloading",
        pid=int(found.get("MainPID") or 0) or None,
        kind=found.get("Type", ""),
        outdated=found.get("NeedDaemonReload") == "yes",
        arguments=argv[1].partition(" ")[2] if argv else "",
        started=booted + int(found.get("InactiveExitTimestampMonotonic") or 0) / 1e6,
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
    """Start a unit, or restart it when it runs. Raises `UnitError` when it does not stay."""
    since = time.time()
    try:
        _run(["systemctl", "reset-failed", "--", f"{unit.name}.service"], check=False)
        _run(["systemctl", "restart", "--", f"{unit.name}.service"])
        _check_it_stays(unit)
    except UnitError as error:
        raise UnitError(_words(unit, since, str(error))) from error


def stop(unit: Unit) -> None:
    _run(["systemctl", "stop", "--", f"{unit.name}.service"], check=False)
    _run(["systemctl", "reset-failed", "--", f"{unit.name}.service"], check=False)


def reload(unit: Unit, loaded: Path, files: Sequence[Path]) -> None:
    """Reload a unit, until it has written `loaded` after reading `files`. Raises `UnitError` when it does not."""
    since = time.time()
    try:
        _run(["systemctl", "reload", "--", f"{unit.name}.service"])
        _await_loaded(unit.name, loaded, files)
    except UnitError as error:
        raise UnitError(_words(unit, since, str(error))) from error


def _await_loaded(name: str, loaded: Path, files: Sequence[Path]) -> None:
    """systemd calls a reload done when it has sent the signal; the service may still refuse the configuration.

    While the service says that it is reloading it is waited for, however long that takes.
    """
    last, deadline = time.monotonic(), time.monotonic() + _TIMEOUT
    while is_newer(files, loaded):
        time.sleep(0.2)
        unit, now = show(name), time.monotonic()
        if unit is None or not unit.active:
            raise UnitError("it ended")
        if unit.reloading:
            last = now
        if now > deadline or now - last > RELOAD_PATIENCE:
            raise UnitError(f"{now - last:.0f} seconds after the reload it has not read its configuration")


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
        raise UnitError("it ended within a second")


def _words(unit: Unit, since: float, otherwise: str) -> str:
    """What the service has logged about a failure, else what systemd says. No line that may hold a secret."""
    _run(["journalctl", "--sync"], check=False)
    journal = _run(
        ["journalctl", f"--unit={unit.name}", "--no-pager", "--output=cat", f"--since=@{since:.6f}"], check=False
    )
    lines = [line.strip() for line in journal.splitlines() if _TELLING.search(line) and not may_hold_secret(line)]
    return "; ".join(list(dict.fromkeys(lines))[:_MOST_LINES]) or otherwise


def _run(command: Sequence[str], check: bool = True) -> str:
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=_TIMEOUT, text=True,
            errors="replace",
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise UnitError(f"{' '.join(command)} did not end within {_TIMEOUT} seconds") from None
    except OSError as error:
        raise UnitError(f"{command[0]} cannot be started: {error.strerror}") from error
    if check and done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise UnitError(said[0] if said else f"{' '.join(command)} ended with {done.returncode}")
    return done.stdout

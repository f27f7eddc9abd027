# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads properties of systemd units and runs commands such as systemctl(1)."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Optional

_BOOTED = Path("/run/systemd/system")  # sd_booted(3)
_ARGV = re.compile(r"argv\[\]=(.*?) ; ignore_errors=")

Properties = Mapping[str, Sequence[str]]
"""The properties of a unit by name. A property such as `EnvironmentFiles` can have several values."""


class SystemdError(Exception):
    """A command failed. The message is what it printed."""


def properties(unit: str, names: str, timeout: float) -> Optional[Properties]:
    """The properties `names` (separated by commas) of a unit; None if the host does not run systemd.

    Raises `SystemdError`.
    """
    if not _BOOTED.is_dir():
        return None
    return parse(run(["systemctl", "show", "--no-pager", f"--property={names}", "--", unit], timeout))


def parse(text: str) -> Properties:
    """Parse the output of `systemctl show`."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        name, _equals, value = line.partition("=")
        found.setdefault(name, []).append(value)
    return found


def first(shown: Properties, name: str) -> str:
    """The first value of a property; empty if it is not set."""
    return next(iter(shown.get(name, ())), "")


def command_line(shown: Properties) -> list[str]:
    """The words of the first ExecStart, the program first, with variables unexpanded."""
    argv = _ARGV.search(first(shown, "ExecStart"))
    return argv[1].split() if argv else []


def is_active(shown: Properties) -> bool:
    return first(shown, "ActiveState") in {"active", "reloading"}


def is_loaded(shown: Properties) -> bool:
    return first(shown, "LoadState") == "loaded"


def main_pid(shown: Properties) -> Optional[int]:
    return int(first(shown, "MainPID") or 0) or None


def run(command: Sequence[str], timeout: float, check: bool = True) -> str:
    """Run a command and return its output. Raises `SystemdError` if it cannot run, times out, or fails."""
    try:
        done = subprocess.run(  # pylint: disable=ansible-bad-function  # run_command is a method of modules
            command, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=timeout, text=True,
            errors="replace",
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise SystemdError(f"{' '.join(command)} did not end within {timeout:g} seconds") from None
    except OSError as error:
        raise SystemdError(f"{command[0]} cannot be started: {error.strerror}") from error
    if check and done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise SystemdError(lines[0] if lines else f"{' '.join(command)} ended with {done.returncode}")
    return done.stdout

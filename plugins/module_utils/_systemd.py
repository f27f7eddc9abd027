# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What systemd knows of HAProxy's unit, and a reload by it."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from ansible_collections.pgsvc.access.plugins.module_utils._deadlines import SYSTEMD

_BOOTED = Path("/run/systemd/system")  # sd_booted(3)
_PROPERTIES = "LoadState,ActiveState,MainPID,ExecStart,Environment,EnvironmentFiles,WorkingDirectory"
_ARGV = re.compile(r"argv\[\]=(.*?) ; ignore_errors=")
_BRACED = re.compile(r"\$\$|\$\{(\w+)\}")
_WORD = re.compile(r"\$(\w+)")


@dataclass(frozen=True)
class Unit:
    """A loaded unit. `command` is its first ExecStart with the variables filled in, program first."""

    active: bool
    main_pid: Optional[int]
    command: tuple[str, ...]
    environment: Mapping[str, str]
    directory: str


def show(unit: str) -> Optional[Unit]:
    """The unit as systemd has it; None when systemd does not run this machine or knows no such unit."""
    if not _BOOTED.is_dir():
        return None
    try:
        done = subprocess.run(
            ["systemctl", "show", "--no-pager", f"--property={_PROPERTIES}", "--", unit],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=SYSTEMD,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode != 0:
        return None
    return parse(done.stdout.decode(errors="replace"))


def parse(text: str) -> Optional[Unit]:
    """`systemctl show` as a `Unit`; None for a unit that is not loaded."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        name, _equals, value = line.partition("=")
        found.setdefault(name, []).append(value)
    if found.get("LoadState") != ["loaded"]:
        return None
    environment = dict(_assignments(_split(" ".join(found.get("Environment", [])))))
    for value in found.get("EnvironmentFiles", []):
        environment.update(_environment_file(Path(value.partition(" (")[0])))
    argv = _ARGV.search(found.get("ExecStart", [""])[0])
    pid = int(found.get("MainPID", ["0"])[0] or 0)
    return Unit(
        active=found.get("ActiveState", [""])[0] in {"active", "reloading"},
        main_pid=pid or None,
        command=expand(argv.group(1).split(), environment) if argv else (),
        environment=environment,
        directory=found.get("WorkingDirectory", [""])[0].lstrip("!-") or "/",
    )


def expand(words: Sequence[str], environment: Mapping[str, str]) -> tuple[str, ...]:
    """Fill in variables as systemd does (systemd.service(5), "Command lines").

    `$NAME` as a word of its own becomes any number of words, `${NAME}` stays within its word, `$$` is a dollar sign.
    """
    expanded: list[str] = []
    for word in words:
        alone = _WORD.fullmatch(word)
        if alone:
            expanded.extend(_split(environment.get(alone.group(1), "")))
        else:
            expanded.append(_BRACED.sub(lambda m: environment.get(m.group(1), "") if m.group(1) else "$", word))
    return tuple(expanded)


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:  # a quote that is not closed: systemd ignores such a value, its words are a better guess
        return text.split()


def _assignments(words: Iterable[str]) -> Iterable[tuple[str, str]]:
    for word in words:
        name, equals, value = word.partition("=")
        if equals:
            yield name, value


def _environment_file(path: Path) -> dict[str, str]:
    """The variables of an `EnvironmentFile=` (systemd.exec(5)); one that is not there has none."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").replace("\\\n", " ").splitlines()
    except OSError:
        return {}
    found: dict[str, str] = {}
    for line in lines:
        name, equals, value = line.strip().partition("=")
        if equals and not name.startswith(("#", ";")):
            found[name.strip()] = " ".join(_split(value.strip())) if value.strip()[:1] in {'"', "'"} else value.strip()
    return found


def reload(unit: str) -> Optional[str]:
    """Reload a unit; returns what systemd says when that fails."""
    try:
        done = subprocess.run(
            ["systemctl", "reload", "--", unit],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=SYSTEMD,
        )
    except subprocess.TimeoutExpired:
        return f"systemctl reload {unit} did not end within {SYSTEMD:g} seconds"
    except OSError as error:
        return f"systemctl cannot be started: {error.strerror}"
    if done.returncode == 0:
        return None
    return (done.stderr or done.stdout).decode(errors="replace").strip() or f"systemctl ended with {done.returncode}"

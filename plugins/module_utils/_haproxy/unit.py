# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HAProxy's systemd unit: how HAProxy is started, and a reload by systemd."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Optional

from ansible_collections.pgsvc.access.plugins.module_utils._host import systemd
from ansible_collections.pgsvc.access.plugins.module_utils._host.deadlines import SYSTEMD
from ansible_collections.pgsvc.access.plugins.module_utils._host.light_dataclass import dataclass
from ansible_collections.pgsvc.access.plugins.module_utils._host.systemd import Properties, SystemdError, first

PROPERTIES = "LoadState,ActiveState,MainPID,ExecStart,Environment,EnvironmentFiles,WorkingDirectory"
_BRACED = re.compile(r"\$\$|\$\{(\w+)\}")
_WORD = re.compile(r"\$(\w+)")


@dataclass(frozen=True)
class Unit:
    """A loaded unit. `command` is its first ExecStart with the variables expanded, program first."""

    active: bool
    main_pid: Optional[int]
    command: tuple[str, ...]
    environment: Mapping[str, str]
    directory: str


def show(name: str) -> Optional[Unit]:
    """The unit in systemd; None if the host does not run systemd or there is no such unit."""
    try:
        shown = systemd.properties(name, PROPERTIES, SYSTEMD)
    except SystemdError:
        return None
    return None if shown is None else read(shown)


def read(shown: Properties) -> Optional[Unit]:
    """The properties of a unit as a `Unit`; None for a unit that is not loaded."""
    if not systemd.is_loaded(shown):
        return None
    environment = dict(assignments(split(" ".join(shown.get("Environment", [])))))
    for value in shown.get("EnvironmentFiles", []):
        environment.update(environment_file(Path(value.partition(" (")[0])))
    return Unit(
        active=systemd.is_active(shown),
        main_pid=systemd.main_pid(shown),
        command=expand(systemd.command_line(shown), environment),
        environment=environment,
        directory=first(shown, "WorkingDirectory").lstrip("!-") or "/",
    )


def expand(words: Sequence[str], environment: Mapping[str, str]) -> tuple[str, ...]:
    """Expand variables like systemd (systemd.service(5), "Command lines").

    `$NAME` as a word of its own becomes any number of words, `${NAME}` stays within its word, `$$` is a dollar sign.
    """
    expanded: list[str] = []
    for word in words:
        alone = _WORD.fullmatch(word)
        if alone:
            expanded.extend(split(environment.get(alone.group(1), "")))
        else:
            expanded.append(_BRACED.sub(lambda m: environment.get(m.group(1), "") if m.group(1) else "$", word))
    return tuple(expanded)


def split(text: str) -> list[str]:
    """The words of a setting, as systemd splits it."""
    try:
        return shlex.split(text)
    except ValueError:  # a quote is not closed; systemd ignores such a value, but its words are a better guess
        return text.split()


def assignments(words: Iterable[str]) -> Iterable[tuple[str, str]]:
    """The variables in the words of an `Environment=`."""
    for word in words:
        name, equals, value = word.partition("=")
        if equals:
            yield name, value


def environment_file(path: Path) -> dict[str, str]:
    """The variables of an `EnvironmentFile=` (systemd.exec(5)); empty if the file does not exist."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").replace("\\\n", " ").splitlines()
    except OSError:
        return {}
    found: dict[str, str] = {}
    for line in lines:
        name, equals, value = line.strip().partition("=")
        if equals and not name.startswith(("#", ";")):
            found[name.strip()] = " ".join(split(value.strip())) if value.strip()[:1] in {'"', "'"} else value.strip()
    return found


def reload(name: str) -> Optional[str]:
    """Reload a unit. Returns the message of systemd if that fails, else None."""
    try:
        systemd.run(["systemctl", "reload", "--", name], SYSTEMD)
    except SystemdError as error:
        return str(error)
    return None

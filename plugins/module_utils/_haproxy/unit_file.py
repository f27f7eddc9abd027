# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HAProxy's systemd unit as a package installed it: what its files say, without the drop-in of this collection."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.unit import (
    assignments,
    environment_file,
    expand,
    split,
)
from ansible_collections.pgsvc.access.plugins.module_utils._host import systemd
from ansible_collections.pgsvc.access.plugins.module_utils._host.deadlines import SYSTEMD
from ansible_collections.pgsvc.access.plugins.module_utils._host.light_dataclass import dataclass
from ansible_collections.pgsvc.access.plugins.module_utils._host.systemd import SystemdError, first

_PREFIXES = "@-:+!|"  # of a command (systemd.service(5), table 1)
_VARIABLE = re.compile(r"\$(\w+)|\$\{(\w+)\}")
_WITH_VALUE = ("-f", "-p", "-S", "-C")


@dataclass(frozen=True)
class UnitFile:
    """The settings of a unit that say how HAProxy is started. `command` has its variables unexpanded."""

    command: tuple[str, ...]
    environment: Mapping[str, str]
    bind_paths: tuple[str, ...]

    def expanded(self) -> tuple[str, ...]:
        """The command with the variables expanded, program first."""
        return expand(self.command, self.environment)

    def option_variables(self) -> tuple[str, ...]:
        """The variables that add options to the command: `EXTRAOPTS` in Debian, `OPTIONS` in Enterprise Linux."""
        words = zip(("", *self.command), self.command)
        found = (_VARIABLE.fullmatch(word) for before, word in words if before not in _WITH_VALUE)
        return tuple(match[1] or match[2] for match in found if match)

    def binds(self, path: str) -> bool:
        """Whether `path` exists for HAProxy because the unit mounts something there (systemd.exec(5), BindPaths)."""
        return any(each.lstrip("-").split(":")[1:2] == [path] for each in self.bind_paths)


def show(name: str, own: Path) -> UnitFile:
    """The unit `name` of this host, read from its files without the drop-in `own`; empty if there is none."""
    try:
        shown = systemd.properties(name, "LoadState,FragmentPath,DropInPaths", SYSTEMD) or {}
    except SystemdError:
        shown = {}
    paths = [Path(path) for path in (first(shown, "FragmentPath"), *first(shown, "DropInPaths").split()) if path]
    return read(_text(path) for path in paths if path != own)


def read(texts: Iterable[str]) -> UnitFile:
    """Parse the text of a unit and of its drop-ins (systemd.syntax(7)).

    The files that the unit names as `EnvironmentFile=` are read as well; their variables take precedence.
    """
    command: tuple[str, ...] = ()
    environment: dict[str, str] = {}
    files: list[str] = []
    binds: list[str] = []
    for text in texts:
        for name, value in _settings(text):
            if name == "ExecStart":  # the first one after a reset counts, as HAProxy's unit is not of type oneshot
                command = (command or _command(value)) if value else ()
            elif name == "Environment":
                environment = {**environment, **dict(assignments(split(value)))} if value else {}
            elif name == "EnvironmentFile":
                files = [*files, value.lstrip("-")] if value else []
            elif name in ("BindReadOnlyPaths", "BindPaths"):
                binds = [*binds, *value.split()] if value else []
    for file in files:
        environment.update(environment_file(Path(file)))
    return UnitFile(command, environment, tuple(binds))


def _settings(text: str) -> Iterator[tuple[str, str]]:
    """The settings in the section [Service], with continued lines joined and the specifier `%%` resolved."""
    section = ""
    lines = (line for line in text.splitlines() if not line.lstrip().startswith(("#", ";")))
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        word = line.strip()
        if word.startswith("["):
            section = word
        elif section == "[Service]":
            name, equals, value = word.partition("=")
            if equals:
                yield name.strip(), value.strip().replace("%%", "%")


def _command(value: str) -> tuple[str, ...]:
    words = split(value)
    return (words[0].lstrip(_PREFIXES), *words[1:]) if words else ()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""

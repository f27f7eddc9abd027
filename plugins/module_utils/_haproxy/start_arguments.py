# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How this load balancer's HAProxy is started: its configuration arguments, environment and working directory."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Optional

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.config import SUFFIX
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.unit import Unit, show
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.version import Version
from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import PublishError
from ansible_collections.pgsvc.access.plugins.module_utils._host.light_dataclass import dataclass

# Options of HAProxy (Management Guide 3) that affect the configuration or its validation. They are kept.
_KEPT_WITH_VALUE = frozenset(("-f", "-C", "-L", "-n", "-N", "-m"))
_KEPT = frozenset(("-dr", "-dW", "-dV", "-dD"))
_DROPPED_WITH_VALUE = frozenset(("-p", "-S", "-x"))
_DROPPED_WITH_VALUES = frozenset(("-sf", "-st"))

_WITHOUT_LIMIT: Version = (3, 2, 0)  # from here on the master does not read the configuration any more
_LARGEST_VARIABLE = 128 * 1024  # bytes, with its name and the closing NUL (execve(2), MAX_ARG_STRLEN)
_EXEC = 1.0  # seconds, more than execve(2) takes
# Variables that a master sets for itself when it re-executes, and that would mislead `haproxy -c`.
_MASTERS_OWN = ("HAPROXY_MWORKER", "NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "WATCHDOG_")


@dataclass(frozen=True)
class Startup:
    """How HAProxy is started. `arguments` are only those about the configuration; `source` is their origin."""

    arguments: tuple[str, ...]
    source: str
    directory: str = "/"
    environment: Mapping[str, str] = field(default_factory=dict)

    def configurations(self) -> list[str]:
        """The absolute paths of the files and directories that are loaded, in order."""
        base, found = self._named()
        return [str(base / each) for each in found]

    def _named(self) -> tuple[Path, list[str]]:
        """The folder that relative paths start from, and the files and directories as given in the arguments."""
        base, found = Path(self.directory), []
        words = iter(self.arguments)
        for word in words:
            if word == "-f":
                found.append(next(words, ""))
            elif word == "-C":
                base /= next(words, "")
            elif word in _KEPT_WITH_VALUE:
                next(words, "")
            elif word == "--":
                found.extend(words)
        return base, found

    def size_of_names(self, directory: Path, names: Iterable[str]) -> int:
        """Size in bytes of the variable HAPROXY_CFGFILES, which a master sets when it re-executes itself.

        `names` are the files that `directory` will have. The variable has the paths of all loaded files, separated by
        semicolons. The files of a directory have the directory's path as given in the arguments.
        """
        base, found = self._named()
        size = len("HAPROXY_CFGFILES=")
        for each in found:
            path = base / each
            if _same(path, directory):
                inside: Iterable[str] = names
            elif path.is_dir():
                inside = [entry for entry in os.listdir(path) if _is_loaded(entry)]  # noqa: PTH208  names are wanted
            else:
                size += len(os.fsencode(each)) + 1
                continue
            size += sum(len(os.fsencode(f"{each}/{name}")) + 1 for name in inside)
        return size

    def loads(self, directory: Path) -> bool:
        """Whether the directory as a whole is loaded."""
        return any(_same(Path(each), directory) for each in self.configurations())

    def validation_arguments(self, directory: Path, names: Iterable[str], stage: Path) -> list[str]:
        """The arguments for `haproxy -c` when `directory` is to have the files `names`, the new ones in `stage`.

        The directory is replaced by its files in the order in which HAProxy loads them (manual, `-f`).
        """
        replaced, rest, base = ["-c"], False, Path(self.directory)
        words = iter(self.arguments)
        for word in words:
            if rest or word == "-f":
                named = word if rest else next(words, "")
                for path in _staged(named, base, directory, sorted(names), stage):
                    replaced += [path] if rest else ["-f", path]
                continue
            replaced.append(word)
            rest = word == "--"
            if word in _KEPT_WITH_VALUE:
                replaced += (value for value in [next(words, None)] if value is not None)
                base = base / replaced[-1] if word == "-C" else base
        return replaced


def _is_loaded(name: str) -> bool:
    return name.endswith(SUFFIX) and not name.startswith(".")


def _staged(word: str, base: Path, directory: Path, names: Sequence[str], stage: Path) -> list[str]:
    path = base / word
    if _same(path, directory):
        new = set(os.listdir(stage))  # noqa: PTH208  names are wanted
        return [str(stage / name) if name in new else f"{word}/{name}" for name in names]
    if _same(path.parent, directory) and (stage / path.name).exists():
        return [str(stage / path.name)]
    return [word]


def _same(one: Path, other: Path) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)


def configuration_arguments(command: Sequence[str]) -> tuple[str, ...]:
    """Those of HAProxy's arguments (without the program) that affect the configuration.

    >>> configuration_arguments(["-Ws", "-f", "/etc/haproxy", "-p", "/run/haproxy.pid", "-sf", "12", "13"])
    ('-f', '/etc/haproxy')
    """
    kept: list[str] = []
    position = 0
    while position < len(command):
        word = command[position]
        position += 1
        if word == "--":
            return (*kept, *command[position - 1 :])
        if word in _KEPT_WITH_VALUE:
            kept.extend(command[position - 1 : position + 1])
            position += 1
        elif word in _KEPT:
            kept.append(word)
        elif word in _DROPPED_WITH_VALUE:
            position += 1
        elif word in _DROPPED_WITH_VALUES:
            while position < len(command) and not command[position].startswith("-"):
                position += 1
    return tuple(kept)


def find(config_args: Optional[Sequence[str]], master: Optional[int], unit: str, directory: Path) -> Startup:
    """Find out how HAProxy is started: from `config_args`, else from the running master, else from the unit.

    If none of these is known, `-f directory` is assumed.
    `master` is the process id of the running master; None if it is not known.
    """
    loaded_unit: Optional[Unit] = None
    if master is None:
        loaded_unit = show(unit)
        master = loaded_unit.main_pid if loaded_unit else None
    running = _running(master) if master else None
    if config_args is not None:
        place = running.directory if running else "/"
        environment = running.environment if running else _plain_environment()
        return Startup(configuration_arguments(config_args), "config_args", place, environment)
    if running is not None:
        return running
    if loaded_unit is not None and loaded_unit.command:
        environment = {**_plain_environment(), **loaded_unit.environment}
        return Startup(
            configuration_arguments(loaded_unit.command[1:]), f"the unit {unit}", loaded_unit.directory, environment
        )
    return Startup(("-f", str(directory)), "the defaults", "/", _plain_environment())


def _running(pid: int) -> Optional[Startup]:
    """How a running process was started; None if it has just exited or cannot be inspected."""
    process = Path("/proc") / str(pid)
    try:
        command = command_line(pid)
        pairs = process.joinpath("environ").read_bytes().decode(errors="surrogateescape").split("\0")
        place = str(process.joinpath("cwd").readlink())
    except OSError:
        return None
    environment = dict(pair.split("=", 1) for pair in pairs if "=" in pair and not pair.startswith(_MASTERS_OWN))
    return Startup(configuration_arguments(command[1:]), f"the running master (process {pid})", place, environment)


def command_line(pid: int) -> list[str]:
    """The command line of a process. A master that re-executes itself has none for an instant, so this retries.

    Raises `OSError`.
    """
    deadline = time.monotonic() + _EXEC
    while True:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="surrogateescape").split("\0")[:-1]
        if words or time.monotonic() > deadline:
            return words
        time.sleep(_EXEC / 50)


def _plain_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(_MASTERS_OWN)}


def check(startup: Startup, directory: Path, unit: str) -> None:
    """Raise `PublishError` if HAProxy does not load the service files when it is started like this."""
    if startup.loads(directory):
        return
    shown = " ".join(startup.arguments) or "no -f at all"
    loaded_unit = show(unit)
    if loaded_unit is not None and loaded_unit.command and not startup.source.startswith(("config_args", "the unit")):
        planned = Startup(configuration_arguments(loaded_unit.command[1:]), "", loaded_unit.directory)
        if planned.loads(directory):
            raise PublishError(
                f"HAProxy does not load {directory}: {startup.source} was started with {shown}, before its unit was "
                f"changed: run systemctl restart {unit}"
            )
    raise PublishError(
        f"HAProxy does not load {directory}: according to {startup.source} it is started with {shown}. Let the role "
        "pgsvc.access.haproxy set up the unit, set haproxy_conf_dir to a directory that HAProxy loads, or set "
        "haproxy_config_args when it is started in another way"
    )


def check_names(version: Version, startup: Startup, directory: Path, names: Iterable[str]) -> None:
    """Raise `PublishError` if HAProxy could not be started with so many files, so that a reload would stop it.

    `haproxy -c` does not detect this, because it does not re-execute itself. 3.2 has no such limit.
    """
    if version >= _WITHOUT_LIMIT:
        return
    size = startup.size_of_names(directory, names)
    if size > _LARGEST_VARIABLE:
        raise PublishError(
            f"HAProxy could not be started with these files: the names of all files that it loads take {size:,} bytes, "
            f"and Linux allows {_LARGEST_VARIABLE:,} (HAPROXY_CFGFILES). Give {directory} a shorter path, or move "
            "clusters to other load balancers. Nothing was changed"
        )

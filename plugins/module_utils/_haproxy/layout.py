# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where this host's HAProxy has its service files and its sockets, as the arguments it is started with say.

Distributions and tools differ in this: Debian loads one file, Enterprise Linux and Pigsty load a folder, too.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Optional

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.config import SUFFIX
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.grammar import SECTIONS, directives, unquoted
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.start_arguments import (
    Startup,
    command_line,
    configuration_arguments,
)
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.unit import show
from ansible_collections.pgsvc.access.plugins.module_utils._host.light_dataclass import dataclass

CONF_DIR = "/etc/haproxy"
MASTER_SOCKET = "/run/haproxy-master.sock"
STATS_SOCKET = "/run/haproxy/admin.sock"
_UCRED = struct.Struct("3i")  # pid, uid, gid (unix(7))
_PATIENCE = 1.0  # seconds


@dataclass(frozen=True)
class Layout:
    """The folder of the service files, and the sockets of the master CLI and the Runtime API."""

    conf_dir: str = CONF_DIR
    master_socket: str = MASTER_SOCKET
    stats_socket: str = STATS_SOCKET


@dataclass(frozen=True)
class Command:
    """A command line of HAProxy, program first, and the folder that relative paths start from."""

    words: Sequence[str]
    directory: str = "/"

    def startup(self) -> Startup:
        return Startup(configuration_arguments(self.words[1:]), "", self.directory)

    def master_socket(self) -> Optional[str]:
        """The socket of `-S`, without its options; None for one that is not a path."""
        return next((_path(word) for option, word in zip(self.words, self.words[1:]) if option == "-S"), None)


def find(
    conf_dir: Optional[str],
    master_socket: Optional[str],
    stats_socket: Optional[str],
    config_args: Optional[Sequence[str]] = None,
    unit: str = "haproxy",
) -> Layout:
    """The layout of this host. What is given is taken as it is; the rest is what HAProxy is started with.

    This is the command line of the running master, then that of the unit, and where neither tells, the default.
    """
    commands = _Commands(master_socket or MASTER_SOCKET, unit)
    given = [Command(("haproxy", *config_args))] if config_args else commands
    return Layout(
        conf_dir or _first(folder(command.startup()) for command in given) or CONF_DIR,
        master_socket or _first(command.master_socket() for command in commands) or MASTER_SOCKET,
        stats_socket or _default_socket() or _first(admin_socket(command.startup()) for command in commands)
        or STATS_SOCKET,
    )  # fmt: skip


def folder(startup: Startup) -> Optional[str]:
    """The loaded folder that service files go to: `/etc/haproxy` if it is one, otherwise the last; None without any.

    A folder need not exist yet. A file is recognized by its suffix then.
    """
    paths = [Path(each) for each in startup.configurations()]
    folders = [str(path) for path in paths if path.is_dir() or (path.suffix != SUFFIX and not path.exists())]
    return CONF_DIR if CONF_DIR in folders else folders[-1] if folders else None


def admin_socket(startup: Startup) -> Optional[str]:
    """The first `stats socket` with level admin in the files that are loaded by name; None without any."""
    for path in startup.configurations():
        try:
            text = Path(path).read_text(encoding="utf-8", errors="replace")
        except OSError:  # a folder, or a file that does not exist
            continue
        found = admin_socket_in(text)
        if found is not None:
            return found
    return None


def admin_socket_in(text: str) -> Optional[str]:
    """The first `stats socket` with level admin in the `global` sections of a configuration."""
    section = ""
    for words in directives(text):
        if words[0] in SECTIONS:
            section = words[0]
        elif section == "global" and words[:2] == ("stats", "socket") and ("level", "admin") in zip(words, words[1:]):
            path = _path(unquoted(words[2]))
            if path is not None:
                return path
    return None


class _Commands:
    """The command lines that HAProxy runs with or will be started with, each looked up only if it is needed."""

    def __init__(self, master_socket: str, unit: str) -> None:
        self._found: list[Command] = []
        self._rest = self._look_up(master_socket, unit)

    def __iter__(self) -> Iterator[Command]:
        yield from self._found
        for command in self._rest:
            self._found.append(command)
            yield command

    def _look_up(self, master_socket: str, unit: str) -> Iterator[Command]:
        # Asking systemd takes longer than all the rest together, and a master that listens makes it unnecessary.
        master = _listener(master_socket)
        if master is not None:
            yield from _running(master)
        loaded = show(unit)
        if loaded is None:
            return
        if loaded.main_pid is not None and loaded.main_pid != master:
            yield from _running(loaded.main_pid)
        yield Command(loaded.command, loaded.directory)


def _running(pid: int) -> Iterator[Command]:
    try:
        yield Command(command_line(pid), str(Path(f"/proc/{pid}/cwd").readlink()))
    except OSError:  # it has ended, or belongs to another user
        return


def _listener(path: str) -> Optional[int]:
    """The process that listens on a socket (SO_PEERCRED); None if there is none."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(_PATIENCE)
        try:
            client.connect(path)
            pid: int = _UCRED.unpack(client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))[0]
        except OSError:
            return None
    return pid or None


def _default_socket() -> Optional[str]:
    return STATS_SOCKET if os.path.lexists(STATS_SOCKET) else None


def _path(word: str) -> Optional[str]:
    """The path of a socket, as `-S` and `stats socket` name it."""
    path = word.partition(",")[0]
    path = path[len("unix@") :] if path.startswith("unix@") else path
    return path if path.startswith("/") else None


def _first(found: Iterable[Optional[str]]) -> Optional[str]:
    return next((each for each in found if each is not None), None)

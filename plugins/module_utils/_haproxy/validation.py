# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A set of files judged by HAProxy before it replaces another: `haproxy -c` on a private copy of the directory."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.config import SUFFIX
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.start_arguments import Startup, check_names
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.version import check_binary
from ansible_collections.pgsvc.access.plugins.module_utils._host.deadlines import VALIDATION
from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import PublishError
from ansible_collections.pgsvc.access.plugins.module_utils._host.private_folder import entries, private_folder

_WARNING = re.compile(r"\[WARNING\]\s*(\(\d+\))?[\s:]*")
# A check reads the state files of the servers, too, and speaks of what it finds there as a start does.
_ABOUT_STATES = re.compile(
    r"from server state file|server-state (partially applied|after a reload)|[Ss]erver state file"
    r"|can't find (server '[^']*' in )?backend '"
)


@contextlib.contextmanager
def staged(directory: Path, view: Mapping[str, bytes], temporary: str) -> Iterator[tuple[Path, int]]:
    """A private folder with the `.cfg` files of `view` (by stem) and links to everything else that `directory` holds.

    Where files are named relative to the configuration (`default-path`, HAProxy manual 3.1), it also has the same
    neighbours. Also gives the descriptor of `private_folder`.
    """
    with private_folder(temporary) as (root, descriptor):
        stage = root / directory.name
        stage.mkdir(mode=0o700)
        for entry in entries(directory):
            if not _loaded(entry):
                (stage / entry.name).symlink_to(entry.path)
        if any(b"default-path" in content for content in view.values()):
            for entry in entries(directory.parent):
                if entry.name != directory.name:
                    (root / entry.name).symlink_to(entry.path)
        for name, content in view.items():
            (stage / f"{name}{SUFFIX}").write_bytes(content)
        yield stage, descriptor


def _loaded(entry: os.DirEntry[str]) -> bool:
    return entry.name.endswith(SUFFIX) and not entry.name.startswith(".") and entry.is_file()


class RejectedError(PublishError):
    """HAProxy does not accept a directory; `alerts` are its words."""

    def __init__(self, alerts: str) -> None:
        super().__init__(f"HAProxy rejects the new files: {alerts}")
        self.alerts = alerts


def validate(binary: str, startup: Startup, directory: Path, view: Mapping[str, bytes], temporary: str) -> list[str]:
    """Let HAProxy check `directory` as it would be with the files of `view`; returns its warnings.

    Raises `RejectedError` with HAProxy's own words when it rejects them; the paths are those of `directory`.
    """
    if not view:
        return []  # nothing is left to judge, and HAProxy would print its usage when it is given no file at all
    with staged(directory, view, temporary) as (stage, descriptor):
        # With -c it names its version only when it has something to complain about.
        version = check_binary(binary, _run([binary, "-v"], startup, [descriptor])[1])
        check_names(version, startup, directory, [f"{name}{SUFFIX}" for name in view])
        status, output = _run([binary, *startup.validation_arguments(directory, stage)], startup, [descriptor])
        words = output.replace(str(stage), str(directory))
    if status != 0:
        raise RejectedError(_alerts(words))
    return [f"HAProxy warns: {warning}" for line in _spoken(words) if (warning := _warning(line))]


def _warning(line: str) -> str:
    """A warning without its process id; nothing for other lines, and for what it says of the server states it reads."""
    match = _WARNING.match(line)
    if match is None or _ABOUT_STATES.search(line):
        return ""
    return line[match.end() :]


def _run(command: Sequence[str], startup: Startup, keep: Sequence[int] = ()) -> tuple[int, str]:
    """The exit status of HAProxy, started as `startup` says with the descriptors `keep`, and all that it has said."""
    binary = command[0]
    try:
        done = subprocess.run(
            command,
            check=False,
            cwd=startup.directory,
            env=dict(startup.environment),
            pass_fds=tuple(keep),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=VALIDATION,
        )
    except FileNotFoundError:
        where = "" if binary == "haproxy" else ", or give the path of another binary"
        raise PublishError(
            f"there is no {binary} to validate with: install the package haproxy, which role pgsvc.access.haproxy "
            f"does{where}"
        ) from None
    except subprocess.TimeoutExpired:
        took = f"{binary} {command[1]} took more than {VALIDATION:g} seconds"
        raise PublishError(f"{took}: can it resolve all names?") from None
    except OSError as error:
        raise PublishError(f"{binary} cannot be started: {error.strerror}") from error
    return done.returncode, done.stdout.decode(errors="replace")


def _alerts(words: str) -> str:
    spoken = _spoken(words)
    return "\n".join([line for line in spoken if not line.startswith(("[NOTICE]", "[WARNING]"))] or spoken)


def _spoken(words: str) -> list[str]:
    return [line.rstrip() for line in words.splitlines() if line.strip()]

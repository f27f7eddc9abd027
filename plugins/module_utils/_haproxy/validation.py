# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Validates new files with `haproxy -c` before they replace the present ones.

New files are in a private folder; files that stay are read where they are.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Optional

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.config import SUFFIX
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.start_arguments import Startup, check_names
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.version import Version, check_binary, lacks_lua
from ansible_collections.pgsvc.access.plugins.module_utils._host.deadlines import VALIDATION
from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import PublishError
from ansible_collections.pgsvc.access.plugins.module_utils._host.light_dataclass import dataclass
from ansible_collections.pgsvc.access.plugins.module_utils._host.private_folder import entries, private_folder

_WARNING = re.compile(r"\[WARNING\]\s*(\(\d+\))?[\s:]*")
# Warnings of `haproxy -c` about the server-state files, which it reads, too.
_ABOUT_STATES = re.compile(
    r"from server state file|server-state (partially applied|after a reload)|[Ss]erver state file"
    r"|can't find (server '[^']*' in )?backend '"
)
# From 3.1 on, of every configuration that loads Lua and leaves a choice open that only concerns scripts of others.
_ABOUT_LUA = re.compile(r'please set "tune\.lua\.bool-sample-conversion"')
_LOADED = ".pgsvc-loaded"


@dataclass(frozen=True)
class NewDirectory:
    """The directory to validate: all of its `.cfg` files by stem.

    `staying` are the names of those that are on disk in this form. `missing` are files outside of the directory that
    the files refer to and that do not exist yet.
    """

    files: Mapping[str, bytes]
    staying: Collection[str] = ()
    missing: Mapping[Path, bytes] = field(default_factory=dict)


@contextlib.contextmanager
def staged(directory: Path, new: NewDirectory, temporary: str) -> Iterator[tuple[Path, int]]:
    """A private folder with the `.cfg` files that do not stay and links to all other entries of `directory`.

    If paths may be relative to the configuration (`default-path`, HAProxy manual 3.1), the parent folder also has links
    to the entries of the parent of `directory`. Missing files are in a folder beside it, and the staged files refer to
    them there. Also yields the descriptor of `private_folder`.
    """
    with private_folder(temporary) as (root, descriptor):
        stage = root / directory.name
        stage.mkdir(mode=0o700)
        for entry in entries(directory):
            if not _is_loaded(entry):
                (stage / entry.name).symlink_to(entry.path)
        if any(b"default-path" in content for content in new.files.values()):
            for entry in entries(directory.parent):
                if entry.name != directory.name:
                    (root / entry.name).symlink_to(entry.path)
        if new.missing:
            (root / _LOADED).mkdir(mode=0o700)
        for path, content in new.missing.items():
            (root / _LOADED / path.name).write_bytes(content)
        for name, content in new.files.items():
            renamed = _renamed(content, new.missing, root)
            if name not in new.staying or renamed != content:
                (stage / f"{name}{SUFFIX}").write_bytes(renamed)
        yield stage, descriptor


def _renamed(content: bytes, missing: Mapping[Path, bytes], root: Path) -> bytes:
    for path in missing:
        content = content.replace(os.fsencode(path), os.fsencode(root / _LOADED / path.name))
    return content


def _is_loaded(entry: os.DirEntry[str]) -> bool:
    return entry.name.endswith(SUFFIX) and not entry.name.startswith(".") and entry.is_file()


class RejectedError(PublishError):
    """HAProxy rejects the files; `alerts` is its output."""

    def __init__(self, alerts: str) -> None:
        super().__init__(f"HAProxy rejects the new files: {alerts}")
        self.alerts = alerts


def has_lua(binary: str, startup: Startup) -> bool:
    """Whether HAProxy was built with Lua; true if its output does not say. Raises `PublishError`."""
    return not lacks_lua(_run([binary, "-vv"], startup)[1])


def validate(
    binary: str,
    startup: Startup,
    directory: Path,
    new: NewDirectory,
    temporary: str,
    version: Optional[Version] = None,
) -> list[str]:
    """Validate `directory` with the files that it will have and return the warnings of HAProxy.

    Raises `RejectedError` with the output of HAProxy, with the final paths, if it rejects the files. `version` is that
    of the program, None if it is not known.
    """
    if not new.files:
        return []  # there is nothing to validate, and HAProxy would print its usage without a file
    names = [f"{name}{SUFFIX}" for name in new.files]
    with staged(directory, new, temporary) as (stage, descriptor):
        if version is None:  # with -c, HAProxy prints it only together with warnings or errors
            version = check_binary(binary, _run([binary, "-v"], startup, [descriptor])[1])
        check_names(version, startup, directory, names)
        arguments = startup.validation_arguments(directory, names, stage)
        status, output = _run([binary, *arguments], startup, [descriptor])
        output = output.replace(str(stage), str(directory))
        for path in new.missing:
            output = output.replace(str(stage.parent / _LOADED / path.name), str(path))
    if status != 0:
        raise RejectedError(_alerts(output))
    return [f"HAProxy warns: {warning}" for line in _lines(output) if (warning := _warning(line))]


def _warning(line: str) -> str:
    """A warning without its process id; empty for other lines and for warnings about server states or Lua."""
    match = _WARNING.match(line)
    if match is None or _ABOUT_STATES.search(line) or _ABOUT_LUA.search(line):
        return ""
    return line[match.end() :]


def _run(command: Sequence[str], startup: Startup, keep: Sequence[int] = ()) -> tuple[int, str]:
    """The exit status and output of HAProxy, run like `startup` and with the descriptors `keep` open."""
    binary = command[0]
    try:
        done = subprocess.run(  # pylint: disable=ansible-bad-function  # run_command is a method of modules
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
            f"there is no {binary} to validate the files with: install the package haproxy (role "
            f"pgsvc.access.haproxy){where}"
        ) from None
    except subprocess.TimeoutExpired:
        took = f"{binary} {command[1]} took more than {VALIDATION:g} seconds"
        raise PublishError(f"{took}: check whether it can resolve all names") from None
    except OSError as error:
        raise PublishError(f"{binary} cannot be started: {error.strerror}") from error
    return done.returncode, done.stdout.decode(errors="replace")


def _alerts(output: str) -> str:
    lines = _lines(output)
    return "\n".join([line for line in lines if not line.startswith(("[NOTICE]", "[WARNING]"))] or lines)


def _lines(output: str) -> list[str]:
    return [line.rstrip() for line in output.splitlines() if line.strip()]

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A set of files judged by HAProxy before it replaces another: `haproxy -c` on a private copy of the directory."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from ansible_collections.pgsvc.access.plugins.module_utils._deadlines import VALIDATION
from ansible_collections.pgsvc.access.plugins.module_utils._errors import PublishError
from ansible_collections.pgsvc.access.plugins.module_utils._service_file import SUFFIX
from ansible_collections.pgsvc.access.plugins.module_utils._startup import Startup, check_names
from ansible_collections.pgsvc.access.plugins.module_utils._version import check_binary

_WARNING = re.compile(r"\[WARNING\]\s*(\(\d+\))?[\s:]*")
# A check reads the state files of the servers, too, and speaks of what it finds there as a start does.
_ABOUT_STATES = re.compile(
    r"from server state file|server-state after a reload|[Ss]erver state file|can't find (server '[^']*' in )?backend '"
)
_PREFIX = "pgsvc-"
_REMOTE_TMP = "ansible-"  # what Ansible calls its folder for one module, beside those of other runs


@contextlib.contextmanager
def private_folder(temporary: str) -> Iterator[tuple[Path, int]]:
    """A folder for this process alone, removed afterwards, and the descriptor that holds its lock.

    The lock (flock(2)) ends with the last process that has the descriptor. It tells the folders in use from those that
    killed runs have left behind, which are removed here. A child that reads the folder has to inherit the descriptor.
    """
    for leftover in _leftovers(Path(temporary)):
        _remove_unused(leftover)
    folder, descriptor = _locked_folder(temporary)
    try:
        yield folder, descriptor
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def _locked_folder(temporary: str) -> tuple[Path, int]:
    while True:
        Path(temporary).mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=temporary))
        # Until it is locked another run may take it for a leftover.
        with contextlib.suppress(FileNotFoundError):
            descriptor = _open(folder)
            with contextlib.suppress(OSError):  # a file system without locks: then nothing is taken for a leftover
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if folder.exists():
                return folder, descriptor
            os.close(descriptor)


def _open(folder: Path) -> int:
    return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)


def _leftovers(temporary: Path) -> Iterable[Path]:
    """The folders of this user that other runs have made in Ansible's remote_tmp; nothing in any other folder."""
    if not temporary.name.startswith(_REMOTE_TMP):
        return
    for run in _entries(temporary.parent):
        if run.name.startswith(_REMOTE_TMP) and run.name != temporary.name and run.is_dir(follow_symlinks=False):
            for entry in _entries(Path(run.path)):
                if entry.name.startswith(_PREFIX) and _is_own_folder(entry):
                    yield Path(entry.path)


def _is_own_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False) and entry.stat(follow_symlinks=False).st_uid == os.geteuid()
    except OSError:
        return False


def _remove_unused(folder: Path) -> None:
    try:
        descriptor = _open(folder)
    except OSError:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.rmdir()  # of a module that had nothing else there; Ansible's own leftovers are not ours
    except OSError:
        return  # in use, or beside files of Ansible
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def staged(directory: Path, view: Mapping[str, bytes], temporary: str) -> Iterator[tuple[Path, int]]:
    """A private folder with the `.cfg` files of `view` (by stem) and links to everything else that `directory` holds.

    Where files are named relative to the configuration (`default-path`, HAProxy manual 3.1), it also has the same
    neighbours. Also gives the descriptor of `private_folder`.
    """
    with private_folder(temporary) as (root, descriptor):
        stage = root / directory.name
        stage.mkdir(mode=0o700)
        for entry in _entries(directory):
            if not _loaded(entry):
                (stage / entry.name).symlink_to(entry.path)
        if any(b"default-path" in content for content in view.values()):
            for entry in _entries(directory.parent):
                if entry.name != directory.name:
                    (root / entry.name).symlink_to(entry.path)
        for name, content in view.items():
            (stage / f"{name}{SUFFIX}").write_bytes(content)
        yield stage, descriptor


def _entries(directory: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(directory) as entries:
            return list(entries)
    except OSError:
        return []


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

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hold carried state files for the length of one reload, and no longer, whatever ends the run.

A carried state that is left behind would, at the next boot, send writes to whoever was the primary back then. So the
resting files are ready beside them before the first carried one appears, and a small process of its own session puts
them in place should this one be killed: all it needs is rename(2), so a full disk does not stop it.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import IO

from ansible_collections.pgsvc.access.plugins.module_utils._files import (
    sync_directory,
    temporary,
    write_new,
)

_MODE = 0o600
_GUARD = """
import json, os, signal, sys
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.SIG_IGN)
renames = json.loads(sys.stdin.readline())
print(flush=True)
if not sys.stdin.readline():
    for source, target in renames:
        try:
            os.replace(source, target)
        except OSError:
            pass
"""


@contextlib.contextmanager
def held(carried: Mapping[Path, str], keep: Collection[int] = ()) -> Iterator[None]:
    """Have the `carried` files in place within the block, and the files that are there now behind it.

    Those are kept by a second link, so putting them back writes nothing. The carried ones are not brought to the disk:
    they are of no use to a machine that has lost its power. `keep` are descriptors that the guard inherits: given the
    lock's (flock(2)), the next run waits until the guard has done its work. Raises `OSError` when a file cannot be
    written; then the earlier ones are in place.
    """
    with contextlib.ExitStack() as undo:
        renames = [(temporary(path, "rest"), path) for path in carried]
        undo.callback(_discard, [source for source, _path in renames])
        for source, path in renames:
            source.unlink(missing_ok=True)
            os.link(path, source, follow_symlinks=False)
        for directory in {path.parent for path in carried}:
            sync_directory(directory)
        with _guard(renames, keep):
            for path, text in carried.items():
                new = temporary(path, "write")
                new.unlink(missing_ok=True)
                write_new(new, text.encode(), _MODE, sync=False)
                new.replace(path)
            yield


@contextlib.contextmanager
def _guard(renames: list[tuple[Path, Path]], keep: Collection[int]) -> Iterator[None]:
    """Carry out the renames at the end of the block, whatever ends it."""
    command = [sys.executable, "-I", "-S", "-c", _GUARD]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
        pass_fds=tuple(keep),
        text=True,
    )
    with process:
        orders, answers = _pipes(process)
        orders.write(json.dumps([(str(source), str(target)) for source, target in renames]) + "\n")
        orders.flush()
        if not answers.readline():
            raise OSError(f"the guard of the server-state files does not start: {sys.executable} ended at once")
        try:
            yield
        finally:
            for source, target in renames:
                source.replace(target)
            for directory in {target.parent for _source, target in renames}:
                sync_directory(directory)
            orders.write("done\n")
            orders.flush()


def _pipes(process: subprocess.Popen[str]) -> tuple[IO[str], IO[str]]:
    if process.stdin is None or process.stdout is None:
        raise OSError("no pipe to the guard of the server-state files")
    return process.stdin, process.stdout


def _discard(paths: list[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)

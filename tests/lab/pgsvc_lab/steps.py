# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running commands and showing progress: a step has a name, a time and a log, and a failure shows the log's end."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

LOG_TAIL_LINES = 25


class LabError(Exception):
    """A step that failed; the message is complete and meant for the user."""


class Log:
    """The log file of one step. Every command's output goes there, none to the terminal."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab", buffering=0)

    def close(self) -> None:
        self._file.close()

    def run(
        self,
        command: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        stdin: bytes | None = None,
        allow_failure: bool = False,
    ) -> int:
        """Run to the end; returns the exit status. Raises LabError when it is not 0, unless that is allowed."""
        argv = [str(part) for part in command]
        self._file.write(f"+ {' '.join(argv)}\n".encode())
        done = subprocess.run(
            argv,
            input=stdin if stdin is not None else b"",
            stdout=self._file,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(env or {})},
            check=False,
        )
        if done.returncode and not allow_failure:
            raise LabError(f"{argv[0]} ended with status {done.returncode}")
        return done.returncode

    def tail(self) -> str:
        lines = self.path.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(f"    {line}" for line in lines[-LOG_TAIL_LINES:])


_terminal = threading.Lock()


def say(text: str) -> None:
    """One line of progress, whole even when several threads speak."""
    with _terminal:
        print(text, file=sys.stderr, flush=True)


@contextmanager
def step(title: str, log_path: Path) -> Iterator[Log]:
    """A named part of the work: shows its time at the end, or its name and the log's end on failure."""
    started = time.monotonic()
    log = Log(log_path)
    try:
        yield log
    except LabError as error:
        raise LabError(f"{title}: {error}\n{log.tail()}\n    (whole log: {log.path})") from error
    finally:
        log.close()
    say(f"lab: {title} ({time.monotonic() - started:.1f} s)")


def read(command: Sequence[str | Path]) -> str:
    """The output of a short command. Raises LabError with its error output."""
    argv = [str(part) for part in command]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LabError(f"{' '.join(argv)}: {done.stderr.strip() or f'status {done.returncode}'}")
    return done.stdout

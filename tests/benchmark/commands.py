# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a command and take its cost. An interrupted benchmark ends the command that it has started."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_PATIENCE = 15.0  # seconds for Ansible to end its workers


@dataclass(frozen=True)
class Cost:
    """Seconds by the clock, and of processor time in all processes together."""

    wall: float
    cpu: float


def cost_of(command: list[str]) -> tuple[Cost, str]:
    """Run a command that must succeed; return its cost and what it printed."""
    cost, done = run(command)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return cost, done.stdout


def run(command: list[str], given: str = "") -> tuple[Cost, subprocess.CompletedProcess[str]]:
    """Run a command with `given` as its input; return its cost and how it ended."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    pipe = subprocess.PIPE
    # In a session of its own, so that an interrupt at the terminal reaches it through this process, in order.
    process = subprocess.Popen(
        command, env=_environment(), stdin=pipe, stdout=pipe, stderr=pipe, text=True, start_new_session=True
    )
    try:
        printed, errors = process.communicate(given)
    except BaseException:
        _end(process)
        raise
    wall, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return Cost(wall, cpu), subprocess.CompletedProcess(command, process.returncode, printed, errors)


def _end(process: subprocess.Popen[str]) -> None:
    """End the command and what it has started."""
    process.send_signal(signal.SIGINT)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.communicate(timeout=_PATIENCE)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _environment() -> dict[str, str]:
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")},
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".build"),
        "ANSIBLE_CONFIG": str(ROOT / "tests" / "ansible.cfg"),
        "LC_ALL": "C.UTF-8",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"], "/usr/sbin"]),
        "PYTHONPATH": str(ROOT / ".build"),
    }

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Control groups of the nodes. Each node gets one of its own in every hierarchy that counts.

Without this, machines that are started from one shell share one group, and the systemd of one node, told to stop a
unit, kills the processes of the unit of that name on all nodes.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from . import settings
from .settings import Node
from .steps import LabError

_MOUNTED = Path("/sys/fs/cgroup")


def hierarchies() -> list[Path]:
    """The roots of the hierarchies that systemd uses: the unified one, and on a hybrid host its own named one."""
    if (_MOUNTED / "cgroup.procs").exists():
        return [_MOUNTED]
    found = [_MOUNTED / name for name in ("unified", "systemd") if (_MOUNTED / name / "cgroup.procs").exists()]
    if not any((root / "cgroup.controllers").exists() for root in found):
        raise LabError(f"no unified cgroup hierarchy below {_MOUNTED}; the lab needs cgroup2 mounted")
    return found


def create(node: Node) -> list[Path]:
    """Make the node's groups; a process joins by writing its id into their `cgroup.procs`."""
    groups = [root / f"{settings.NAME}-lab" / node.name for root in hierarchies()]
    for group in groups:
        group.mkdir(parents=True, exist_ok=True)
    return groups


def processes(node: Node) -> list[int]:
    """All processes of the node, its own pid 1 included."""
    top = hierarchies()[0] / f"{settings.NAME}-lab" / node.name
    # os.walk, unlike Path.rglob, passes over a group that vanishes on the way.
    groups = (Path(folder) for folder, _each, _files in os.walk(top))
    return [int(line) for group in groups for line in _read(group / "cgroup.procs").split() if line != "0"]


def kill(node: Node, timeout: float = 10.0) -> None:
    """End every process of the node at once, as a power cut does. Raises LabError when some survive."""
    deadline = time.monotonic() + timeout
    while left := processes(node):
        if time.monotonic() > deadline:
            raise LabError(f"processes of {node.name} that do not end: {left}")
        for process in left:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        time.sleep(0.02)


def remove(node: Node) -> None:
    for root in hierarchies():
        _remove_tree(root / f"{settings.NAME}-lab" / node.name)


def remove_parents() -> None:
    for root in hierarchies():
        _remove_tree(root / f"{settings.NAME}-lab")


def _remove_tree(group: Path) -> None:
    if not group.is_dir():
        return
    for child in group.iterdir():
        if child.is_dir():
            _remove_tree(child)
    group.rmdir()


def _read(members: Path) -> str:
    # A group may vanish between listing and reading; then it holds nobody.
    with suppress(FileNotFoundError, OSError):
        return members.read_text(encoding="ascii")
    return ""

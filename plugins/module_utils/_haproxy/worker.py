# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The identity of a HAProxy process (proc(5))."""

from __future__ import annotations

import os
from dataclasses import field
from pathlib import Path
from typing import Optional

from ansible_collections.pgsvc.access.plugins.module_utils._host.light_dataclass import dataclass


@dataclass(frozen=True)
class Worker:
    """The identity of a process, also if process ids are reused. `start` is in clock ticks since the boot.

    `reading` is the earliest time at which it, or its master, can have read the configuration, in seconds since the
    boot; None if only the start of the worker is known.
    """

    pid: int
    start: int
    boot: str
    reading: Optional[float] = field(default=None, compare=False)

    @property
    def started(self) -> float:
        """Seconds since the boot."""
        return self.start / os.sysconf("SC_CLK_TCK")


def worker(pid: int, first_of: Optional[int] = None) -> Optional[Worker]:
    """The identity of a running process (proc(5): field 22 of stat, boot_id); None if it does not exist.

    `first_of` is its master if it is the first worker of that master: then the configuration was read after the start
    of the master.
    """
    start, boot = _start(pid), boot_id()
    if start is None or boot is None:
        return None
    master = None if first_of is None else _start(first_of)
    return Worker(pid, start, boot, None if master is None else master / os.sysconf("SC_CLK_TCK"))


def boot_id() -> Optional[str]:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return None


def _start(pid: int) -> Optional[int]:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        return int(stat.rpartition(")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return None

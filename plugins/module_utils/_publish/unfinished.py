# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers that a run has begun to change through the Runtime API: what a killed run leaves half done is known by it.

An administrator may put a server into drain or maintenance, or set its weight to 0, just as this collection does on the
way. Only what is named here is this collection's to complete or to undo.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.worker import Worker
from ansible_collections.pgsvc.access.plugins.module_utils._host.files import read_regular, write_file

_LARGEST = 64 * 2**20  # bytes


def read(path: Path, worker: Worker) -> dict[str, int]:
    """The servers (``<proxy>/<name>``) of this worker, each with the drain or maintenance that it had before.

    Nothing when the file is not there, cannot be read, or speaks of another worker: a reload has undone it all then.
    """
    try:
        said = json.loads(read_regular(path, _LARGEST))
        if (said["pid"], said["start"], said["boot"]) != (worker.pid, worker.start, worker.boot):
            return {}
        return {str(server): int(admin) for server, admin in said["servers"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}


def write(path: Path, worker: Worker, servers: Mapping[str, int]) -> None:
    """Record them; the file is removed when there are none."""
    if not servers:
        path.unlink(missing_ok=True)
        return
    said = {"pid": worker.pid, "start": worker.start, "boot": worker.boot, "servers": dict(servers)}
    write_file(path, json.dumps(said).encode(), 0o600)

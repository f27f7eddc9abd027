# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records the servers that a run changes through the Runtime API, so that a later run can complete a killed one.

An administrator may put a server into drain or maintenance, or set its weight to 0, as this collection does for a
moment. Only servers in this record are completed or reset by this collection.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.worker import Worker
from ansible_collections.pgsvc.access.plugins.module_utils._host.files import read_regular, write_file

_LARGEST = 64 * 2**20  # bytes


def read(path: Path, worker: Worker) -> dict[str, int]:
    """The servers (``<proxy>/<name>``) of this worker, each with its administrative state (drain, maintenance) before.

    Empty if the file is missing, unreadable or about another worker: a reload has reset all servers then.
    """
    try:
        stored = json.loads(read_regular(path, _LARGEST))
        if (stored["pid"], stored["start"], stored["boot"]) != (worker.pid, worker.start, worker.boot):
            return {}
        return {str(server): int(admin) for server, admin in stored["servers"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}


def write(path: Path, worker: Worker, servers: Mapping[str, int]) -> None:
    """Record the servers; without any, the file is removed."""
    if not servers:
        path.unlink(missing_ok=True)
        return
    stored = {"pid": worker.pid, "start": worker.start, "boot": worker.boot, "servers": dict(servers)}
    write_file(path, json.dumps(stored).encode(), 0o600)

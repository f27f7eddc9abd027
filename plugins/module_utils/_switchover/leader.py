# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which member leads a cluster at this moment, by the REST API of each member (Patroni, "Health check endpoints")."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Optional

from ansible_collections.pgsvc.access.plugins.module_utils._host.light_dataclass import dataclass
from ansible_collections.pgsvc.access.plugins.module_utils._publish.service_file import ServiceFile, member_name
from ansible_collections.pgsvc.access.plugins.module_utils._status.patroni import Api, apis_of_servers, connection

_TIMEOUT = 1.0  # seconds for a connection, and for each part of an answer
_LARGEST = 2**20  # bytes of an answer
_PRIMARY = frozenset(("primary", "master"))  # Patroni 3 has the second one
_RUNNING = "running"


@dataclass(frozen=True)
class Said:
    """What Patroni of a member says: the status of ``GET /primary``, and the state and role of its PostgreSQL.

    Patroni answers 200 as soon as it has the leader lock. Only with the role of a primary does PostgreSQL take writes.
    """

    status: int = 0
    state: str = ""
    role: str = ""

    @property
    def leads(self) -> bool:
        return self.status == 200

    @property
    def takes_writes(self) -> bool:
        return self.leads and self.role in _PRIMARY and self.state == _RUNNING


def member_apis(files: Iterable[ServiceFile]) -> dict[str, Api]:
    """The REST API of each member that the health checks of these files ask. Raises `ValueError` for a bad line."""
    return {member_name(name): api for name, api in apis_of_servers(files)}


def ask_members(apis: Mapping[str, Api], pool: ThreadPoolExecutor) -> dict[str, Said]:
    """All members at the same time; a member that does not answer has said nothing."""
    return dict(zip(apis, pool.map(_ask, apis.values())))


def _ask(api: Api) -> Said:
    try:
        opened = connection(api, _TIMEOUT)
        try:
            opened.request("GET", "/primary")
            response = opened.getresponse()
            return said_by(response.status, response.read(_LARGEST))
        finally:
            opened.close()
    except (OSError, http.client.HTTPException):
        return Said()


def said_by(status: int, body: bytes) -> Said:
    """
    >>> said_by(503, b'{"state": "stopping", "role": "master"}')
    Said(status=503, state='stopping', role='master')
    """
    try:
        words: Any = json.loads(body)
    except ValueError:
        words = {}
    if not isinstance(words, dict):
        words = {}
    return Said(status, str(words.get("state") or ""), str(words.get("role") or ""))


def new_leader(said: Mapping[str, Said], old: str) -> Optional[str]:
    """The member other than `old` that takes writes; None while there is none, and while `old` still has the lock."""
    if said.get(old, Said()).leads:
        return None
    found = [member for member, words in said.items() if member != old and words.takes_writes]
    return found[0] if len(found) == 1 else None

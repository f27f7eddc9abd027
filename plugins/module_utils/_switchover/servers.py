# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which servers of services a new leader is behind, and the commands that send connections there. Values in and out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.proxies import Proxy
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.server_line import word_after
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.server_state import STOPPED
from ansible_collections.pgsvc.access.plugins.module_utils._publish.service_file import ServiceFile, member_name

Running = Mapping[str, Proxy]


class Place(NamedTuple):
    """A running server of a service: its ``id`` (``<proxy>/<name>``), and the ``checked`` one whose checks it has."""

    service: str
    name: str
    checked: tuple[str, str]

    @property
    def id(self) -> str:
        return f"{self.service}/{self.name}"

    @property
    def member(self) -> str:
        return member_name(self.name)


def places(files: Iterable[ServiceFile], running: Running) -> list[Place]:
    """The servers of these services that HAProxy runs. Raises `ValueError` for a line that is no server."""
    return [place for place in _places(files) if place.name in running.get(place.service, Proxy("")).rows]


def _places(files: Iterable[ServiceFile]) -> Iterator[Place]:
    for file in files:
        for line in file.servers:
            proxy, _slash, server = (word_after(line.words(file.default_server), "track") or "").partition("/")
            yield Place(file.name, line.name, (proxy, server) if server else (file.name, line.name))


def commands(servers: Sequence[Place], running: Running, leader: str) -> list[str]:
    """What makes the services use the new leader, and no other member, at once instead of after some more checks.

    A server that an administrator has taken out is left alone. Servers that track another one follow it.
    """
    found: dict[str, None] = {}
    for place in servers:
        proxy, name = place.checked
        row = running.get(proxy, Proxy("")).rows.get(name)
        if row is None or row.admin_state:
            continue
        if place.member == leader and row.op_state == STOPPED:
            found[f"set server {proxy}/{name} health up"] = None
        if place.member != leader and row.op_state != STOPPED:
            found[f"set server {proxy}/{name} health down"] = None
    return list(found)


def serving(servers: Sequence[Place], running: Running) -> dict[str, list[str]]:
    """The members that take new connections now, by service."""
    found: dict[str, list[str]] = {place.service: [] for place in servers}
    for place in servers:
        if running[place.service].is_usable(place.name) and place.member not in found[place.service]:
            found[place.service].append(place.member)
    return found

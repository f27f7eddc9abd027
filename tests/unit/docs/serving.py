# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which members a planned service leads to, given the role that Patroni has given to each of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ansible_collections.pgsvc.access.plugins.plugin_utils._model.service import CheckBackend, Server, Service
from ansible_collections.pgsvc.access.tests.support.patroni_server import ENDPOINTS


@dataclass(frozen=True)
class Serving:
    """The members that get connections, and those that would if these failed, in the order in which they would."""

    serving: list[str]
    backups: list[str]


def serving(service: Service, checks: Iterable[CheckBackend], roles: Mapping[str, str]) -> Serving:
    """`roles` has those of the members that run: primary, replica or sync."""
    paths = {backend.name: backend.check for backend in checks}
    up: dict[bool, list[str]] = {False: [], True: []}
    for server in service.servers:
        backend, member = _check(server)
        path = paths.get(backend, service.check).partition("?")[0]
        if roles.get(member) in ENDPOINTS[path]:
            up[server.backup].append(member)
    if up[False]:
        return Serving(up[False], up[True])
    return Serving(up[True][:1], up[True][1:])


def _check(server: Server) -> tuple[str, str]:
    """The check backend that a server follows, and its member."""
    backend, _slash, member = (server.track or f"/{server.name}").partition("/")
    return backend, member

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Patroni's view of a cluster, asked of one of its members (`GET /cluster` of Patroni's REST API)."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Optional

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.server_line import word_after
from ansible_collections.pgsvc.access.plugins.module_utils._host.light_dataclass import dataclass
from ansible_collections.pgsvc.access.plugins.module_utils._publish.service_file import ServiceFile

_TIMEOUT = 3.0  # seconds for a connection, and for each part of an answer
_LARGEST = 4 * 2**20  # bytes of an answer
_AT_ONCE = 16  # clusters
_MEMBER = ("name", "role", "state", "host", "port", "api_url", "timeline", "lag", "tags")


@dataclass(frozen=True)
class Api:
    """Where Patroni's REST API of a member is. `ca_file` verifies its certificate; None when it is plain HTTP."""

    address: str
    port: int
    ca_file: Optional[str]

    def __str__(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port}"


def apis(files: Iterable[ServiceFile]) -> list[Api]:
    """The REST APIs that the health checks of these files ask, each once. Raises `ValueError` for a bad server line."""
    return list(dict.fromkeys(api for _name, api in apis_of_servers(files)))


def apis_of_servers(files: Iterable[ServiceFile]) -> Iterator[tuple[str, Api]]:
    """The names of the servers that have a health check, each with the REST API that it asks."""
    for file in files:
        for line in file.servers:
            options = line.in_force(file.default_server)
            if options.checked and options.check_port:
                tls = options.tls or "check-ssl" in options.words
                ca_file = word_after(options.words, "ca-file") or "" if tls else None
                yield line.name, Api(line.address, int(options.check_port), ca_file)


def ask_all(clusters: Mapping[str, Sequence[Api]]) -> dict[str, dict[str, Any]]:
    """The answer of each cluster, see `ask`."""
    if len(clusters) < 2:
        return {cluster: ask(members) for cluster, members in clusters.items()}
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415  rarely needed, and not cheap

    with ThreadPoolExecutor(min(len(clusters), _AT_ONCE)) as pool:
        return dict(zip(clusters, pool.map(ask, clusters.values())))


def ask(members: Sequence[Api]) -> dict[str, Any]:
    """``{"members": [...], "pause": false}`` from the first member that answers, or ``{"error": "why none did"}``."""
    errors = []
    for api in members:
        try:
            return {**_cluster(api), "asked": str(api)}
        except (OSError, http.client.HTTPException, ValueError) as error:
            errors.append(f"{api}: {error or type(error).__name__}")
    return {"error": "; ".join(errors) or "the service files name no health check of a member"}


def _cluster(api: Api) -> dict[str, Any]:
    opened = connection(api, _TIMEOUT)
    try:
        opened.request("GET", "/cluster")
        response = opened.getresponse()
        body = response.read(_LARGEST)
    finally:
        opened.close()
    if response.status != 200:
        raise ValueError(f"answers GET /cluster with status {response.status}")
    said = json.loads(body)
    if not isinstance(said, dict) or not isinstance(said.get("members"), list):
        raise ValueError("answers GET /cluster with something else than a cluster")  # noqa: TRY004  as bad JSON does
    members = [
        {key: member[key] for key in _MEMBER if key in member} for member in said["members"] if isinstance(member, dict)
    ]
    return {"members": members, "pause": said.get("pause") is True}


def connection(api: Api, timeout: float) -> http.client.HTTPConnection:
    """A connection to a REST API, not opened yet. `timeout`: seconds for it, and for each part of an answer."""
    if api.ca_file is None:
        return http.client.HTTPConnection(api.address, api.port, timeout=timeout)
    # As HAProxy does with `verify required`: the authority counts, the name in the certificate does not.
    context = ssl.create_default_context(cafile=api.ca_file or None)
    context.check_hostname = False
    return http.client.HTTPSConnection(api.address, api.port, timeout=timeout, context=context)

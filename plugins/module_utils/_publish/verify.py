# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verifies that HAProxy runs the configuration of the files: proxies, listeners, servers, and their options.

A missing part is an error. A difference in form, which a reload does not remove, is a warning.
"""

from __future__ import annotations

import socket
from collections.abc import Collection, Iterator, Mapping
from typing import Optional

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.config import BindAddress, addresses_of_bind
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.listening import Listening, address, listening
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.proxies import Proxy, StatRow
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.server_line import word_after
from ansible_collections.pgsvc.access.plugins.module_utils._host.light_dataclass import dataclass
from ansible_collections.pgsvc.access.plugins.module_utils._publish.compare import differences
from ansible_collections.pgsvc.access.plugins.module_utils._publish.service_file import ServiceFile

# Columns of `show stat` (Management Guide 9.1) and the directive or server option that each of them shows.
_OF_SERVERS = {"slim": "maxconn", "qlimit": "maxqueue", "check_rise": "rise", "check_fall": "fall"}
# The algorithms that `show stat` names as the configuration does.
_NAMED_ALGORITHMS = frozenset(("roundrobin", "static-rr", "leastconn", "first", "source"))


@dataclass(frozen=True)
class Verified:
    """`errors` are parts of sentences; `differences` by service are those that remain after a reload."""

    errors: list[str]
    differences: dict[str, list[str]]


def verify(
    services: Mapping[str, ServiceFile], gone: Collection[str], running: Mapping[str, Proxy], pid: int
) -> Verified:
    """Compare the proxies `running` in the worker `pid` with the `services`; those in `gone` must not run any more."""
    known = {name: service for name, service in services.items() if name in running}
    errors = [f"does not run {', '.join(sorted(set(services) - set(known)))}"] if len(known) < len(services) else []
    left = sorted(set(gone) & set(running))
    errors += [f"still runs {', '.join(left)}"] if left else []
    found: dict[str, list[str]] = {}
    around = listening(pid)
    for name, service in known.items():
        proxy = running[name]
        errors += [f"does not listen on {each}, as {name} requires" for each in _closed(service, around)]
        own = differences(service, proxy)
        errors += [f"lacks the server {name}/{each.server}" for each in own if each.kind == "missing"]
        texts = [each.text for each in own if each.kind != "missing"] + list(_options(service, proxy))
        if texts:
            found[name] = texts
    return Verified(errors, found)


def _closed(service: ServiceFile, around: Optional[Listening]) -> Iterator[BindAddress]:
    """The listeners of a service that HAProxy has not opened; none if its sockets cannot be inspected."""
    if around is None:
        return
    for line in service.head:
        if line[0] == "bind":
            for listener in addresses_of_bind(f"listen {service.name}", line):
                if not _is_open(listener, around):
                    yield listener


def _is_open(listener: BindAddress, around: Listening) -> bool:
    family = socket.AF_INET6 if listener.family == "ipv6" else socket.AF_INET
    host = ("::" if family == socket.AF_INET6 else "0.0.0.0") if listener.address == "*" else listener.address
    try:
        found = socket.getaddrinfo(host, listener.port, family, socket.SOCK_STREAM)
    except OSError:
        return True  # a name that this process cannot resolve, but HAProxy could, as it would not run otherwise
    return any(around.holds(address(family, str(each[4][0]), listener.port)) for each in found)


def _options(service: ServiceFile, proxy: Proxy) -> Iterator[str]:
    """Options that have another value in `show stat` than in the file."""
    maxconn = service.last("maxconn")
    if maxconn and proxy.stat.get("FRONTEND", {}).get("slim", maxconn) != maxconn:
        yield f"maxconn is {proxy.stat['FRONTEND']['slim']}, the file says {maxconn}"
    balance = service.last("balance")
    algorithm = (proxy.backend or {}).get("algo") or balance
    if balance in _NAMED_ALGORITHMS and algorithm != balance:
        yield f"balance is {algorithm}, the file says {balance}"
    for line in service.servers:
        row: StatRow = proxy.stat.get(line.name, {})
        words = line.words(service.default_server)
        for column, option in _OF_SERVERS.items():
            value = word_after(words, option)
            if value and value.isdigit() and int(value) and row.get(column) and row[column] != value:
                yield f"server {line.name} has {option} {row[column]}, the file says {value}"

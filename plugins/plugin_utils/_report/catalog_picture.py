# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture of a cluster: clients, names and virtual address, load balancers, services, members, from left to right.

The layout is made here, as values that JSON has; the page draws it as SVG when somebody looks at it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.pgsvc.access.plugins.plugin_utils._access.endpoints import Access, Balancer
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.member import Member
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.service import Service

_MOST_BALANCERS = 8
_HEIGHT, _GAP, _HEADING = 46, 14, 34
# Each column with its heading, its left edge and its width.
COLUMNS = (
    ("Clients", 0, 88),
    ("Reached by", 148, 172),
    ("Load balancers", 380, 172),
    ("Services", 632, 132),
    ("Members", 844, 220),
)
WIDTH = 1064


@dataclass(frozen=True)
class Node:
    """A box: ``kind`` is its style, ``column`` its place, ``text`` and ``note`` are its two lines."""

    key: str
    kind: str
    column: int
    text: str
    note: str


@dataclass(frozen=True)
class Edge:
    """A line from one box to another one, by their keys.

    Dashed for a backup, and for the other places of a virtual address. Every load balancer leads to every
    service, so there are no lines between these: the page draws one for all of them.
    """

    start: str
    end: str
    is_dashed: bool = False


def picture(access: Access) -> dict[str, Any]:
    """The boxes with their places, and the lines between them, by the numbers of their boxes."""
    nodes = [*_clients(), *_names(access), *_balancers(access), *_services(access), *_members(access)]
    number = {node.key: index for index, node in enumerate(nodes)}
    edges = [edge for edge in _edges(access) if edge.start in number and edge.end in number]
    rows = max(sum(node.column == column for node in nodes) for column in range(len(COLUMNS)))
    height = _HEADING + rows * (_HEIGHT + _GAP)
    places = _places(nodes, height)
    return {
        "size": [WIDTH, height],
        "nodes": [[node.kind, *places[node.key], node.text, node.note] for node in nodes],
        "edges": [[number[edge.start], number[edge.end], int(edge.is_dashed)] for edge in edges],
    }


def _places(nodes: Sequence[Node], height: int) -> dict[str, tuple[int, int, int, int]]:
    """Left, top, width and height of each box; the boxes of a column are centred."""
    found: dict[str, tuple[int, int, int, int]] = {}
    for column, (_heading, left, width) in enumerate(COLUMNS):
        own = [node for node in nodes if node.column == column]
        free = height - _HEADING - len(own) * (_HEIGHT + _GAP)
        for row, node in enumerate(own):
            found[node.key] = (left, _HEADING + free // 2 + row * (_HEIGHT + _GAP), width, _HEIGHT)
    return found


def _clients() -> Iterator[Node]:
    yield Node("clients", "clients", 0, "Clients", "")


def _names(access: Access) -> Iterator[Node]:
    names = access.names
    if names is not None and names.address:
        at = {"vip": "the VIP", "primary": "the primary"}.get(names.target)
        note = f"DNS name of {at or names.address}" if _moves(access) or at is None else "DNS, direct ports only"
        yield Node("name", "name", 1, names.name, note)
    if access.vip:
        yield Node("vip", "vip", 1, access.vip, f"VIP, {'at the primary' if _moves(access) else 'direct ports only'}")
    addresses = [one.address for one in access.balancers]
    if addresses:
        own = " or name" if names is not None and not access.cluster.provider else ""
        text = addresses[0] if len(addresses) == 1 else f"{addresses[0]}, …"
        yield Node("addresses", "name", 1, text, f"each address{own}" if len(addresses) > 1 else f"address{own}")


def _moves(access: Access) -> bool:
    """Whether the virtual address leads to load balancers: with dedicated ones, it leads to PostgreSQL and the pool."""
    return not access.cluster.provider


def _balancers(access: Access) -> Iterator[Node]:
    if len(access.balancers) > _MOST_BALANCERS:
        yield Node("balancers", "balancer", 2, f"{len(access.balancers)} load balancers", "see the table of ports")
        return
    for one in access.balancers:
        note = one.address if one.address != one.name else "dedicated"
        yield Node(_balancer_key(one), "balancer", 2, one.name, note)


def _services(access: Access) -> Iterator[Node]:
    for service in services_of(access.balancers):
        yield Node(f"service {service.service}", "service", 3, service.service, f"port {service.port}")


def _members(access: Access) -> Iterator[Node]:
    for member in access.members:
        query = " + offline queries" if member.offline_query and member.role != "offline" else ""
        yield Node(f"member {member.name}", member.role, 4, member.name, f"{member.role}{query}")


def services_of(balancers: Iterable[Balancer]) -> list[Service]:
    """The services of a cluster: each as its first load balancer has it."""
    found: dict[str, Service] = {}
    for one in balancers:
        for service in one.services:
            found.setdefault(service.service, service)
    return list(found.values())


def _edges(access: Access) -> Iterator[Edge]:
    """Lines to boxes that a cluster does not have are left out by the caller."""
    balancers = _keys(access)
    yield from (Edge("clients", key) for key in ("name", "vip", "addresses"))
    yield from (Edge("addresses", key) for key in balancers)
    yield from _from_names(access, balancers)
    for service in services_of(access.balancers):
        yield from _to_members(service, access.members)


def _keys(access: Access) -> list[str]:
    found = [_balancer_key(one) for one in access.balancers]
    return found if len(found) <= _MOST_BALANCERS else ["balancers"]


def _from_names(access: Access, balancers: Sequence[str]) -> Iterator[Edge]:
    names, primary = access.names, access.primary
    at_primary = [_balancer_key(one) for one in access.balancers if primary and one.name == primary.name]
    if names is not None and names.address:
        if names.target == "vip":
            yield Edge("name", "vip")
        elif names.target == "primary":
            yield from (Edge("name", key) for key in at_primary)
        else:
            there = [_balancer_key(one) for one in access.balancers if one.address == names.address]
            yield from (Edge("name", key) for key in there or balancers)
    if access.vip and _moves(access):
        for key in balancers:
            yield Edge("vip", key, is_dashed=key not in at_primary and len(balancers) > 1)


def _to_members(service: Service, members: Iterable[Member]) -> Iterator[Edge]:
    """A member with live roles may have two servers; a line is dashed if all of them are backups."""
    for member in members:
        own = [server for server in service.servers if server.member == member.name]
        if own:
            is_backup = all(server.backup for server in own)
            yield Edge(f"service {service.service}", f"member {member.name}", is_backup)


def _balancer_key(balancer: Balancer) -> str:
    return f"balancer {balancer.name}"

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write docs/pictures/paths.svg, the picture in README.md: `make docs`.

A test fails while the picture and this script differ.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.pgsvc.access.docs.pictures import drawing
from ansible_collections.pgsvc.access.docs.pictures.drawing import box, line, text

PICTURE = Path(__file__).resolve().with_suffix(".svg")
WIDTH, HEIGHT = 960, 500


@dataclass(frozen=True)
class Service:
    """A default service: who uses it, and the ports of the members (index and port) that serve it."""

    name: str
    port: int
    check: str
    clients: str
    servers: Sequence[tuple[int, int]]


SERVICES = (
    Service("primary", 5433, "/primary", "Reads and writes", [(0, 6432)]),
    Service("replica", 5434, "/read-only", "Read-only queries", [(1, 6432), (2, 6432)]),
    Service("default", 5436, "/primary", "Migrations, admin", [(0, 5432)]),
    Service("offline", 5438, "/replica", "Analytics, long queries", [(2, 5432)]),
)
MEMBERS = (("pg-test-1", "primary"), ("pg-test-2", "replica"), ("pg-test-3", "replica, offline queries"))
PORTS = ((6432, "pgbouncer"), (5432, "PostgreSQL"), (8008, "Patroni"))

TITLE = "How clients reach PostgreSQL"
DESCRIPTION = (
    "Clients connect to a service port on any node of the cluster: 5433 for the primary service, 5434 for replica, 5436"
    " for default, 5438 for offline. HAProxy on that node asks Patroni on every member (port 8008) whether the member"
    " may serve, and forwards the connection to one that may. Primary leads to pgbouncer on the primary, replica to"
    " pgbouncer on the replicas, default to PostgreSQL on the primary, and offline to PostgreSQL on the replica for"
    " offline queries."
)

_CLIENTS, _BALANCER, _MEMBERS = (24, 204), (312, 556), (690, 936)
_ROW, _ROW_STEP, _ROW_HEIGHT = 96, 84, 60
_MEMBER, _MEMBER_STEP, _MEMBER_HEIGHT = 80, 124, 112
_BOTTOM = _MEMBER + 2 * _MEMBER_STEP + _MEMBER_HEIGHT


def picture() -> str:
    """The text of docs/pictures/paths.svg."""
    names = [service.name for service in SERVICES]
    parts = [
        text((_CLIENTS[0] + _CLIENTS[1]) / 2, 48, "Clients", "head middle"),
        text((_BALANCER[0] + _BALANCER[1]) / 2, 48, "HAProxy on any node", "head middle"),
        text((_MEMBERS[0] + _MEMBERS[1]) / 2, 48, "Members of the cluster", "head middle"),
        *_balancers(),
        *_members(),
        *_checks(),
        *_services(),
        *_legend(),
    ]
    return drawing.picture(PICTURE.stem, (WIDTH, HEIGHT), TITLE, DESCRIPTION, names, parts)


def _balancers() -> Iterator[str]:
    left, right = _BALANCER
    for shift in (12, 6, 0):
        yield box("panel", left - shift, right - shift, _MEMBER - shift, _BOTTOM - shift)


def _services() -> Iterator[str]:
    for row, service in enumerate(SERVICES):
        top, middle = _ROW + row * _ROW_STEP, _middle(row)
        yield box("box", *_CLIENTS, top + 10, top + _ROW_HEIGHT - 10)
        yield text((_CLIENTS[0] + _CLIENTS[1]) / 2, middle + 5, service.clients, "middle")
        yield box(f"box {service.name}", _BALANCER[0] + 14, _BALANCER[1] - 14, top, top + _ROW_HEIGHT)
        yield text(_BALANCER[0] + 28, top + 25, str(service.port), "bold")
        yield text(_BALANCER[0] + 76, top + 25, service.name, f"bold name-{service.name}")
        yield text(_BALANCER[0] + 28, top + 46, f"health check {service.check}", "small soft")
        yield line(service.name, (_CLIENTS[1], middle), (_BALANCER[0] + 14, middle))
        for member, port in service.servers:
            yield line(service.name, (_BALANCER[1] - 14, middle), (_MEMBERS[0] + 14, _port(member, port)))


def _members() -> Iterator[str]:
    left, right = _MEMBERS
    for index, (name, role) in enumerate(MEMBERS):
        top = _MEMBER + index * _MEMBER_STEP
        yield box("panel", left, right, top, top + _MEMBER_HEIGHT)
        yield text(left + 14, top + 21, name, "bold")
        yield text(right - 14, top + 21, role, "small soft end")
        for port, program in PORTS:
            middle = _port(index, port)
            yield box("box", left + 14, right - 14, middle - 11, middle + 11)
            yield text(left + 26, middle + 4, program, "small")
            yield text(right - 26, middle + 4, str(port), "small soft end")


def _checks() -> Iterator[str]:
    for index in range(len(MEMBERS)):
        yield line("check", (_BALANCER[1], _BOTTOM - 12), (_MEMBERS[0] + 14, _port(index, 8008)))


def _legend() -> Iterator[str]:
    middle = HEIGHT - 24
    yield line("primary", (_CLIENTS[0], middle), (_CLIENTS[0] + 44, middle))
    yield text(_CLIENTS[0] + 54, middle + 4, "client connections", "small soft")
    yield line("check", (_CLIENTS[0] + 200, middle), (_CLIENTS[0] + 244, middle))
    words = "health checks of Patroni's REST API: only members that answer 200 get connections"
    yield text(_CLIENTS[0] + 254, middle + 4, words, "small soft")


def _middle(row: int) -> float:
    return _ROW + row * _ROW_STEP + _ROW_HEIGHT / 2


def _port(member: int, port: int) -> float:
    row = [number for number, _program in PORTS].index(port)
    return _MEMBER + member * _MEMBER_STEP + 44 + row * 26


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")

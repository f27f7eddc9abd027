# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write docs/pictures/paths.svg, the picture in README.md: `make docs`.

A test fails while the picture and this script differ. The picture has a background of its own, so it is readable on any
page, and a second set of colours for browsers in dark mode.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

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

LIGHT = {
    "page": "#ffffff",
    "panel": "#f6f8fa",
    "box": "#ffffff",
    "edge": "#8c959f",
    "text": "#1f2328",
    "soft": "#57606a",
    "primary": "#0969da",
    "replica": "#1a7f37",
    "default": "#8250df",
    "offline": "#9a6700",
}
DARK = {
    "page": "#0d1117",
    "panel": "#161b22",
    "box": "#21262d",
    "edge": "#6e7681",
    "text": "#e6edf3",
    "soft": "#9da7b3",
    "primary": "#58a6ff",
    "replica": "#3fb950",
    "default": "#bc8cff",
    "offline": "#d29922",
}

_CLIENTS, _BALANCER, _MEMBERS = (24, 204), (312, 556), (690, 936)
_ROW, _ROW_STEP, _ROW_HEIGHT = 96, 84, 60
_MEMBER, _MEMBER_STEP, _MEMBER_HEIGHT = 80, 124, 112
_BOTTOM = _MEMBER + 2 * _MEMBER_STEP + _MEMBER_HEIGHT
# REUSE-IgnoreStart: the lines of the picture, not of this file
_NOTES = (
    "<!-- Written by docs/pictures/paths.py: make docs",
    "Copyright (c) 2026, pgsvc.access contributors",
    "GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)",
    "SPDX-License-Identifier: GPL-3.0-or-later -->",
)
# REUSE-IgnoreEnd


def picture() -> str:
    """The text of docs/pictures/paths.svg."""
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"'
            ' role="img" aria-labelledby="title desc">',
            f'<title id="title">{escape(TITLE)}</title>',
            f'<desc id="desc">{escape(DESCRIPTION)}</desc>',
            *_NOTES,
            "<style>",
            *_style(),
            "</style>",
            *_arrow_heads(),
            f'<rect class="page" width="{WIDTH}" height="{HEIGHT}"/>',
            _text((_CLIENTS[0] + _CLIENTS[1]) / 2, 48, "Clients", "head middle"),
            _text((_BALANCER[0] + _BALANCER[1]) / 2, 48, "HAProxy on any node", "head middle"),
            _text((_MEMBERS[0] + _MEMBERS[1]) / 2, 48, "Members of the cluster", "head middle"),
            *_balancers(),
            *_members(),
            *_checks(),
            *_services(),
            *_legend(),
            "</svg>",
            "",
        ]
    )


def _style() -> Iterator[str]:
    yield "text { font-family: -apple-system, 'Segoe UI', 'Noto Sans', Helvetica, Arial, sans-serif; }"
    yield "text { font-size: 14px; }"
    yield ".head { font-size: 16px; font-weight: 600; } .small { font-size: 12px; } .bold { font-weight: 600; }"
    yield ".middle { text-anchor: middle; } .end { text-anchor: end; }"
    yield ".line { fill: none; stroke-width: 2; } .check { stroke-width: 1.5; stroke-dasharray: 5 4; }"
    yield from _colours(LIGHT)
    yield "@media (prefers-color-scheme: dark) {"
    yield from _colours(DARK)
    yield "}"


def _colours(colours: dict[str, str]) -> Iterator[str]:
    for selector, name in ((".page", "page"), ("text", "text"), (".soft", "soft")):
        yield f"{selector} {{ fill: {colours[name]}; }}"
    for name in ("panel", "box"):
        yield f".{name} {{ fill: {colours[name]}; stroke: {colours['edge']}; }}"
    yield f".check {{ stroke: {colours['soft']}; }} .head-check {{ fill: {colours['soft']}; }}"
    for service in SERVICES:
        name, colour = service.name, colours[service.name]
        yield f".{name} {{ stroke: {colour}; }} .head-{name}, .name-{name} {{ fill: {colour}; }}"


def _arrow_heads() -> Iterator[str]:
    yield "<defs>"
    for name in (*(service.name for service in SERVICES), "check"):
        yield (
            f'<marker id="to-{name}" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto"'
            f' markerUnits="userSpaceOnUse"><path class="head-{name}" d="M0 0L8 4L0 8z"/></marker>'
        )
    yield "</defs>"


def _balancers() -> Iterator[str]:
    left, right = _BALANCER
    for shift in (12, 6, 0):
        yield _box("panel", left - shift, right - shift, _MEMBER - shift, _BOTTOM - shift)


def _services() -> Iterator[str]:
    for row, service in enumerate(SERVICES):
        top, middle = _ROW + row * _ROW_STEP, _middle(row)
        yield _box("box", *_CLIENTS, top + 10, top + _ROW_HEIGHT - 10)
        yield _text((_CLIENTS[0] + _CLIENTS[1]) / 2, middle + 5, service.clients, "middle")
        yield _box(f"box {service.name}", _BALANCER[0] + 14, _BALANCER[1] - 14, top, top + _ROW_HEIGHT)
        yield _text(_BALANCER[0] + 28, top + 25, str(service.port), "bold")
        yield _text(_BALANCER[0] + 76, top + 25, service.name, f"bold name-{service.name}")
        yield _text(_BALANCER[0] + 28, top + 46, f"health check {service.check}", "small soft")
        yield _line(service.name, (_CLIENTS[1], middle), (_BALANCER[0] + 14, middle))
        for member, port in service.servers:
            yield _line(service.name, (_BALANCER[1] - 14, middle), (_MEMBERS[0] + 14, _port(member, port)))


def _members() -> Iterator[str]:
    left, right = _MEMBERS
    for index, (name, role) in enumerate(MEMBERS):
        top = _MEMBER + index * _MEMBER_STEP
        yield _box("panel", left, right, top, top + _MEMBER_HEIGHT)
        yield _text(left + 14, top + 21, name, "bold")
        yield _text(right - 14, top + 21, role, "small soft end")
        for port, program in PORTS:
            middle = _port(index, port)
            yield _box("box", left + 14, right - 14, middle - 11, middle + 11)
            yield _text(left + 26, middle + 4, program, "small")
            yield _text(right - 26, middle + 4, str(port), "small soft end")


def _checks() -> Iterator[str]:
    for index in range(len(MEMBERS)):
        yield _line("check", (_BALANCER[1], _BOTTOM - 12), (_MEMBERS[0] + 14, _port(index, 8008)))


def _legend() -> Iterator[str]:
    middle = HEIGHT - 24
    yield _line("primary", (_CLIENTS[0], middle), (_CLIENTS[0] + 44, middle))
    yield _text(_CLIENTS[0] + 54, middle + 4, "client connections", "small soft")
    yield _line("check", (_CLIENTS[0] + 200, middle), (_CLIENTS[0] + 244, middle))
    words = "health checks of Patroni's REST API: only members that answer 200 get connections"
    yield _text(_CLIENTS[0] + 254, middle + 4, words, "small soft")


def _middle(row: int) -> float:
    return _ROW + row * _ROW_STEP + _ROW_HEIGHT / 2


def _port(member: int, port: int) -> float:
    row = [number for number, _program in PORTS].index(port)
    return _MEMBER + member * _MEMBER_STEP + 44 + row * 26


def _box(style: str, left: float, right: float, top: float, bottom: float) -> str:
    return f'<rect class="{style}" x="{left:g}" y="{top:g}" width="{right - left:g}" height="{bottom - top:g}" rx="6"/>'


def _text(x: float, y: float, words: str, style: str) -> str:
    return f'<text class="{style}" x="{x:g}" y="{y:g}">{escape(words)}</text>'


def _line(style: str, start: tuple[float, float], end: tuple[float, float]) -> str:
    """An arrow that leaves and arrives horizontally."""
    (x, y), (to_x, to_y) = start, end
    bend = (x + to_x) / 2
    curve = f"M{x:g} {y:g}C{bend:g} {y:g} {bend:g} {to_y:g} {to_x:g} {to_y:g}"
    return f'<path class="line {style}" d="{curve}" marker-end="url(#to-{style})"/>'


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")

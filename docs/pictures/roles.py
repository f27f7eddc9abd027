# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write docs/pictures/roles.svg, the picture in docs/roles.md: `make docs`.

A test fails while the picture and this script differ, and while it shows other servers than a plan.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.pgsvc.access.docs.pictures import drawing
from ansible_collections.pgsvc.access.docs.pictures.drawing import box, line, text

PICTURE = Path(__file__).resolve().with_suffix(".svg")
WIDTH, HEIGHT = 960, 440

SERVICES = (("primary", 5433), ("replica", 5434), ("offline", 5438))
MEMBERS = ("pg-test-1", "pg-test-2", "pg-test-3")


@dataclass(frozen=True)
class Panel:
    """One moment: the role of each member, and by service the members that serve, and those that could as backups."""

    title: str
    subtitle: str
    roles: Sequence[str]
    serving: Mapping[str, Sequence[int]]
    backups: Mapping[str, Sequence[int]]
    notes: Sequence[str]


PANELS = (
    Panel(
        "Before a failover",
        "declared and live roles",
        ("primary", "replica", "replica"),
        {"primary": [0], "replica": [1, 2], "offline": [2]},
        {"primary": [], "replica": [0], "offline": [1]},
        ("replica: pg-test-2 and pg-test-3", "offline: pg-test-3, with a backup"),
    ),
    Panel(
        "After it: declared roles",
        "the inventory still names pg-test-1",
        ("replica", "primary", "replica"),
        {"primary": [1], "replica": [1, 2], "offline": [2]},
        {"primary": [], "replica": [0], "offline": []},
        ("replica: half of it on the primary", "offline: pg-test-3, without a backup"),
    ),
    Panel(
        "After it: live roles",
        "nothing was published or reloaded",
        ("replica", "primary", "replica"),
        {"primary": [1], "replica": [0, 2], "offline": [2]},
        {"primary": [], "replica": [1], "offline": [0]},
        ("replica: pg-test-1 and pg-test-3", "offline: pg-test-3, with a backup"),
    ),
)

TITLE = "Services after a failover, with declared and with live roles"
DESCRIPTION = (
    "A cluster of the primary pg-test-1 and the replicas pg-test-2 and pg-test-3; pg-test-3 also takes offline queries."
    " Before a failover, service primary leads to pg-test-1, replica to pg-test-2 and pg-test-3 with pg-test-1 as"
    " backup, and offline to pg-test-3 with pg-test-2 as backup. After a failover to pg-test-2, primary leads to"
    " pg-test-2 in both cases. With declared roles, replica leads to pg-test-2, which is now the primary, and to"
    " pg-test-3, while pg-test-1 is only a backup, and offline has no backup. With live roles, replica leads to"
    " pg-test-1 and pg-test-3 with pg-test-2 as backup, and offline leads to pg-test-3 with pg-test-1 as backup."
)

_PANEL_WIDTH, _PANEL_STEP, _LEFT = 296, 308, 24
_TOP, _ROW, _ROW_STEP, _ROW_HEIGHT = 24, 104, 76, 56
_BOTTOM = _ROW + 2 * _ROW_STEP + _ROW_HEIGHT + 60
_SPREAD = 13  # between the arrows of two services at a member


def picture() -> str:
    """The text of docs/pictures/roles.svg."""
    parts = [part for index, panel in enumerate(PANELS) for part in _panel(_LEFT + index * _PANEL_STEP, panel)]
    names = [name for name, _port in SERVICES]
    return drawing.picture(PICTURE.stem, (WIDTH, HEIGHT), TITLE, DESCRIPTION, names, [*parts, *_legend()])


def _panel(left: float, panel: Panel) -> Iterator[str]:
    right = left + _PANEL_WIDTH
    yield box("panel", left, right, _TOP, _BOTTOM)
    yield text(left + 14, _TOP + 26, panel.title, "head")
    yield text(left + 14, _TOP + 48, panel.subtitle, "small soft")
    services, members = (left + 14, left + 108), (right - 124, right - 14)
    for row, (name, port) in enumerate(SERVICES):
        top = _ROW + row * _ROW_STEP
        yield box(f"box {name}", *services, top, top + _ROW_HEIGHT)
        yield text(services[0] + 12, top + 24, name, f"bold name-{name}")
        yield text(services[0] + 12, top + 44, str(port), "small soft")
    for row, (name, role) in enumerate(zip(MEMBERS, panel.roles, strict=True)):
        top = _ROW + row * _ROW_STEP
        yield box("box", *members, top, top + _ROW_HEIGHT)
        yield text(members[0] + 12, top + 24, name, "bold")
        yield text(members[0] + 12, top + 44, role, "small soft")
    for row, (name, _port) in enumerate(SERVICES):
        start = (services[1], _middle(row))
        for found, dashes in ((panel.serving[name], ""), (panel.backups[name], "3 4")):
            for member in found:
                yield line(name, start, (members[0], _middle(member) + (row - 1) * _SPREAD), dashes)
    for row, note in enumerate(panel.notes):
        yield text(left + 14, _BOTTOM - 34 + row * 20, note, "small soft")


def _legend() -> Iterator[str]:
    middle = HEIGHT - 26
    yield line("replica", (_LEFT, middle), (_LEFT + 44, middle))
    yield text(_LEFT + 54, middle + 4, "new connections", "small soft")
    yield line("replica", (_LEFT + 180, middle), (_LEFT + 224, middle), "3 4")
    words = "backup that passes its health check: serves if no other member can"
    yield text(_LEFT + 234, middle + 4, words, "small soft")


def _middle(row: int) -> float:
    return _ROW + row * _ROW_STEP + _ROW_HEIGHT / 2


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")

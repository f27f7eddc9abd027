# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the pictures of the documentation have in common: colours, text and lines.

A picture has a background of its own, so it is readable on any page, and a second set of colours for browsers in dark
mode.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from xml.sax.saxutils import escape

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

# REUSE-IgnoreStart: the lines of a picture, not of this file
_NOTES = (
    "<!-- Written by docs/pictures/{}.py: make docs",
    "Copyright (c) 2026, pgsvc.access contributors",
    "GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)",
    "SPDX-License-Identifier: GPL-3.0-or-later -->",
)
# REUSE-IgnoreEnd


def picture(
    source: str, size: tuple[int, int], title: str, description: str, services: Sequence[str], parts: Iterable[str]
) -> str:
    """The text of a picture. ``source`` is the name of the script, ``services`` are those that have colours."""
    width, height = size
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
            ' role="img" aria-labelledby="title desc">',
            f'<title id="title">{escape(title)}</title>',
            f'<desc id="desc">{escape(description)}</desc>',
            *(note.format(source) for note in _NOTES),
            "<style>",
            *_style(services),
            "</style>",
            *_arrow_heads(services),
            f'<rect class="page" width="{width}" height="{height}"/>',
            *parts,
            "</svg>",
            "",
        ]
    )


def _style(services: Sequence[str]) -> Iterator[str]:
    yield "text { font-family: -apple-system, 'Segoe UI', 'Noto Sans', Helvetica, Arial, sans-serif; }"
    yield "text { font-size: 14px; }"
    yield ".head { font-size: 16px; font-weight: 600; } .small { font-size: 12px; } .bold { font-weight: 600; }"
    yield ".middle { text-anchor: middle; } .end { text-anchor: end; }"
    yield ".line { fill: none; stroke-width: 2; } .check { stroke-width: 1.5; stroke-dasharray: 5 4; }"
    yield from _colours(LIGHT, services)
    yield "@media (prefers-color-scheme: dark) {"
    yield from _colours(DARK, services)
    yield "}"


def _colours(colours: dict[str, str], services: Sequence[str]) -> Iterator[str]:
    for selector, name in ((".page", "page"), ("text", "text"), (".soft", "soft")):
        yield f"{selector} {{ fill: {colours[name]}; }}"
    for name in ("panel", "box"):
        yield f".{name} {{ fill: {colours[name]}; stroke: {colours['edge']}; }}"
    yield f".check {{ stroke: {colours['soft']}; }} .head-check {{ fill: {colours['soft']}; }}"
    for name in services:
        yield f".{name} {{ stroke: {colours[name]}; }} .head-{name}, .name-{name} {{ fill: {colours[name]}; }}"


def _arrow_heads(services: Sequence[str]) -> Iterator[str]:
    yield "<defs>"
    for name in (*services, "check"):
        yield (
            f'<marker id="to-{name}" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto"'
            f' markerUnits="userSpaceOnUse"><path class="head-{name}" d="M0 0L8 4L0 8z"/></marker>'
        )
    yield "</defs>"


def box(style: str, left: float, right: float, top: float, bottom: float) -> str:
    """A rounded rectangle."""
    return f'<rect class="{style}" x="{left:g}" y="{top:g}" width="{right - left:g}" height="{bottom - top:g}" rx="6"/>'


def text(x: float, y: float, words: str, style: str) -> str:
    """A line of text."""
    return f'<text class="{style}" x="{x:g}" y="{y:g}">{escape(words)}</text>'


def line(style: str, start: tuple[float, float], end: tuple[float, float], dashes: str = "") -> str:
    """An arrow that leaves and arrives horizontally."""
    (x, y), (to_x, to_y) = start, end
    bend = (x + to_x) / 2
    curve = f"M{x:g} {y:g}C{bend:g} {y:g} {bend:g} {to_y:g} {to_x:g} {to_y:g}"
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<path class="line {style}" d="{curve}"{dashed} marker-end="url(#to-{style})"/>'

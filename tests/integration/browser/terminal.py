# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a terminal shows, as HTML: text with the colours that `--status` uses."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

_STYLE = """
body { margin: 0; background: #f6f8fa; }
pre { margin: 16px; padding: 16px 20px; border-radius: 12px; background: #111821; color: #d7dee6; width: max-content;
      font: 13px/1.45 ui-monospace, monospace; }
b { font-weight: 700; }
.c1 { color: #ffffff; font-weight: 700; } .c2 { color: #8c99a7; } .c31 { color: #ff8f85; } .c32 { color: #6fd79c; }
.c33 { color: #f0c060; } .c35 { color: #c3a8f7; }
"""
_PAINTED = re.compile("\033\\[([0-9;]+)m(.*?)\033\\[0m", re.DOTALL)


def page(command: str, output: str) -> str:
    """A command and what it prints, with ANSI colours."""
    parts: list[Markup] = []
    end = 0
    for match in _PAINTED.finditer(output):
        code, text = match[1].partition(";")[0], match[2]
        parts += [escape(output[end : match.start()]), Markup('<span class="c{}">{}</span>').format(code, text)]
        end = match.end()
    text = Markup().join([*parts, escape(output[end:])])
    shown = Markup('<pre><span class="c2">$</span> <b>{}</b>\n\n{}</pre>').format(command, text)
    return f"<!DOCTYPE html><meta charset=utf-8><style>{_STYLE}</style>{shown}"

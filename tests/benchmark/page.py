# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Figures on the pages of docs/, between two markers."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"


def keep(name: str, marker: str, text: str) -> None:
    """Write `text` between the `marker`s of a page."""
    path = DOCS / name
    begin, end = f"<!-- {marker}: begin -->", f"<!-- {marker}: end -->"
    path.write_text(re.sub(f"{begin}.*{end}", lambda _: f"{begin}\n{text}\n{end}", path.read_text(), flags=re.DOTALL))

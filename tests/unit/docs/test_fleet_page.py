# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The extrapolation in docs/fleet.md is ten times what docs/performance.md has measured for 300 hosts."""

from __future__ import annotations

import re

import pytest

from ansible_collections.pgsvc.access.tests.conftest import ROOT

PERFORMANCE = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
FLEET = (ROOT / "docs" / "fleet.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("row", "column"), [("`ansible all -m ping`", 1), ("write everything", 2), ("change nothing", 3)]
)
def test_minutes_for_3000_hosts(row: str, column: int) -> None:
    (measured,) = re.findall(r"^\| 300 \|.*", PERFORMANCE.partition("measured files: begin")[2], re.MULTILINE)[:1]
    seconds = float(re.findall(r"[\d.]+(?= s)", measured.strip("|").split("|")[column])[0])
    (cells,) = re.findall(rf"^\| {re.escape(row)} \| ([\d.]+) minutes \| ([\d.]+) minutes \|$", FLEET, re.MULTILINE)
    two_cores, eight_cores = map(float, cells)
    assert two_cores == pytest.approx(10 * seconds / 60, rel=0.1)
    assert eight_cores == pytest.approx(10 * seconds / 60 / 4, rel=0.1)

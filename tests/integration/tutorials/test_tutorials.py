# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each tutorial does what it says, and shows what its reader sees."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.pgsvc.access.tests.conftest import ROOT
from ansible_collections.pgsvc.access.tests.integration.tutorials.tutorial import Tutorial

PAGES = sorted(path.name for path in (ROOT / "docs" / "tutorials").glob("*.md"))
# It has nothing to run: its commands install what all others need.
PAGES.remove("before-you-start.md")


@pytest.fixture
def tutorial(checkout: Path) -> Iterator[Tutorial]:
    # Not tmp_path: the paths of UNIX sockets have to be short.
    folder = Path(tempfile.mkdtemp(prefix="pgsvc-"))
    started = Tutorial(checkout, folder)
    try:
        yield started
    finally:
        started.output("examples/sandbox/demo down")
        shutil.rmtree(folder)


@pytest.mark.parametrize("page", PAGES)
def test_a_tutorial(tutorial: Tutorial, page: str) -> None:
    assert tutorial.follow((ROOT / "docs" / "tutorials" / page).read_text(encoding="utf-8")) > 5
    assert not tutorial.sandbox.exists(), "a tutorial ends with `demo down`"

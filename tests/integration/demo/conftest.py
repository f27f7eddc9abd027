# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A copy of the examples for each test, ended and removed after it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.pgsvc.access.tests.integration.demo.examples import Examples


@pytest.fixture
def examples(checkout: Path) -> Iterator[Examples]:
    # Not tmp_path: the paths of UNIX sockets have to be short.
    folder = Path(tempfile.mkdtemp(prefix="pgsvc-"))
    copy = Examples(checkout, folder)
    try:
        yield copy
    finally:
        copy.demo("down")
        shutil.rmtree(folder)

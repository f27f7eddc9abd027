# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands in docs/roles.md print what the page shows, for the inventory above them."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from ansible_collections.pgsvc.access.tests.conftest import ROOT

BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", (ROOT / "docs" / "roles.md").read_text(), re.MULTILINE | re.DOTALL)
CONSOLES = [index for index, (kind, _text) in enumerate(BLOCKS) if kind == "console"]


@pytest.mark.parametrize("index", CONSOLES)
def test_a_command(checkout: Path, tmp_path: Path, index: int) -> None:
    inventory = [text for kind, text in BLOCKS[:index] if kind == "yaml"][-1]
    (tmp_path / "inventory.yml").write_text(inventory)
    (tmp_path / "bin").symlink_to(checkout / "bin")
    command, _newline, output = BLOCKS[index][1].removeprefix("$ ").partition("\n")
    done = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, env=os.environ, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, output), done.stderr


def test_the_page_has_commands() -> None:
    assert len(CONSOLES) == 2

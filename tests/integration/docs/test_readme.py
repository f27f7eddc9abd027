# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first publish of README.md, typed as it stands there, with an installed collection and without HAProxy."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.every_core


def typed(checkout: Path, *parts: str) -> str:
    """The blocks of commands in README.md that contain these parts, one for each."""
    blocks = re.findall(r"^```bash\n(.*?)^```", (checkout / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    found = [[block for block in blocks if part in block] for part in parts]
    assert [len(blocks) for blocks in found] == [1] * len(parts)
    return "".join(blocks[0] for blocks in found)


def test_the_first_publish(checkout: Path, tmp_path: Path) -> None:
    commands = typed(checkout, "ln -s ~/.ansible", "> hosts.yml")
    # The folder that ansible-galaxy installs to, and a folder on the PATH.
    installed = tmp_path / ".ansible" / "collections" / "ansible_collections" / "pgsvc" / "access"
    installed.parent.mkdir(parents=True)
    installed.symlink_to(checkout)
    (tmp_path / ".local" / "bin").mkdir(parents=True)
    # What Ansible itself runs, and no HAProxy.
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    assert subprocess.run(["sh", "-c", "command -v haproxy"], env={"PATH": path}, check=False).returncode != 0
    environment = {**os.environ, "PATH": f"{path}:{tmp_path}/.local/bin", "HOME": str(tmp_path)}

    said = subprocess.run(
        ["bash", "-euc", commands], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )

    assert said.returncode == 0, said.stdout + said.stderr
    assert "pgsql-svc: 2 load balancers: 2 written, not applied" in said.stdout
    warning = "there is no haproxy on this host: the files were written without validation"
    assert warning in " ".join(said.stderr.split())
    assert "    server pg-test-1 10.10.10.11:6432 check port 8008" in said.stdout

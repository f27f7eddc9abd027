# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first publish of README.md, typed as it stands there, where no HAProxy is installed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path


def test_the_first_publish(checkout: Path, tmp_path: Path) -> None:
    blocks = re.findall(r"^```bash\n(.*?)^```", (checkout / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    (block,) = [block for block in blocks if "hosts.yml" in block]
    (tmp_path / "bin").symlink_to(checkout / "bin")
    # What Ansible itself runs, and no HAProxy.
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    assert subprocess.run(["sh", "-c", "command -v haproxy"], env={"PATH": path}, check=False).returncode != 0
    environment = {**os.environ, "PATH": path, "HOME": str(tmp_path)}

    said = subprocess.run(
        ["bash", "-euc", block], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )

    assert said.returncode == 0, said.stdout + said.stderr
    assert "pgsql-svc: 2 load balancers: 2 written, not applied" in said.stdout
    warning = "there is no haproxy on this host: the files were written without having been validated"
    assert warning in " ".join(said.stderr.split())
    assert "    server pg-test-1 10.10.10.11:6432 check port 8008" in said.stdout

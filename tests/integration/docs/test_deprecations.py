# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A test during which Ansible warns of something deprecated fails (tests/conftest.py)."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

MODULE = """\
from ansible.module_utils.basic import AnsibleModule

module = AnsibleModule({})
module.deprecate("this module", version="99.0", collection_name="pgsvc.access")
module.exit_json()
"""


@pytest.mark.every_core
@pytest.mark.xfail(reason="the deprecated module", raises=AssertionError)
def test_a_deprecated_module(tmp_path: Path) -> None:
    (tmp_path / "deprecated.py").write_text(MODULE, encoding="utf-8")
    command = ["ansible", "localhost", "-M", str(tmp_path), "-m", "deprecated"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stdout + done.stderr)

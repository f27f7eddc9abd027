# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A test during which Ansible warns of something deprecated fails (tests/conftest.py)."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ansible_collections.pgsvc.access.tests.conftest import pytest_runtest_call

MODULE = """\
from ansible.module_utils.basic import AnsibleModule

module = AnsibleModule({})
module.deprecate("an old module", version="99.0", collection_name="pgsvc.access")
module.exit_json()
"""


@pytest.mark.every_core
def test_a_deprecated_module(tmp_path: Path) -> None:
    (tmp_path / "deprecated.py").write_text(MODULE, encoding="utf-8")
    call = pytest_runtest_call()
    next(call)
    subprocess.run(["ansible", "localhost", "-M", str(tmp_path), "-m", "deprecated"], check=True)
    with pytest.raises(AssertionError, match="an old module"):
        next(call)

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The example of a virtual address for load balancers runs, and prints what its page shows."""

from __future__ import annotations

import re
import shlex
import subprocess

from ansible_collections.pgsvc.access.tests.conftest import ROOT


def test_the_urls_of_the_example() -> None:
    page = (ROOT / "examples/lb_vip/README.md").read_text()
    command, expected = re.findall(r"```console\n\$ (.*)\n((?:.*\n)*?)```", page)[0]
    done = subprocess.run(shlex.split(command), cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout == expected

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The haproxy binaries that the tests run: Debian 12's 2.6, Debian 13's 3.0, unstable's 3.2.

One of them may be what this machine has installed.

A release that is not installed is unpacked from Debian's packages (``debian.py``).
"""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
from pathlib import Path

from ansible_collections.pgsvc.access.tests.support import debian

VERSIONS = ("2.6", "3.0", "3.2")
_SUITES = {"2.6": "bookworm", "3.0": "trixie", "3.2": "sid"}


@functools.cache
def binary(version: str) -> Path:
    """A haproxy of that major version, ready to be executed by its path."""
    installed = shutil.which("haproxy")
    if installed and version_of(Path(installed)).startswith(version + "."):
        return Path(installed)
    return debian.program(_SUITES[version], "usr/sbin/haproxy")


def version_of(haproxy: Path) -> str:
    """For example ``2.6.12``."""
    words = subprocess.run([haproxy, "-v"], check=True, capture_output=True, text=True).stdout
    match = re.search(r"version (\d+\.\d+\.\d+)", words)
    assert match is not None, words
    return match[1]

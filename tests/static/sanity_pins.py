# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Print what `ansible-test sanity` of a virtual environment installs: the input of `make requirements`.

usage: sanity_pins.py ENV

ansible-test names a version of each package, without digests.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path


def pins(environment: Path) -> list[str]:
    """The requirements of every sanity test, and of the environments that they run in."""
    folder = next(environment.glob("lib/python3*/site-packages/ansible_test"))
    found = set()
    for file in folder.glob("_data/requirements/sanity.*.txt"):
        found |= set(re.findall(r"^[^#\s].*", file.read_text(encoding="utf-8"), re.MULTILINE))
    source = (folder / "_internal/python_requirements.py").read_text(encoding="utf-8")
    defaults = re.findall(r"default_packages = dict\((.*?)\)", source, re.DOTALL)
    found |= {f"{name}=={version}" for name, version in re.findall(r"(\w+)='([\d.]+)'", defaults[0])}
    return sorted(found, key=str.lower)


if __name__ == "__main__":
    print("\n".join(pins(Path(sys.argv[1]))))

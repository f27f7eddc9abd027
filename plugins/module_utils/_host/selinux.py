# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SELinux by its file systems alone: Python's bindings and the tools that manage policies need not be installed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Optional

ROOT = Path("/sys/fs/selinux")
_ATTRIBUTE = "security.selinux"


def is_enabled() -> bool:
    """Whether a policy is loaded, enforcing or permissive."""
    return (ROOT / "enforce").exists()


def boolean(name: str) -> Optional[bool]:
    """A boolean of the policy; None if the policy does not have it, or there is no policy."""
    try:
        return (ROOT / "booleans" / name).read_text(encoding="ascii").split()[:1] == ["1"]
    except OSError:
        return None


def set_type(path: Path, wanted: str) -> bool:
    """Give a file or folder this type in its label, and return whether it had another one. Raises `OSError`.

    User, role and level of the label stay. Without a policy nothing is done.
    """
    if not is_enabled():
        return False
    label = os.getxattr(path, _ATTRIBUTE, follow_symlinks=False).rstrip(b"\0").decode()
    parts = label.split(":", 3)
    if len(parts) < 3 or parts[2] == wanted:
        return False
    parts[2] = wanted
    os.setxattr(path, _ATTRIBUTE, ":".join(parts).encode() + b"\0", follow_symlinks=False)
    return True

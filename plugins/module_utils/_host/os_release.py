# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The distribution of a host (os-release(5)). It is used in messages only: what to do is decided by what is found."""

from __future__ import annotations

import shlex
from pathlib import Path

from ansible_collections.pgsvc.access.plugins.module_utils._host.light_dataclass import dataclass

_PATHS = (Path("/etc/os-release"), Path("/usr/lib/os-release"))


@dataclass(frozen=True)
class Distribution:
    """`name` is for people, `families` are its identifier and those of the distributions that it is made from."""

    name: str
    families: tuple[str, ...]


def distribution() -> Distribution:
    """That of this host."""
    return read(next((path.read_text(encoding="utf-8", errors="replace") for path in _PATHS if path.exists()), ""))


def read(text: str) -> Distribution:
    """Parse an os-release file."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and not name.startswith("#"):
            try:
                found[name] = " ".join(shlex.split(value))
            except ValueError:  # a quote is not closed
                found[name] = value
    families = (found.get("ID", "linux"), *found.get("ID_LIKE", "").split())
    return Distribution(found.get("PRETTY_NAME") or found.get("NAME") or "this host", families)

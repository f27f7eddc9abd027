# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The changelog lists everything that the collection offers, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
RELEASES: dict[str, Any] = yaml.safe_load((ROOT / "changelogs" / "changelog.yaml").read_text(encoding="utf-8"))[
    "releases"
]


def offered() -> Iterator[tuple[str, str]]:
    """Kind and name of each module, plugin, role and playbook."""
    for kind in ("callback", "filter", "modules"):
        for file in sorted((ROOT / "plugins" / kind).glob("*.py")):
            yield kind, file.stem
    for folder in sorted((ROOT / "roles").iterdir()):
        yield "role", folder.name
    for file in sorted((ROOT / "playbooks").glob("*.yml")):
        yield "playbook", file.stem


def listed() -> Iterator[tuple[str, str]]:
    """Kind and name of each new object in the entries of all releases."""
    for release in RELEASES.values():
        kinds = {"modules": release.get("modules", []), **release.get("plugins", {}), **release.get("objects", {})}
        for kind, entries in kinds.items():
            for entry in entries:
                yield kind, entry["name"]


def test_everything_that_is_offered_is_listed_once() -> None:
    """What comes with a version that has no entry yet is listed when that entry is made."""
    version = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"]
    later = [] if version in RELEASES else sorted(set(offered()) - set(listed()))
    advice = "run: make changelog (a playbook is named in a fragment, below 'add object.playbook')"
    assert sorted([*listed(), *later]) == sorted(offered()), advice


@pytest.mark.parametrize(("kind", "name"), sorted(listed()))
def test_what_is_listed_is_on_the_page(kind: str, name: str) -> None:
    assert f"\n- pgsvc.access.{name} - " in (ROOT / "CHANGELOG.rst").read_text(encoding="utf-8")

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of supported versions says what the Makefile tests and what the metadata require."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from ansible_collections.pgsvc.access.tests.support import binaries

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "support.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| ([\w -]+) \| ([\d., ]+)\b", PAGE, re.MULTILINE))
DEBIAN = {"bookworm": "12", "trixie": "13"}


def versions(component: str) -> list[str]:
    return re.findall(r"[\d.]+\d|\d", ROWS[component])


def test_the_releases_of_ansible_core_that_the_makefile_tests() -> None:
    cores = re.findall(r"^CORES(?:_13)? := (.*)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert versions("ansible-core") == " ".join(cores).split()


@pytest.mark.parametrize("file", ["README.md", "galaxy.yml"])
def test_the_same_releases_elsewhere(file: str) -> None:
    first, *_others, last = versions("ansible-core")
    text = (ROOT / file).read_text(encoding="utf-8")
    assert re.findall(r"(?:ansible-core |\()(\d\.\d+ to \d\.\d+)", text) == [f"{first} to {last}"]


def test_the_oldest_ansible_core_is_the_one_that_is_required() -> None:
    runtime = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))
    assert runtime["requires_ansible"] == f">={versions('ansible-core')[0]}.0"


def test_the_releases_of_haproxy_that_the_tests_run() -> None:
    assert versions("HAProxy") == list(binaries.VERSIONS)


@pytest.mark.parametrize("role", sorted(folder.name for folder in (ROOT / "roles").iterdir()))
def test_the_metadata_of_the_roles(role: str) -> None:
    meta = yaml.safe_load((ROOT / "roles" / role / "meta" / "main.yml").read_text(encoding="utf-8"))["galaxy_info"]
    assert meta["min_ansible_version"] == versions("ansible-core")[0]
    (platform,) = meta["platforms"]
    assert platform["name"] == "Debian"
    assert [DEBIAN[name] for name in platform["versions"]] == versions("Debian")

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests install is pinned, with digests, and is what tests/requirements/*.in ask for."""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path

import pytest
from ansible.release import __version__ as ansible_version
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[3]
LISTS = sorted((ROOT / "tests" / "requirements").glob("*.txt"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
#: The releases that run on the machine's Python, and those that run on Debian 13's.
CORES, CORES_13 = (re.findall(r"^CORES(?:_13)? := (.*)", MAKEFILE, re.MULTILINE)[n].split() for n in (0, 1))
SANITY = (CORES[0], CORES[-1], CORES_13[-1])


def entries(path: Path) -> list[str]:
    """The entries of a list or an input, one a line, without comments."""
    text = re.sub(r"#.*", "", path.read_text(encoding="utf-8")).replace("\\\n", " ")
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def asked(path: Path) -> list[Requirement]:
    """What an input asks for, with what it includes."""
    found = []
    for entry in entries(path):
        if entry.startswith("-r "):
            found += asked(path.parent / entry[3:])
        else:
            found.append(Requirement(entry))
    return found


def pinned(path: Path) -> dict[str, str]:
    """The version of each package of a list."""
    words = (re.split(r"==|\s", entry) for entry in entries(path))
    return {canonicalize_name(name): version for name, version, *_rest in words}


def test_there_is_a_list_for_everything_that_is_installed() -> None:
    wanted = {*(f"core-{core}" for core in (*CORES, *CORES_13)), *(f"sanity-{core}" for core in SANITY)}
    assert {path.stem for path in LISTS} == wanted | {"docs", "ee", "lab", "lint", "uv"}


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.stem)
def test_every_package_has_one_version_and_digests(path: Path) -> None:
    for entry in entries(path):
        assert re.fullmatch(r"[\w.-]+==[\w.]+( ; [^-]*)?( --hash=sha256:[0-9a-f]{64})+", entry), entry
    assert len(pinned(path)) == len(entries(path))


@pytest.mark.parametrize("path", [path for path in LISTS if "sanity" not in path.stem], ids=lambda path: path.stem)
def test_a_list_has_what_its_input_asks_for(path: Path) -> None:
    have = pinned(path)
    for requirement in asked(path.with_suffix(".in")):
        version = have.get(canonicalize_name(requirement.name), "not there")
        assert version in requirement.specifier, f"{requirement} is {version}; run: make requirements"


@pytest.mark.every_core
def test_sanity_installs_what_its_list_has() -> None:
    """Of the ansible-core that runs this test; the lists are for those that `make sanity` runs."""
    core = ".".join(ansible_version.split(".")[:2])
    path = ROOT / "tests" / "requirements" / f"sanity-{core}.txt"
    assert path in LISTS if core in SANITY else path not in LISTS
    if path in LISTS:
        wanted = runpy.run_path(str(ROOT / "tests" / "static" / "sanity_pins.py"))["pins"](Path(sys.prefix))
        assert {canonicalize_name(Requirement(pin).name): pin.split("==")[1] for pin in wanted} == pinned(path), (
            "run: make requirements"
        )


def test_every_installation_compares_digests() -> None:
    """pip does so when it has to, or when it knows nothing but a folder of wheels that were compared before."""
    files = [ROOT / "Makefile", *(ROOT / "tests" / "lab").rglob("*.py"), *(ROOT / "tests" / "static").glob("*.py")]
    calls = {}
    for file in files:
        for call in re.findall(r"pip\"?,? \"?(?:install|download)\b[^\n]*\n[^\n]*", file.read_text(encoding="utf-8")):
            calls[f"{file.name}: {call}"] = "require-hashes" in call
    assert [call for call, compared in calls.items() if not compared] == [
        call for call in calls if call.startswith("get_pip.py: ")
    ]
    assert len(calls) > 1

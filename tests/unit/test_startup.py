# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests/support/startup keeps for the processes that the tests start, and that it changes nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from ansible_collections.pgsvc.access.tests.conftest import ROOT

STARTUP = ROOT / "tests/support/startup/sitecustomize.py"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkout that has kept nothing yet."""
    place = tmp_path / "tests" / "support" / "startup"
    place.mkdir(parents=True)
    (place / STARTUP.name).write_text(STARTUP.read_text())
    return tmp_path


def said(folder: Path, source: str) -> str:
    """What a module in a zip file prints when a new process imports it, or the name of its error."""
    archive = folder / "modules.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("module.py", source)
    program = "try:\n import module\nexcept Exception as error:\n print(type(error).__name__)"
    path = os.pathsep.join([str(folder / "tests/support/startup"), str(archive)])
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def kept(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in (folder / ".build/compiled").rglob("*") if path.is_file()}


def test_what_was_compiled_is_compiled_once(folder: Path) -> None:
    assert said(folder, "print('old')") == "old"
    (path,) = [path for path, code in kept(folder).items() if b"old" in code]
    path.write_bytes(path.read_bytes().replace(b"old", b"new"))

    assert said(folder, "print('old')") == "new", "it was compiled again"
    assert said(folder, "print('changed')") == "changed"


def test_a_damaged_file_is_written_again(folder: Path) -> None:
    assert said(folder, "print(1)") == "1"
    first = kept(folder)
    for path in first:
        path.write_bytes(b"damaged")

    assert said(folder, "print(1)") == "1"
    assert first.items() <= kept(folder).items()


def test_errors_are_those_of_the_compiler(folder: Path) -> None:
    assert [said(folder, "1 +") for _each in range(2)] == ["SyntaxError"] * 2


def test_who_may_not_write_keeps_nothing(folder: Path) -> None:
    (folder / ".build").write_text("a file where the folder would be")

    assert said(folder, "print(1)") == "1"


def test_the_processes_that_tests_start_have_it() -> None:
    assert os.environ["PYTHONPATH"] == str(STARTUP.parent)

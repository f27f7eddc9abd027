# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How often a module is compiled that arrives in a zip file, as Ansible sends it."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from ansible_collections.pgsvc.access.plugins.module_utils._host import compile_once
from ansible_collections.pgsvc.access.plugins.module_utils._host.compile_once import CompileOnce

PACKAGE = compile_once.__name__.rpartition(".")[0]
SOURCES = Path(compile_once.__file__).parent

COUNT = """
import importlib, sys
names = []
sys.addaudithook(lambda event, arguments: names.append(str(arguments[1])) if event == "compile" else None)
sys.path.insert(0, sys.argv[1])
if sys.argv[3] == "ours":
    importlib.import_module(f"{sys.argv[2]}.compile_once").install()
module = importlib.import_module(f"{sys.argv[2]}.errors")
assert module.file_error(OSError(2, "gone")) == "gone"
print(sum(name.endswith("errors.py") for name in names))
"""


@pytest.fixture
def sent(tmp_path: Path) -> Path:
    """A zip file with the package, as in the one that Ansible makes of a module."""
    path = tmp_path / "payload.zip"
    parents = PACKAGE.split(".")
    with zipfile.ZipFile(path, "w") as archive:
        for depth in range(1, len(parents) + 1):
            archive.writestr("/".join([*parents[:depth], "__init__.py"]), "")
        for name in ("compile_once.py", "errors.py"):
            archive.write(SOURCES / name, "/".join([*parents, name]))
    return path


def compiled(sent: Path, whose: str) -> int:
    command = [sys.executable, "-I", "-c", COUNT, str(sent), PACKAGE, whose]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def test_a_module_is_compiled_once(sent: Path) -> None:
    assert compiled(sent, "ours") == 1


def test_python_itself_compiles_it_twice(sent: Path) -> None:
    """When this fails, Python has learned it, and `compile_once` can go."""
    assert compiled(sent, "Python's") == 2


def test_what_is_not_in_a_zip_file_is_left_to_python(sent: Path) -> None:
    assert CompileOnce().find_spec(f"{PACKAGE}.errors", [str(SOURCES)]) is None
    assert CompileOnce().find_spec("json.decoder", [str(sent)]) is None
    assert CompileOnce().find_spec(f"{PACKAGE}.no_such_module", [str(sent / PACKAGE.replace(".", "/"))]) is None

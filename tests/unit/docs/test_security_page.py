# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each promise in SECURITY.md names its tests, and all of them exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")


def promises() -> dict[str, list[str]]:
    """The tests of each promise, from the table below its heading."""
    chapter = PAGE.partition("## What is promised")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (.*?) \| (.*) \|$", chapter, re.MULTILINE)
    assert rows[0] == ("promise", "test")
    return {promise: re.findall(r"`([^`]*)`", tests) for promise, tests in rows[1:]}


def defined(path: str) -> set[str]:
    """The test functions of a file, those of its classes as pytest names them."""
    found = set()
    for node in ast.parse((ROOT / path).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}::{inner.name}" for inner in node.body if isinstance(inner, ast.FunctionDef)}
        elif isinstance(node, ast.FunctionDef):
            found.add(node.name)
    return found


def test_there_are_promises_and_each_is_made_once() -> None:
    chapter = PAGE.partition("## What is promised")[2].partition("\n## ")[0]
    assert len(promises()) == len(re.findall(r"^\| [^|]* \| `", chapter, re.MULTILINE)) > 10


@pytest.mark.parametrize("promise", promises())
def test_the_tests_of_a_promise_exist(promise: str) -> None:
    names = promises()[promise]
    assert names
    for name in names:
        path, _colons, test = name.partition("::")
        assert test.rpartition("::")[2].startswith("test_"), f"{name} is no test"
        assert (ROOT / path).is_file(), f"{path} does not exist"
        assert test in defined(path), f"{path} has no {test}"

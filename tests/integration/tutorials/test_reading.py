# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a tutorial is read: its commands, its changes of files, and when an output is as the page shows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.pgsvc.access.tests.integration.tutorials.tutorial import (
    Command,
    Tutorial,
    changed,
    commands,
    is_shown,
)


def test_commands_and_their_output() -> None:
    block = "$ one\n1\n\n$ two \\\n    three\n$ four\n  4\n"
    assert list(commands(block)) == [
        Command("one", ["1", ""]),
        Command("two \\\n    three", []),
        Command("four", ["  4"]),
    ]


def test_a_change() -> None:
    assert changed("a\nb\nc\n", " a\n-b\n+B\n") == "a\nB\nc\n"


@pytest.mark.parametrize("diff", ["-x\n+y\n", "-b\n+y\n"], ids=["nowhere", "twice"])
def test_a_change_that_does_not_say_where(diff: str) -> None:
    with pytest.raises(AssertionError, match="not once in the file"):
        changed("a\nb\nb\n", diff)


@pytest.mark.parametrize(
    ("shown", "output", "expected"),
    [
        ("a\nb", "a\nb", True),
        ("a\nb", "a", False),
        ("a", "a\nb", False),
        ("", "a", False),
        ("a\n…\nd", "a\nb\nc\nd", True),
        ("…\nd", "a\nd", True),
        ("a\n…\nd", "a\nb", False),
        ("a.c", "abc", False),
        # Left to chance: which load balancer is first, and how many connections each server gets.
        ("done: [1] a\ndone: [2] b", "done: [2] b\ndone: [1] a", True),
        ("done: [1] a\ndone: [2] b", "done: [2] a\ndone: [1] b", False),
        ("6 x one, 6 x two", "7 x one, 5 x two", True),
        ("12 x one", "12 x two", False),
    ],
)
def test_an_output_as_it_is_shown(shown: str, output: str, expected: bool) -> None:
    assert is_shown(shown.splitlines(), output.splitlines()) is expected


def test_a_page_that_shows_something_else(checkout: Path, tmp_path: Path) -> None:
    tutorial = Tutorial(checkout, tmp_path)
    page = "```yaml\n# hosts.yml\nat 127.10.10.11\n```\n\n```console\n$ cat hosts.yml\nat 127.10.10.{}\n```\n"
    assert tutorial.follow(page.format(11)) == 1
    with pytest.raises(AssertionError, match=r"at 127\.10\.10\.11\n-- the page shows:\nat 127\.10\.10\.12"):
        tutorial.follow(page.format(12))


@pytest.mark.parametrize("ending", ["; false", "; exit 3"])
def test_a_command_that_fails_unannounced(checkout: Path, tmp_path: Path, ending: str) -> None:
    with pytest.raises(AssertionError, match="exit code"):
        Tutorial(checkout, tmp_path).follow(f"```console\n$ echo a{ending}\na\n```\n")

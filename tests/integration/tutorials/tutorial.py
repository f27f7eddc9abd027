# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tutorial as its reader follows it: files are saved, changed and used by commands, whose output is as shown.

- A block whose first line is a comment with the name of a file is this file.
- A block of language ``diff`` that begins in the same way changes the file.
- A ``console`` block has commands, after ``$``, with the output of each below it. ``…`` stands for left out lines.

Commands of status are repeated until they show what the page shows, because health checks take their time.
"""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ADDRESSES = "127.10.10."
SANDBOX = "/tmp/pgsvc-sandbox"
SECONDS = 60
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"# (\S+\.\w+)\n")


@dataclass(frozen=True)
class Command:
    """A command of a page, and the output that the page shows below it."""

    text: str
    shown: list[str] = field(default_factory=list)


def commands(block: str) -> Iterator[Command]:
    """The commands of a ``console`` block; a line that ends with a backslash continues on the next one."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        lines = part.splitlines()
        last = [line.endswith("\\") for line in lines].index(False)
        yield Command("\n".join(lines[: last + 1]), lines[last + 1 :])


def changed(text: str, diff: str) -> str:
    """The text after a change that a page shows as the lines that stay, that are removed (-) and that are added (+)."""
    lines = diff.splitlines(keepends=True)
    old = "".join(line[1:] for line in lines if line[0] in " -")
    new = "".join(line[1:] for line in lines if line[0] in " +")
    assert text.count(old) == 1, f"not once in the file:\n{old}"
    return text.replace(old, new)


def is_shown(shown: list[str], output: list[str]) -> bool:
    """Whether the output is what the page shows, apart from what differs from run to run."""
    parts = "\n".join(comparable(shown)).split("…")
    return bool(re.fullmatch(".*".join(map(re.escape, parts)), "\n".join(comparable(output)), re.DOTALL))


def comparable(lines: list[str]) -> list[str]:
    """Without what is left to chance: how many connections a server got, and which load balancer came first."""
    lines = [re.sub(r"\b\d+ x (?=\w)", "N x ", line).rstrip() for line in lines]
    groups = itertools.groupby(lines, key=lambda line: ": [" in line)
    return [line for reports, group in groups for line in (sorted(group) if reports else group)]


class Tutorial:
    """A page, followed in a folder that has the collection's programs, on addresses that no other test run has."""

    def __init__(self, checkout: Path, folder: Path) -> None:
        # As long as those of the page, so that tables keep their shape.
        second, third = divmod(os.getpid() % 6400, 80)
        self.addresses = f"127.{19 + second}.{19 + third}."
        self.folder = folder
        self.sandbox = folder / "s"
        self.root = folder / "c"
        self.root.mkdir()
        for name in ("bin", "examples"):
            (self.root / name).symlink_to(checkout / name)

    def here(self, text: str) -> str:
        """The text of a page, with the addresses and the folder of this run."""
        return text.replace(ADDRESSES, self.addresses).replace(SANDBOX, str(self.sandbox))

    def follow(self, page: str) -> int:
        """Do what the page says, and see what it shows; return the number of its commands."""
        followed = 0
        for language, block in _BLOCK.findall(page):
            if language == "console":
                for command in commands(block):
                    self.run(command)
                    followed += 1
            elif named := _FILE.match(block):
                path = self.root / named[1]
                text = self.here(block.removeprefix(named[0]))
                path.write_text(changed(path.read_text(), text) if language == "diff" else text)
        return followed

    def run(self, command: Command) -> None:
        deadline = time.monotonic() + SECONDS
        while not is_shown(command.shown, output := self.output(command.text)):
            if "status" not in command.text or time.monotonic() > deadline:
                raise AssertionError("\n".join([f"$ {command.text}", *output, "-- the page shows:", *command.shown]))

    def output(self, command: str) -> list[str]:
        """What a command writes, with the addresses and the folder of the page."""
        environment = {**os.environ, "PGSVC_SANDBOX": str(self.sandbox)}
        done = subprocess.run(
            ["bash", "-c", self.here(command)],
            cwd=self.root,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        text = done.stdout.replace(self.addresses, ADDRESSES).replace(str(self.sandbox), SANDBOX)
        return [*text.splitlines(), *([f"exit code {done.returncode}"] if done.returncode else [])]

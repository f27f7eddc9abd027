# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples as their READMEs run them, on addresses and in a folder that no other test run has."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

_RECAP = re.compile(r"^(\S+) +: ok=\d+ +changed=(\d+) +unreachable=(\d+) +failed=(\d+)", re.MULTILINE)


@dataclass(frozen=True)
class Output:
    """What a command of the examples said."""

    code: int
    text: str

    @property
    def changed(self) -> dict[str, int]:
        """Host to the number of its changed tasks, from Ansible's recap; none may have failed."""
        rows = _RECAP.findall(self.text)
        assert rows, self.text
        assert all(unreachable == failed == "0" for _host, _changed, unreachable, failed in rows), self.text
        return {host: int(changed) for host, changed, *_rest in rows}

    @property
    def last(self) -> str:
        return self.text.rstrip().splitlines()[-1]


class Examples:
    """A copy of ``examples/`` whose addresses begin with `prefix`, beside links to the rest of the checkout."""

    def __init__(self, checkout: Path, folder: Path) -> None:
        second, third = divmod(os.getpid() % 2**14, 2**8)
        self.prefix = f"127.{192 + second}.{third}."
        self.folder = folder
        self.sandbox = folder / "s"
        self.root = folder / "c"
        self.root.mkdir()
        for path in checkout.iterdir():
            if path.name != "examples":
                (self.root / path.name).symlink_to(path)
        for path in sorted((checkout / "examples").rglob("*")):
            copy = self.root / path.relative_to(checkout)
            if path.is_file() and path.suffix != ".pyc":
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_text(re.sub(r"\b127\.10\.\d+\.", self.prefix, path.read_text()))
                copy.chmod(path.stat().st_mode)

    def run(self, *command: str, code: int = 0) -> Output:
        """Run `command` from the root of the copy; it must end with `code`."""
        environment = {
            **os.environ,
            "PGSVC_SANDBOX": str(self.sandbox),
            "PGSVC_EXAMPLE": str(self.folder / "example"),
            "ANSIBLE_LOCAL_TEMP": str(self.folder / "local"),
            "ANSIBLE_REMOTE_TEMP": str(self.folder / "remote"),
        }
        done = subprocess.run(
            command, cwd=self.root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
        )
        text = done.stdout.decode()
        assert done.returncode == code, text
        return Output(done.returncode, text)

    def demo(self, *words: str, code: int = 0) -> Output:
        return self.run("examples/sandbox/demo", *words, code=code)

    def publish(self, inventory: str, *words: str, code: int = 0) -> Output:
        """With Ansible's recap, which shows how many tasks changed something."""
        words = (*words, *(() if "--" in words else ("--",)), "-v")
        return self.run("bin/pgsql-svc", "-i", f"examples/{inventory}", *words, code=code)

    def playbook(self, inventory: str, playbook: str, *words: str) -> Output:
        return self.run("ansible-playbook", "-i", f"examples/{inventory}", f"examples/{playbook}", *words)

    def files(self, host: str) -> dict[str, str]:
        """The service files of a sandbox node: name to text."""
        paths = sorted((self.sandbox / host / "haproxy").glob("*.cfg"))
        return {path.stem: path.read_text() for path in paths if path.stem != "haproxy"}

    def status(self, inventory: str) -> dict[str, set[str]]:
        """Service to who answers there, as ``demo status`` says it; how often is left to chance and slowstart."""
        heading, *rows = self.demo("status", f"examples/{inventory}").text.splitlines()
        assert heading.split()[:1] == ["service"]
        return answers(rows)

    def processes(self) -> list[str]:
        """Command lines of all processes of this sandbox."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                command = path.read_bytes()
            except OSError:
                continue
            if os.fsencode(self.sandbox) in command:
                found.append(command.replace(b"\0", b" ").decode())
        return found


def answers(rows: Iterable[str]) -> dict[str, set[str]]:
    """Service to the servers that answer there, from rows of ``demo status``; how often is left out."""
    cells = (row.split(maxsplit=2) for row in rows)
    return {name: set(re.findall(r"\d+ x ([^,]+)", who)) for name, _address, who in cells}


def lines(text: str, *first_words: str) -> Sequence[str]:
    """The lines of a service file that begin with one of `first_words`, as they stand there."""
    return [line.strip() for line in text.splitlines() if line.split()[:1] and line.split()[0] in first_words]

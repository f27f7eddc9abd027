# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A user exchanges files while root writes to one of them (needs root)."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from ansible_collections.pgsvc.access.plugins.module_utils._blocks.block_file import BlockFile, write_blocks
from ansible_collections.pgsvc.access.plugins.module_utils._blocks.blocks import Line
from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import PublishError
from ansible_collections.pgsvc.access.tests.support.unprivileged import (
    GROUP,
    USER,
    as_user,
    does,
    dress,
    file,
    home,
    listing,
    roots,
)

__all__ = ["file", "home", "roots"]

BLOCK = "# BEGIN pgsvc.access a: changes made here are overwritten\nhost=a\n# END pgsvc.access a\n"
SECRET = "root:$6$s3cret:19000::::::\n"  # noqa: S105  a line of /etc/shadow, as it were


def untouched(_path: Path, _lines: Sequence[Line]) -> None:
    return


def wanted(path: Path, check: Callable[[Path, Sequence[Line]], None] = untouched) -> BlockFile:
    return BlockFile(path, {"a": ["host=a"]}, False, check)


# What the user does between the look and the writing, when the file is to be changed ({0}) or made anew ({1}).
@pytest.mark.parametrize(
    "trick",
    [
        "os.unlink({0}); os.symlink({2}, {0})",
        "os.unlink({0}); os.link({1}, {0})",
        "os.unlink({0}); os.mkfifo({0})",
        "os.unlink({0})",
        "open({0}, 'a').write('password=new')",
        "os.chmod({0}, 0o644)",
        "os.rename({1}, {0})",
        "os.link({0}, {0} + '2')",
    ],
)
def test_a_file_that_is_exchanged_meanwhile(file: Path, roots: Path, trick: str) -> None:
    victim = roots / "victim"
    victim.write_text(SECRET, encoding="utf-8")
    spare = file.with_name("spare")
    spare.write_text("spare\n", encoding="utf-8")
    os.chown(spare, USER, GROUP)
    code = trick.format("sys.argv[1]", "sys.argv[2]", "sys.argv[3]")
    after: list[tuple[str, int]] = []

    def meanwhile(_path: Path, _lines: Sequence[Line]) -> None:
        does(code, file, spare, victim)
        after.extend(listing(file.parent))

    with pytest.raises(PublishError) as caught:
        write_blocks(wanted(file, meanwhile), check=False, diff=True)
    assert str(caught.value) == (
        f"{file} was changed by another program during this run, and that change was kept: run again"
    )
    assert listing(file.parent) == after
    assert dress(victim)[:3] == (0, 0, 0o644)
    assert victim.read_text(encoding="utf-8") == SECRET


def test_a_file_that_appears_meanwhile(home: Path) -> None:
    def meanwhile(_path: Path, _lines: Sequence[Line]) -> None:
        does("open(sys.argv[1], 'w').write('mine')", home / "new")

    with pytest.raises(PublishError, match=r"was changed by another program during this run"):
        write_blocks(wanted(home / "new", meanwhile), check=False, diff=True)
    assert (home / "new").read_text(encoding="utf-8") == "mine"


def test_a_folder_that_is_exchanged_meanwhile(home: Path, roots: Path) -> None:
    """The folder that was looked at is written to, wherever its path leads by now."""
    (roots / "etc").mkdir()
    folder = home / "folder"
    does("os.mkdir(sys.argv[1])", folder)

    def meanwhile(_path: Path, _lines: Sequence[Line]) -> None:
        does("os.rename(sys.argv[1], sys.argv[1] + '2'); os.symlink(sys.argv[2], sys.argv[1])", folder, roots / "etc")

    write_blocks(wanted(folder / "new", meanwhile), check=False, diff=False)
    assert list((roots / "etc").iterdir()) == []
    assert (home / "folder2" / "new").read_text(encoding="utf-8") == BLOCK


@pytest.mark.parametrize("trick", ["os.symlink(sys.argv[2], sys.argv[1])", "os.mkfifo(sys.argv[1])"])
def test_the_temporary_name_is_taken(file: Path, roots: Path, trick: str) -> None:
    victim = roots / "victim"
    victim.write_text(SECRET, encoding="utf-8")
    does(trick, file.with_name(f".pgsvc-write.{file.name}.tmp"), victim)
    write_blocks(wanted(file), check=False, diff=False)
    assert victim.read_text(encoding="utf-8") == SECRET
    assert file.read_text(encoding="utf-8").endswith(BLOCK)
    assert [path.name for path in file.parent.iterdir()] == [file.name]


# One process of the user, which exchanges the file, its folder and the temporary file at every moment.
RACE = """
import os, random, sys, time
folder, victim = sys.argv[1:]
os.chdir(folder)
def link(to, at): os.symlink(to, "swap"); os.rename("swap", at)
def write(): open("swap", "w").write("[mine]\\nhost=h\\n"); os.rename("swap", "inner/file")
def turn():
    os.rename("inner", "real"); os.symlink(os.path.dirname(victim), "inner")
    os.unlink("inner"); os.rename("real", "inner")
tricks = [write, turn, lambda: link(victim, "inner/file"), lambda: link(victim, "inner/.pgsvc-write.file.tmp")]
while True:
    try:
        random.choice(tricks)()
    except OSError:
        pass
    time.sleep(random.choice([0, 0, 0, 0.001, 0.003]))
"""


def test_a_user_who_never_stops(home: Path, roots: Path) -> None:
    """Whatever the moment, root's files stay as they are, and what they say is not seen."""
    victim = roots / "file"
    victim.write_text(SECRET, encoding="utf-8")
    before = (dress(victim), victim.stat().st_mtime_ns, listing(roots))
    does("os.mkdir(sys.argv[1])", home / "inner")
    written = refusals = 0
    with as_user(RACE, home, victim) as process:
        try:
            # Until both have happened often enough; how often each does is a matter of the machine.
            while min(written, refusals) < 50:
                try:
                    result = write_blocks(wanted(home / "inner" / "file"), check=False, diff=True)
                except PublishError as error:
                    refusals += 1
                    assert "s3cret" not in str(error)
                else:
                    written += result["changed"]
                    assert "s3cret" not in str(result)
                assert process.poll() is None, process.communicate()
                assert (dress(victim), victim.stat().st_mtime_ns, listing(roots)) == before
        finally:
            process.kill()

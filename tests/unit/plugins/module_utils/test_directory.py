# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration directory: what is read, what changes, and what a journal completes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from ansible_collections.pgsvc.access.plugins.module_utils._host import files, steps
from ansible_collections.pgsvc.access.plugins.module_utils._publish import directory, swap
from ansible_collections.pgsvc.access.plugins.module_utils._publish.directory import Entry, Wanted
from ansible_collections.pgsvc.access.plugins.module_utils._publish.swap import Journal, Swap


def content(owner: str, name: str = "a", port: int = 1) -> str:
    return f"# managed by pgsvc.access, owner {owner}: x\nlisten {name}\n    bind *:{port}\n"


def entry(text: str) -> Entry:
    return Entry(text.encode(), 0.0)


def test_read_is_what_haproxy_loads(tmp_path: Path) -> None:
    for name in ("b.cfg", "a.cfg", ".hidden.cfg", "a.cfg.bak", "cfg", ".cfg", "x.tmp"):
        (tmp_path / name).write_text(name)
    (tmp_path / "folder.cfg").mkdir()
    (tmp_path / "link.cfg").symlink_to("a.cfg")
    (tmp_path / "dangling.cfg").symlink_to("nowhere")
    found = directory.read(tmp_path)
    assert {name: each.text for name, each in found.items()} == {"a": "a.cfg", "b": "b.cfg", "link": "a.cfg"}
    assert list(found) == ["a", "b", "link"]


def test_compare() -> None:
    disk = {
        "same": entry(content("o/1", "same")),
        "other": entry(content("o/1", "other")),
        "stale": entry(content("o/2", "stale")),
        "not-ours": entry(content("p/1")),
        "foreign": entry("listen foreign\n"),
        "adopted": entry("listen adopted\n mode tcp\n"),
    }
    wanted = [
        Wanted("same", "o/1", content("o/1", "same")),
        Wanted("other", "o/2", content("o/2", "other")),
        Wanted("new", "o/1", content("o/1", "new")),
        Wanted("adopted", "o/1", content("o/1", "adopted")),
    ]
    changes = directory.compare(disk, wanted, ["o/*"])
    assert [(change.name, change.owner, change.status) for change in changes] == [
        ("adopted", "o/1", "updated"),
        ("new", "o/1", "created"),
        ("other", "o/2", "updated"),
        ("same", "o/1", "unchanged"),
        ("stale", "o/2", "removed"),
    ]
    assert list(directory.after(disk, changes)) == ["adopted", "foreign", "new", "not-ours", "other", "same"]


OLD = {"a": content("o", "a", 1), "b": content("o", "b", 2), "gone": content("o", "gone", 3), "same": "same"}
NEW = {
    "a": content("o", "a", 2).encode(),
    "b": content("o", "b", 1).encode(),
    "gone": None,
    "new": content("o", "n", 3).encode(),
}
AFTER = {"a": content("o", "a", 2), "b": content("o", "b", 1), "new": content("o", "n", 3), "same": "same"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in OLD.items():
        (tmp_path / f"{name}.cfg").write_text(text)
    return tmp_path


def texts(folder: Path) -> dict[str, str]:
    return {path.name.removesuffix(".cfg"): path.read_text() for path in folder.iterdir()}


class StoppedError(Exception):
    """The run ends here."""


def test_a_swap_takes_movers_and_removed_files_away_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(steps, "done", done.append)
    swap = Swap(folder, NEW)
    swap.prepare()
    swap.commit()
    swap.finish()
    assert done == [
        *("write a", "write b", "write new", "keep a", "keep b", "keep gone", "write the journal"),
        *("remove gone", "remove a", "remove b", "rename a", "rename b", "rename new"),
        *("remove the journal", "drop the old files"),
    ]
    assert texts(folder) == AFTER


CHECK = "# managed by pgsvc.access, owner o:\nbackend c\n    server {}\n"
TRACKING = "# managed by pgsvc.access, owner o:\nlisten s\n    server m 10.0.0.1:1 track c/m\n"
MORE = "    server n 10.0.0.2:1 track c/n\n"
PLAIN = "# managed by pgsvc.access, owner o:\nlisten s\n    server m 10.0.0.1:1 check\n"
# What tracks a server is there only while that server is.
ORDERS: dict[str, tuple[dict[str, str], dict[str, str | None], list[str]]] = {
    "live": (
        {"s": PLAIN}, {"s": TRACKING, "c": CHECK.format("m")}, ["remove s", "rename c", "rename s"],
    ),
    "declared": (
        {"s": TRACKING, "c": CHECK.format("m")}, {"c": None, "s": PLAIN}, ["remove s", "remove c", "rename s"],
    ),
    "another member": (
        {"s": TRACKING, "c": CHECK.format("m")}, {"s": TRACKING + MORE, "c": CHECK.format("n")},
        ["remove s", "rename c", "rename s"],
    ),
    "none of them stays": (
        {"s": TRACKING, "c": CHECK.format("m")}, {"c": None, "s": None}, ["remove s", "remove c"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ORDERS)
@pytest.mark.parametrize("undo", [False, True], ids=["commit", "undo"])
def test_a_file_that_tracks_is_there_only_with_what_it_tracks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, undo: bool
) -> None:
    old, new, expected = ORDERS[name]
    for file, text in old.items():
        (tmp_path / f"{file}.cfg").write_text(text)
    done: list[str] = []

    def note(step: str) -> None:
        done.append(step)
        assert not (tmp_path / "s.cfg").exists() or "track" not in texts(tmp_path)["s"] or "c" in texts(tmp_path)

    monkeypatch.setattr(steps, "done", note)
    swap = Swap(tmp_path, {file: None if text is None else text.encode() for file, text in new.items()})
    swap.prepare()
    swap.commit()
    assert [step for step in done if step.startswith(("remove ", "rename ")) and "journal" not in step] == expected
    if undo:
        swap.undo()
        assert texts(tmp_path) == old


def test_undo_gives_the_same_files_back(folder: Path) -> None:
    before = {path.name: path.stat() for path in folder.iterdir()}
    swap = Swap(folder, NEW)
    swap.prepare()
    swap.commit()
    swap.undo()
    assert texts(folder) == OLD
    after = {path.name: path.stat() for path in folder.iterdir()}
    assert [(s.st_ino, s.st_mtime_ns, s.st_mode) for s in after.values()] == [
        (s.st_ino, s.st_mtime_ns, s.st_mode) for s in (before[name] for name in after)
    ]


@pytest.mark.parametrize("last", range(1, 16))
def test_recovery_after_each_step(folder: Path, monkeypatch: pytest.MonkeyPatch, last: int) -> None:
    """Before the journal is there everything stays old, from then on all becomes new; `overlay` foresees it."""
    done: list[str] = []

    def stop(step: str) -> None:
        done.append(step)
        if len(done) == last:
            raise StoppedError

    with monkeypatch.context() as patch, pytest.raises(StoppedError):
        patch.setattr(steps, "done", stop)
        files = Swap(folder, NEW)
        files.prepare()
        files.commit()
        files.finish()
    foreseen = swap.overlay(folder, directory.read(folder))
    swap.recover(folder)
    expected = AFTER if "write the journal" in done else OLD
    assert texts(folder) == expected
    assert {name: each.text for name, each in foreseen.items()} == expected


def test_a_rename_that_fails_is_undone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.replace

    def replace(self: Path, target: Path) -> Path:
        if target.name == "b.cfg" and "-new." in self.name:
            raise PermissionError(1, "Operation not permitted", str(self))
        return real(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    swap = Swap(folder, NEW)
    swap.prepare()
    with pytest.raises(PermissionError):
        swap.commit()
    assert texts(folder) == OLD


def test_only_own_temporary_files_are_cleaned(folder: Path) -> None:
    (folder / "theirs.tmp").write_text("")
    (folder / ".theirs.cfg.tmp").write_text("")
    (folder / ".pgsvc-new.a.cfg.tmp").write_text("")
    swap.recover(folder)
    assert set(texts(folder)) == {*OLD, "theirs.tmp", ".theirs.cfg.tmp"}


def test_a_journal_is_readable_by_the_next_run(folder: Path) -> None:
    Journal("new", ["gone"], ["a"]).write(folder)
    assert swap.pending(folder) == Journal("new", ["gone"], ["a"])
    assert json.loads((folder / ".pgsvc-journal.swap.tmp").read_text())["kind"] == "new"


def test_a_written_file_has_its_mode_whatever_the_umask(tmp_path: Path) -> None:
    mask = os.umask(0o077)
    try:
        files.write_file(tmp_path / "a", b"text", 0o644)
    finally:
        os.umask(mask)
    assert (tmp_path / "a").stat().st_mode & 0o7777 == 0o644
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_temporary_name_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("theirs")
    (tmp_path / ".pgsvc-new.a.cfg.tmp").symlink_to("target")
    with pytest.raises(FileExistsError):
        files.write_new(files.temporary(tmp_path / "a.cfg", "new"), b"x", 0o644)
    assert (tmp_path / "target").read_text() == "theirs"

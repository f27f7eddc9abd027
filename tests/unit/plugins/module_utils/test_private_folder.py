# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which temporary folders a run removes, beside its own."""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path

import pytest

from ansible_collections.pgsvc.access.plugins.module_utils._host import private_folder


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """The folder that Ansible has made for this run."""
    folder = tmp_path / "ansible-tmp-own"
    folder.mkdir()
    return folder


def make(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "haproxy").mkdir()
    (folder / "haproxy/a.cfg").write_text("")
    (folder / "haproxy/link").symlink_to("/etc")
    return folder


def test_its_own_folder_goes_when_it_is_done(own: Path) -> None:
    with private_folder.private_folder(str(own)) as (folder, _descriptor):
        assert folder.parent == own
        assert folder.stat().st_mode & 0o777 == 0o700
    assert list(own.iterdir()) == []


@pytest.mark.parametrize("run", ["ansible-tmp-1700000000.1-12-3", "ansible-moduletmp-1700000000.1-x_y"])
def test_a_leftover_is_removed(own: Path, tmp_path: Path, run: str) -> None:
    leftover = make(tmp_path / run / "pgsvc-abcdefgh")
    with private_folder.private_folder(str(own)):
        assert not leftover.exists()
        assert not leftover.parent.exists()
    assert Path("/etc").is_dir()


def test_a_folder_in_use_stays(own: Path, tmp_path: Path) -> None:
    other = tmp_path / "ansible-tmp-other"
    other.mkdir()
    with private_folder.private_folder(str(other)) as (used, _descriptor), private_folder.private_folder(str(own)):
        assert used.is_dir()


def test_what_is_not_a_leftover_of_ours_stays(own: Path, tmp_path: Path) -> None:
    foreign = [make(tmp_path / "ansible-tmp-1/other-abc"), make(tmp_path / "elsewhere/pgsvc-abc")]
    somebodys = make(tmp_path / "ansible-tmp-2/pgsvc-abc")
    link = tmp_path / "ansible-tmp-1/pgsvc-link"
    link.symlink_to(foreign[0])
    if os.geteuid() == 0:
        os.chown(somebodys, 65534, 65534)
        foreign.append(somebodys)
    with private_folder.private_folder(str(own)):
        assert all((folder / "haproxy/a.cfg").exists() for folder in [*foreign, link])


def test_nothing_is_removed_outside_of_ansibles_folders(tmp_path: Path) -> None:
    kept = [make(tmp_path / "pgsvc-abc"), make(tmp_path / "ansible-tmp-1/pgsvc-abc")]
    (tmp_path / "tmp").mkdir()
    with private_folder.private_folder(str(tmp_path / "tmp")):
        assert all(folder.is_dir() for folder in kept)


def test_a_folder_that_another_run_removed_is_made_again(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = private_folder._open
    removed: list[Path] = []

    def too_late(folder: Path) -> int:
        if not removed:
            removed.append(folder)
            folder.rmdir()
            own.rmdir()
        return opened(folder)

    monkeypatch.setattr(private_folder, "_open", too_late)
    with private_folder.private_folder(str(own)) as (folder, _descriptor):
        assert folder.is_dir()
        assert [folder] != removed


def test_a_folder_that_another_run_is_about_to_remove_is_made_again(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other run has the lock, and has not removed it yet."""
    opened = private_folder._open
    locked: list[tuple[Path, int]] = []

    def slow(folder: Path) -> int:
        if not locked:
            other = opened(folder)
            fcntl.flock(other, fcntl.LOCK_EX)
            locked.append((folder, other))
        return opened(folder)

    monkeypatch.setattr(private_folder, "_open", slow)
    with private_folder.private_folder(str(own)) as (folder, _descriptor):
        theirs, other = locked[0]
        assert folder != theirs
        shutil.rmtree(theirs)
        assert folder.is_dir()
    os.close(other)

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process that cannot take the files over, and files that cannot be written: the old state is put back, or kept."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.pgsvc.access.plugins.module_utils._host import steps
from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import PublishError
from ansible_collections.pgsvc.access.plugins.module_utils._publish.directory import Wanted
from ansible_collections.pgsvc.access.plugins.module_utils._publish.publication import publish
from ansible_collections.pgsvc.access.plugins.module_utils._publish.request import Request
from ansible_collections.pgsvc.access.tests.integration.publish.node import Node, statuses

# Accepted by `haproxy -c`, and impossible to open: the folder of the socket is not there.
IMPOSSIBLE = "bind /nonexistent/folder/a.sock"


def test_a_failed_reload_is_put_back(node: Node) -> None:
    """Exchanged ports, a removed and a new file beside the impossible one: all of it goes back, the inodes too."""
    files = [node.service("a", 5440), node.service("b", 5442), node.service("gone", 5449)]
    node.publish(files)
    before, worker = node.snapshot(states_by_content=True), node.haproxy.worker
    failing = [
        node.service("a", 5442, options=[IMPOSSIBLE]),
        node.service("b", 5440),
        node.service("new", 5443),
    ]

    result = node.publish(failing)

    assert result["failed"] is True
    assert result["rolled_back"] is True
    assert result["msg"].startswith("HAProxy failed to reload: ")
    assert result["msg"].endswith(
        f". The files in {node.conf_dir} have been put back; HAProxy still runs what it had loaded"
    )
    assert node.snapshot(states_by_content=True) == before
    assert node.proxies() == {"a", "b", "gone"}
    assert node.haproxy.worker == worker
    assert node.publish(files)["changed"] is False


def test_a_failed_reload_without_new_files_has_nothing_to_put_back(node: Node) -> None:
    node.publish([node.service("a", 5440, options=[IMPOSSIBLE])], apply=False)
    before = node.snapshot(states_by_content=True)
    result = node.publish([], write=False)
    assert result["rolled_back"] is False
    assert result["msg"].startswith("HAProxy failed to reload: ")
    assert node.snapshot(states_by_content=True) == before


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 kB."""
    place = tmp_path / "small"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,nr_inodes=64", "tmpfs", str(place)], check=True)
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(folder: Path, leave: int) -> None:
    """Take all blocks but `leave` pages of 4 kB."""
    with (folder / "filler").open("wb", buffering=0) as filler:
        for _each in range(shutil.disk_usage(folder).free // 4096 - leave):
            filler.write(b"\0" * 4096)


@pytest.mark.spread
@pytest.mark.parametrize("leave", [0, 1, 2, 3])
def test_a_full_disk(node: Node, small_disk: Path, leave: int) -> None:
    """Wherever the space ends - in the first file, a later one, or the journal - the directory stays as it was."""
    shutil.rmtree(node.conf_dir)
    node.conf_dir.symlink_to(small_disk)
    node.publish([node.service("a", 5440), node.service("gone", 5449)])
    fill(small_disk, leave)
    before, reloads = node.snapshot(states_by_content=True), node.reloads()

    result = node.publish([node.service("a", 5441), node.service("b", 5442), node.service("c", 5443)])

    assert result["failed"] is True
    assert result["rolled_back"] is False
    assert result["msg"].startswith(f"{node.conf_dir}/.pgsvc-")
    assert result["msg"].endswith(
        ".tmp: No space left on device; free space on that file system and run again. Nothing was changed"
    )
    assert node.snapshot(states_by_content=True) == before
    assert node.reloads() == reloads
    (small_disk / "filler").unlink()
    assert statuses(node.publish([node.service("a", 5441)])) == {"a": "updated", "gone": "removed"}


@pytest.mark.spread
@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize("read_only", ["conf_dir", "state_dir"])
def test_a_read_only_folder(node: Node, read_only: str, check: bool) -> None:
    node.publish([node.service("a", 5440)])
    before, reloads = node.snapshot(states_by_content=True), node.reloads()
    place = str(getattr(node, read_only))
    subprocess.run(["mount", "--bind", place, place], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", place], check=True)
        files = [node.service("a", 5441, servers=["s1", "s2"]), node.service("b", 5442)]
        result = node.publish(files, check=check)
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)
    assert result["failed"] is True
    assert result["rolled_back"] is False
    if check:
        why = "its file system is read-only, or the user is not root"
        assert result["msg"] == f"{place} cannot be written: {why}"
    else:
        assert result["msg"].startswith(f"{place}/")
        assert result["msg"].endswith(
            ": Read-only file system; it is on a read-only file system: remount it writable and run again. "
            "Nothing was changed"
        )
    assert node.snapshot(states_by_content=True) == before
    assert node.reloads() == reloads


def test_an_undo_that_fails_is_not_called_done(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder becomes immutable while HAProxy refuses the new files."""
    node.directly([node.service("a", 5440)])
    said = node.arguments([node.service("a", 5442, options=[IMPOSSIBLE])])
    said.update(files=[Wanted(**each) for each in said["files"]], conf_dir=node.conf_dir, state_dir=node.state_dir)

    def freeze(done: str) -> None:
        if done == "carry the server states":
            subprocess.run(["chattr", "+i", node.conf_dir], check=True)

    monkeypatch.setattr(steps, "done", freeze)
    try:
        with pytest.raises(PublishError, match=r"could not be put back: .*\.cfg.*: Operation not permitted") as caught:
            publish(Request(**said))
    finally:
        subprocess.run(["chattr", "-i", node.conf_dir], check=True)
    assert caught.value.rolled_back is False
    assert node.directly([node.service("a", 5440)]).changed
    assert node.proxies() == {"a"}

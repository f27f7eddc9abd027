# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a killed run or somebody else has left in the folders: it is set aside or refused, with words."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.pgsvc.access.tests.integration.publish.node import Node, statuses

JOURNALS = {
    "empty": "",
    "truncated": '{"kind": "new", "rem',
    "not a mapping": "[1, 2]",
    "nested too deeply": "[" * 100_000,
    "another kind": '{"kind": "x", "remove": [], "rename": []}',
    "no list": '{"kind": "new", "remove": "a", "rename": []}',
    "no names": '{"kind": "new", "remove": [1], "rename": [null]}',
    "a name outside the folder": '{"kind": "new", "remove": ["../victim"], "rename": []}',
    "the base configuration": '{"kind": "new", "remove": ["haproxy"], "rename": []}',
}


@pytest.mark.spread
@pytest.mark.parametrize("journal", JOURNALS)
def test_a_damaged_journal_is_set_aside(node: Node, journal: str) -> None:
    files = [node.service("a", 5440)]
    node.publish(files)
    victims = [node.haproxy.folder / "victim.cfg", node.conf_dir / "haproxy.cfg"]
    for victim in victims:
        victim.write_text("# mine\n")
    (node.conf_dir / ".pgsvc-journal.swap.cfg.tmp").write_text(JOURNALS[journal])
    (node.conf_dir / ".pgsvc-journal.swap.tmp").write_text(JOURNALS[journal])

    assert node.publish(files, check=True)["changed"] is False
    result = node.publish(files)

    assert statuses(result) == {"a": "unchanged"}
    (warning,) = result["warnings"]
    assert warning.startswith("The journal of a killed run is damaged (")
    assert warning.endswith(f" and was moved to {node.conf_dir}/pgsvc-damaged-journal; it was not applied")
    assert [victim.read_text() for victim in victims] == ["# mine\n"] * 2
    assert "warnings" not in node.publish(files)


def fifo(path: Path) -> None:
    os.mkfifo(path / "loaded.json.old")


def link(path: Path) -> None:
    path.rename(path.with_name("real"))
    path.symlink_to("real")


STATE_DIRS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a FIFO": (fifo, "contains 'loaded.json.old', which is not a regular file"),
    "a symbolic link": (link, "is a symbolic link"),
    "another user's": (lambda path: os.chown(path, 12345, -1), "belongs to user 12345"),
    "writable for everybody": (lambda path: path.chmod(0o777), "is writable by other users (mode 0777)"),
    "writable for a group": (lambda path: path.chmod(0o770), "is writable by other users (mode 0770)"),
}


@pytest.mark.spread
@pytest.mark.parametrize("case", STATE_DIRS)
def test_a_state_folder_that_is_not_roots_alone_is_refused(node: Node, case: str) -> None:
    files = [node.service("a", 5440)]
    node.publish(files)
    spoil, words = STATE_DIRS[case]
    spoil(node.state_dir)
    before = node.files()
    result = node.publish([node.service("a", 5441)])
    assert result["msg"] == (
        f"{node.state_dir} {words}: set haproxy_state_dir (state_dir) to a folder that only root may write to, or let "
        "this collection create it. Nothing was changed"
    )
    assert node.files() == before

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The label of the state folder. No policy of SELinux is at hand: the labels of files are held in a table here."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from ansible_collections.pgsvc.access.plugins.module_utils._host import selinux
from ansible_collections.pgsvc.access.plugins.module_utils._publish import state_dir

WANTED = "system_u:object_r:haproxy_var_lib_t:s0:c1,c2"
Labels = dict[str, bytes]


@pytest.fixture
def labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Labels:
    """A host with a policy, and the labels of its files by name; a new folder gets that of `/var/lib`."""
    found: Labels = {}

    def get(path: Path, _name: str, *, follow_symlinks: bool) -> bytes:
        assert not follow_symlinks
        return found.get(path.name, b"system_u:object_r:var_lib_t:s0:c1,c2\0")

    def put(path: Path, _name: str, value: bytes, *, follow_symlinks: bool) -> None:
        assert not follow_symlinks
        found[path.name] = value

    (tmp_path / "selinux").mkdir()
    (tmp_path / "selinux" / "enforce").write_text("1")
    monkeypatch.setattr(selinux, "ROOT", tmp_path / "selinux")
    monkeypatch.setattr(os, "getxattr", get)
    monkeypatch.setattr(os, "setxattr", put)
    return found


def test_a_new_folder(labels: Labels, tmp_path: Path) -> None:
    assert state_dir.prepare(tmp_path / "state") == []
    assert labels == {"state": f"{WANTED}\0".encode()}


def test_a_folder_with_files_of_another_type(labels: Labels, tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    (folder / "pg-test-primary").touch()
    assert state_dir.prepare(folder) == []
    assert labels == dict.fromkeys(("state", "pg-test-primary"), f"{WANTED}\0".encode())


def test_a_folder_that_has_the_type(labels: Labels, tmp_path: Path) -> None:
    """`/var/lib/haproxy/pgsvc` has it by its parent folder: nothing is written."""
    labels["state"] = b"unconfined_u:object_r:haproxy_var_lib_t:s0"
    before = dict(labels)
    assert state_dir.prepare(tmp_path / "state") == []
    assert labels == before


def test_a_host_without_a_policy(labels: Labels, tmp_path: Path) -> None:
    (selinux.ROOT / "enforce").unlink()
    assert state_dir.prepare(tmp_path / "state") == []
    assert labels == {}


def test_a_policy_without_the_type(labels: Labels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, follow_symlinks: bool) -> None:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    monkeypatch.setattr(os, "setxattr", refuse)
    folder = tmp_path / "state"
    assert state_dir.prepare(folder) == [
        f"{folder} could not get the SELinux type haproxy_var_lib_t (Invalid argument): HAProxy may not be allowed to "
        "read the states of servers"
    ]

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An unprivileged user with a folder of its own, beside a folder of root."""

from __future__ import annotations

import os
import pwd
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

USER = 65533  # in no list of users: a number is all that the kernel needs
GROUP = 65532


def as_user(code: str, *words: Path | str) -> subprocess.Popen[str]:
    """A Python process of the user: of the system's Python, as the tests' own may be where only root can reach it."""
    return subprocess.Popen(
        ["/usr/bin/python3", "-c", code, *map(str, words)],
        user=USER,
        group=GROUP,
        extra_groups=[],
        cwd="/",
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def does(code: str, *words: Path | str) -> None:
    """Let the user do something."""
    process = as_user(f"import os, sys; {code}", *words)
    said = process.communicate()
    assert process.returncode == 0, said


@pytest.fixture
def roots() -> Iterator[Path]:
    """A folder of root's in which every folder on the way is root's, too: pytest's own are below /tmp."""
    assert os.geteuid() == 0, "these tests run as root, which is what the modules are on real hosts"
    with tempfile.TemporaryDirectory(prefix=".pgsvc-test-", dir=pwd.getpwuid(0).pw_dir) as folder:
        yield Path(folder)


@pytest.fixture
def home(roots: Path) -> Iterator[Path]:
    """The user's folder, which everyone can reach."""
    with tempfile.TemporaryDirectory(prefix="pgsvc-test-") as folder:
        os.chown(folder, USER, GROUP)
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def file(home: Path) -> Path:
    """The user's own file, which only he can read."""
    path = home / ".pg_service.conf"
    path.write_text("[mine]\nhost=h\n", encoding="utf-8")
    path.chmod(0o600)
    os.chown(path, USER, GROUP)
    return path


def dress(path: Path) -> tuple[int, int, int, dict[str, bytes]]:
    status = path.stat()
    attributes = {name: os.getxattr(path, name) for name in os.listxattr(path)}
    return status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode), attributes


def listing(folder: Path) -> list[tuple[str, int]]:
    """What is in a folder, by name and inode: nothing of ours is left behind, nothing of the user's was exchanged."""
    return sorted((path.name, path.lstat().st_ino) for path in folder.iterdir())

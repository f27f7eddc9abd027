# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people see of the secrets in a service file (needs root)."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ansible_collections.pgsvc.access.tests.integration.access.conftest import changed, playbook
from ansible_collections.pgsvc.access.tests.support.unprivileged import (
    GROUP,
    USER,
    dress,
    file,
    home,
    roots,
)

pytestmark = pytest.mark.every_core

__all__ = ["file", "home", "roots"]


def write_play(path: Path, file: Path, password: str) -> str:
    """A play that puts a section with a password into the file."""
    section = {"name": "a-primary", "parameters": {"host": "10.10.10.3", "password": password}}
    task = {"path": str(file), "clusters": [{"name": "a", "sections": [section]}]}
    common = {"ansible_connection": "local", "ansible_python_interpreter": "/usr/bin/python3"}
    tasks = [{"pgsvc.access.pg_service_conf": task}]
    path.write_text(
        json.dumps([{"hosts": "localhost", "gather_facts": False, "vars": common, "tasks": tasks}]), encoding="utf-8"
    )
    return str(path)


@pytest.mark.parametrize("mode", ["--check", "--diff"])
def test_what_ansible_shows_of_secrets(file: Path, tmp_path: Path, mode: str) -> None:
    """Neither a user's nor ours, in the difference and in the arguments that -vvv and other callbacks get."""
    file.write_text("[mine]\nhost=h\npassword=s3cret-theirs\n", encoding="utf-8")
    play = write_play(tmp_path / "play.yml", file, "s3cret-ours")
    done = playbook(Path("localhost,"), play, "--diff", "-vvv", mode)
    assert changed(done) == 1
    assert "s3cret" not in done.stdout + done.stderr
    assert re.findall(r"^[ +-]password=.*", done.stdout, re.MULTILINE) == [" password=********", "+password=********"]
    assert ("password=s3cret-ours" in file.read_text(encoding="utf-8")) is (mode != "--check")
    assert dress(file)[:3] == (USER, GROUP, 0o600)


def test_an_error_shows_no_secret(file: Path, tmp_path: Path) -> None:
    done = playbook(Path("localhost,"), write_play(tmp_path / "play.yml", file, "s3cret\nours"), "-vvv")
    assert done.returncode == 2
    assert "the value cannot be used in a service file as password" in done.stdout
    assert "s3cret" not in done.stdout + done.stderr

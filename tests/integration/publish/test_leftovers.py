# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A killed run leaves its temporary folder in remote_tmp; the next run removes it once nothing uses it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from ansible_collections.pgsvc.access.tests.integration.publish.node import Node, statuses
from ansible_collections.pgsvc.access.tests.support.haproxy import wait_until

_SLOW = """\
#!/bin/sh
echo $$ >{note}.new && mv {note}.new {note}
exec sleep 300
"""


def folder_of_a_run(remote_tmp: Path, name: str) -> str:
    """What Ansible makes on a host for one module."""
    folder = remote_tmp / name
    folder.mkdir(parents=True)
    (folder / "AnsiballZ_haproxy_publish.py").touch()
    return str(folder)


def test_the_next_run_removes_what_a_killed_run_left(node: Node, tmp_path: Path) -> None:
    slow, note, remote_tmp = tmp_path / "slow", tmp_path / "note", tmp_path / "remote"
    slow.write_text(_SLOW.format(note=note))
    slow.chmod(0o755)
    killed = folder_of_a_run(remote_tmp, "ansible-tmp-1-1-1")
    files = [node.service("a", 5440)]

    run = node.begin(files, binary=str(slow), _ansible_tmpdir=killed)
    wait_until(note.exists)
    run.kill()
    assert run.output() == (-signal.SIGKILL, "")
    (left,) = Path(killed).glob("pgsvc-*")
    (Path(killed) / "pgsvc.txt").touch()
    (Path(killed) / "somebodys").mkdir()

    # The validation that the killed run has started still reads the folder.
    checked = node.publish(files, check=True, _ansible_tmpdir=folder_of_a_run(remote_tmp, "ansible-tmp-2-2-2"))
    assert statuses(checked) == {"a": "created"}
    assert left.is_dir()

    os.kill(int(note.read_text()), signal.SIGKILL)
    wait_until(lambda: not Path(f"/proc/{note.read_text().strip()}/fd/3").exists())
    node.publish(files, _ansible_tmpdir=folder_of_a_run(remote_tmp, "ansible-tmp-3-3-3"))

    names = {str(path.relative_to(remote_tmp)) for path in remote_tmp.glob("*/*")}
    payloads = {f"ansible-tmp-{n}-{n}-{n}/AnsiballZ_haproxy_publish.py" for n in (1, 2, 3)}
    assert names == payloads | {"ansible-tmp-1-1-1/pgsvc.txt", "ansible-tmp-1-1-1/somebodys"}

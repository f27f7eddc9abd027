# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Validates new configuration files with the program that reads them before they replace the present ones."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Optional

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.secrets import may_hold_secret
from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import PublishError
from ansible_collections.pgsvc.access.plugins.module_utils._host.private_folder import private_folder
from ansible_collections.pgsvc.access.plugins.module_utils._unit.files import Wanted

_TIMEOUT = 60  # seconds; HAProxy resolves the names of servers while it checks
# Variables that systemd and a master of HAProxy set for their own use.
_NOT_ITS_OWN = ("HAPROXY_", "LISTEN_", "NOTIFY_SOCKET", "WATCHDOG_")


def validate(command: Sequence[str], files: Sequence[Wanted], pid: Optional[int], temporary: str) -> None:
    """Run `command` with its folders replaced by copies that have the new `files`. Raises `PublishError`.

    The environment is that of the running process `pid`, because a configuration may refer to its variables.
    """
    with private_folder(temporary) as (root, descriptor):
        stages = _staged(command, files, root)
        words = [_replaced(word, stages) for word in command]
        try:
            done = subprocess.run(  # pylint: disable=ansible-bad-function  # run_command is a method of modules
                words, check=False, cwd="/", env=_environment(pid), pass_fds=[descriptor], stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=_TIMEOUT,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise PublishError(
                f"{command[0]} took more than {_TIMEOUT} seconds to validate: check whether it can resolve all names. "
                "Nothing was changed"
            ) from None
        except OSError as error:
            raise PublishError(
                f"{command[0]} cannot be started to validate: {error.strerror}. Nothing was changed"
            ) from error
        output = _replaced(done.stdout.decode(errors="replace"), {stage: folder for folder, stage in stages.items()})
    if done.returncode != 0:
        raise PublishError(f"{command[0]} rejects the new configuration: {_reason(output)}. Nothing was changed")


def _staged(command: Sequence[str], files: Iterable[Wanted], root: Path) -> dict[str, str]:
    """Copies of the folders in the command that have one of the files: a mapping of folder to copy."""
    stages: dict[str, str] = {}
    text = " ".join(command)
    for wanted in files:
        folder = wanted.path.parent
        if _named(str(folder)).search(text) is None:
            continue
        stage = root / str(len(stages)) / folder.name
        if str(folder) in stages:
            stage = Path(stages[str(folder)])
        else:
            stages[str(folder)] = str(stage)
            stage.mkdir(parents=True, mode=0o700)
            _link(folder, stage)
            if "default-path" in wanted.content:  # files may be named relative to the folder (HAProxy manual 3.1)
                _link(folder.parent, stage.parent)
        copy = stage / wanted.path.name
        copy.unlink(missing_ok=True)
        copy.write_bytes(wanted.content.encode("utf-8", "surrogateescape"))
    return stages


def _link(folder: Path, stage: Path) -> None:
    """Create links in `stage` to the entries of `folder` that it does not have yet."""
    names = os.listdir(folder) if folder.is_dir() else []  # noqa: PTH208  names are what is needed
    for name in names:
        if not (stage / name).exists():
            (stage / name).symlink_to(folder / name)


def _named(folder: str) -> re.Pattern[str]:
    """A pattern for a folder as a whole path or as the beginning of one."""
    return re.compile(rf"(?<![\w./-]){re.escape(folder)}(?![\w.-])")


def _replaced(text: str, paths: Mapping[str, str]) -> str:
    for old, new in paths.items():
        text = _named(old).sub(lambda _match, new=new: new, text)  # type: ignore[misc]  # mypy infers no default
    return text


def _environment(pid: Optional[int]) -> dict[str, str]:
    try:
        content = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return dict(os.environ)
    pairs = (pair.partition("=") for pair in content.decode(errors="surrogateescape").split("\0"))
    return {name: value for name, equals, value in pairs if equals and not name.startswith(_NOT_ITS_OWN)}


def _reason(output: str) -> str:
    """The relevant lines of the program's output, without those that may contain a secret."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    shown = [line for line in lines if not may_hold_secret(line)]
    lines = [line for line in shown if not line.startswith(("[NOTICE]", "[WARNING]"))] or shown
    return "; ".join(lines).rstrip(".") or "its output may contain a secret and is not shown"

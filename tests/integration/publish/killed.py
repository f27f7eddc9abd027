# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that is killed after one of its steps."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.sockets import RuntimeAPI
from ansible_collections.pgsvc.access.plugins.module_utils._host import steps
from ansible_collections.pgsvc.access.tests.integration.publish.node import Node


def run_killed(node: Node, files: Sequence[dict[str, Any]], last: int, *, with_guard: bool = False) -> list[str]:
    """Publish in a process of its own, which ends with SIGKILL after the step with the number `last`.

    Returns the steps that were done: all of them when `last` is 0. `with_guard` kills the guard of the state files,
    which is a child of the process, as well.
    """
    log = node.haproxy.folder / "steps"
    log.write_text("")
    child = os.fork()
    if child == 0:
        try:
            _publish(node, files, last, log, with_guard=with_guard)
            os._exit(0)
        finally:
            os._exit(1)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    done = log.read_text().splitlines()
    assert status == (-signal.SIGKILL if last else 0), done
    return done


def _publish(node: Node, files: Sequence[dict[str, Any]], last: int, log: Path, *, with_guard: bool) -> None:
    done: list[str] = []

    def step(what: str) -> None:
        done.append(what)
        log.write_text("\n".join(done))
        if len(done) == last:
            if with_guard:
                subprocess.run(["pkill", "-KILL", "-P", str(os.getpid())], check=True)
            os.kill(os.getpid(), signal.SIGKILL)

    command = RuntimeAPI.command

    def telling(api: RuntimeAPI, line: str) -> str:
        answer = command(api, line)
        if not line.startswith("show "):
            step(" ".join(line.split()[:3]) if line.startswith("add ") else line)  # the rest is a server's settings
        return answer

    RuntimeAPI.command = telling  # type: ignore[method-assign,assignment]
    steps.done = step  # type: ignore[assignment]
    node.directly(files)

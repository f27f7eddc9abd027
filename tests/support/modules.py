# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules, each run in a process of its own.

The process is forked from one that has imported the modules: to start Python and to import Ansible takes longer than
most of what a module does.
"""

from __future__ import annotations

import functools
import importlib
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

import ansible_collections
import pytest

_COLLECTIONS = Path(next(iter(ansible_collections.__path__))).parent
_PACKAGE = "ansible_collections.pgsvc.access.plugins.modules"
_NAMES = ("haproxy_member_state", "haproxy_publish", "haproxy_service_gate", "pg_service_info")


@functools.cache
def _forks() -> multiprocessing.context.ForkServerContext:
    """The process that has imported the modules. Up to Python 3.12 it finds them by PYTHONPATH only."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([f"{_PACKAGE}.{name}" for name in _NAMES])
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PYTHONPATH", str(_COLLECTIONS))
        forkserver.ensure_running()
    return context


class Run:
    """A module that runs; `prefix` is a command that runs it instead, such as nsenter(1)."""

    kill: Callable[[], None]

    def __init__(self, name: str, arguments: dict[str, Any], prefix: Sequence[str] = ()) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="pgsvc-module-")
        given = Path(self._folder.name, "given")
        given.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": arguments}))
        words = (name, self._folder.name, dict(os.environ))
        if prefix:
            command = [*prefix, sys.executable, "-c", f"from {__name__} import run; run(*{words!r})"]
            environment = {**os.environ, "PYTHONPATH": str(_COLLECTIONS)}
            self._wait: Callable[[float], int | None] = subprocess.Popen(command, env=environment).wait
            return
        forked = _forks().Process(target=run, args=words)
        forked.start()

        def wait(timeout: float) -> int | None:
            forked.join(timeout)
            return forked.exitcode

        self._wait = wait
        self.kill = forked.kill

    def has_begun(self) -> bool:
        """Whether its process has started, and the module with it."""
        return Path(self._folder.name, "printed").exists()

    def output(self, timeout: float = 120) -> tuple[int, str]:
        """Wait for its end; its exit code, or the negative number of the signal that ended it, and what it printed."""
        with self._folder as folder:
            code = self._wait(timeout)
            assert code is not None, f"it still runs after {timeout:g} seconds"
            return code, Path(folder, "printed").read_text()

    def result(self) -> dict[str, Any]:
        """Wait for its end; its result, with the texts of the warnings, and without what only a failure has."""
        code, printed = self.output()
        assert "Traceback" not in printed, printed
        result: dict[str, Any] = json.loads(printed)
        result.pop("invocation", None)
        if "warnings" in result:  # ansible-core 2.19 has more than the text in them
            result["warnings"] = [w["event"]["msg"] if isinstance(w, dict) else w for w in result["warnings"]]
        assert code == (1 if result.get("failed") else 0), printed
        return result


def run(name: str, folder: str, environ: dict[str, str]) -> None:
    """Run a module in this process, with its arguments and its output in files of the folder."""
    os.environ.clear()
    os.environ.update(environ)
    with Path(folder, "given").open("rb") as given, Path(folder, "printed").open("wb") as printed:
        for descriptor, stream in enumerate((given, printed, printed)):
            os.dup2(stream.fileno(), descriptor)
    sys.stdin = os.fdopen(0)
    sys.argv = [name]  # a module with arguments, such as those of pytest, reads a file
    importlib.import_module(f"{_PACKAGE}.{name}").main()

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real ``haproxy -Ws`` in a folder of its own."""

from __future__ import annotations

import csv
import io
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.sockets import MasterCLI, RuntimeAPI
from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import CLIError

Seen = TypeVar("Seen")

BASE = """\
global
    maxconn 4000
    httpclient.ssl.verify none
    stats socket {stats_socket} mode 600 level admin
    stats timeout 2m
    hard-stop-after {hard_stop_after}

defaults
    mode http
    timeout connect 5s
    timeout client 50s
    timeout server 50s
"""
"""Debian's own defaults: a service file must not depend on them.

Nothing here uses HAProxy's own HTTP client, for which it reads all certificates of the machine at each start.
"""


class HAProxy:
    """``base.cfg``, ``conf.d``, the state folder, both sockets and the log of one load balancer, all in `folder`."""

    def __init__(
        self,
        binary: Path,
        folder: Path,
        *,
        hard_stop_after: str = "60s",
        base: str = BASE,
        prefix: Sequence[str] = (),
    ) -> None:
        """`prefix` is a command that runs HAProxy as its own process, such as setpriv(1) or unshare(1)."""
        self.binary = binary
        self.folder = folder
        self.base = folder / "base.cfg"
        self.conf_dir = folder / "conf.d"
        self.state_dir = folder / "state"
        self.log = folder / "haproxy.log"
        self.master_socket = folder / "m.sock"
        self.stats_socket = folder / "s.sock"
        self.master = MasterCLI(str(self.master_socket))
        self.api = RuntimeAPI(str(self.stats_socket))
        self.prefix = prefix
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        self.conf_dir.mkdir(exist_ok=True)
        self.state_dir.mkdir(mode=0o700, exist_ok=True)
        self.base.write_text(base.format(stats_socket=self.stats_socket, hard_stop_after=hard_stop_after))

    @property
    def config_args(self) -> list[str]:
        return ["-f", str(self.base), "-f", str(self.conf_dir)]

    def write(self, name: str, text: str) -> Path:
        """Put a service file into ``conf.d``."""
        path = self.conf_dir / f"{name}.cfg"
        path.write_text(text)
        return path

    def check(self, config_args: Sequence[str] | None = None) -> subprocess.CompletedProcess[str]:
        """``haproxy -c`` with the arguments that this instance is started with."""
        command = [str(self.binary), "-c", *(self.config_args if config_args is None else config_args)]
        return subprocess.run(command, check=False, capture_output=True, text=True)

    def start(self, *, ready: bool = True) -> HAProxy:
        assert self._process is None, "it runs"
        own = [str(self.binary), "-Ws", "-S", f"{self.master_socket},mode,600", *self.config_args]
        command = [*self.prefix, *own]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if ready:
            self.wait_ready()
        return self

    def wait_ready(self) -> None:
        """Until master and worker answer. The listeners are bound by then, as HAProxy binds before it forks."""

        def answers() -> bool:
            assert self._process is not None and self._process.poll() is None, self.log.read_text()
            try:
                return bool(self.master.processes().workers) and bool(self.api.info())
            except CLIError:
                return False

        wait_until(answers, timeout=20, interval=0.02)

    @property
    def master_pid(self) -> int:
        assert self._process is not None, "it does not run"
        return self._process.pid

    @property
    def worker(self) -> int:
        """The process id of the current worker."""
        return self.master.processes().workers[0].pid

    def reload(self) -> None:
        """A plain reload, as ``systemctl reload`` does it, that must succeed."""
        verdict = self.master.reload()
        assert verdict.ok, verdict.log or self.log.read_text()

    def stop(self, *, kill: bool = False) -> None:
        """End master and workers: orderly, or as a crash would (the workers follow a killed master)."""
        if self._process is None:
            return
        (self._process.kill if kill else self._process.terminate)()
        self._process.wait(timeout=20)
        self._process = None
        wait_until(lambda: not self._answers(), timeout=20)

    def restart(self, *, kill: bool = False) -> None:
        self.stop(kill=kill)
        self.start()

    def statuses(self, proxy: str) -> dict[str, str]:
        """Server name to status as ``show stat`` says it: ``UP``, ``DOWN``, ``UP 1/3``, ``DRAIN``, ``MAINT``..."""
        rows = (row for row in self.api.stat() if row["pxname"] == proxy and row["type"] == "2")
        return {row["svname"]: row["status"] for row in rows}

    def all_columns(self, proxy: str) -> dict[str, dict[str, str]]:
        """Everything that ``show stat`` says of a proxy, by the names of its frontend, servers and backend."""
        table = csv.DictReader(io.StringIO(self.api.command("show stat")[2:]))
        return {row["svname"]: row for row in table if row["pxname"] == proxy}

    def wait_status(self, proxy: str, server: str, status: str, timeout: float = 20) -> None:
        wait_until(lambda: self.statuses(proxy).get(server) == status, timeout=timeout)

    def _answers(self) -> bool:
        try:
            return bool(self.api.info())
        except CLIError:
            return False

    def __enter__(self) -> HAProxy:
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()


def wait_until(look: Callable[[], Seen], *, timeout: float = 10, interval: float = 0.05) -> Seen:
    """What `look` returns, as soon as that is true; an `AssertionError` with the last look when it never is."""
    deadline = time.monotonic() + timeout
    while not (seen := look()):
        assert time.monotonic() < deadline, f"not within {timeout:g} seconds, the last look gave {seen!r}"
        time.sleep(interval)
    return seen

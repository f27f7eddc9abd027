# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pgbench through services: a new connection for each transaction, and every one that fails ends its client."""

from __future__ import annotations

import re
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import mean

from pgsvc_lab import credentials
from pgsvc_lab.settings import Node

from .cluster import ssh, ssh_command
from .waiting import until

_CLIENTS = 4
_LONGEST = 900  # seconds; it is stopped long before
_PROGRESS = re.compile(r"progress: [\d.]+ s, ([\d.]+) tps")

#: Fails on a replica, which takes no writes, and on a primary, where a number is divided by zero.
WRITE = "INSERT INTO writes (client) VALUES ('pgbench')"
READ = "SELECT 1 / pg_is_in_recovery()::int"


@dataclass
class Pgbench:
    """One pgbench: what it said of each second, and everything that it complained of."""

    host: str
    port: int
    sql: str
    #: Transactions a second, at most; 0 sets no limit.
    limit: int = 0
    seconds: list[tuple[float, float]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def command(self) -> str:
        password = credentials.passwords()["test"]
        options = f"-n -C -c {_CLIENTS} -P 1 -T {_LONGEST} -f /dev/stdin" + (f" -R {self.limit}" if self.limit else "")
        return f"PGPASSWORD={password} exec pgbench {options} -h {self.host} -p {self.port} -U test test 2>&1"

    def listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{self.sql};\n")
        process.stdin.close()
        with process.stdout as lines:
            for line in lines:
                progress = _PROGRESS.match(line)
                if progress:
                    self.seconds.append((time.monotonic(), float(progress[1])))
                elif "error" in line or "aborted" in line:
                    self.errors.append(line.strip())

    def rate(self, since: float, until_then: float) -> float:
        """Transactions a second, of the seconds that ended between the two times."""
        return round(mean(tps for when, tps in self.seconds if since < when <= until_then), 1)


@contextmanager
def running(node: Node, *benches: Pgbench) -> Iterator[None]:
    """They run on a node, all at once, for as long as the block does."""
    pipe = subprocess.PIPE
    commands = [ssh_command(node, bench.command()) for bench in benches]
    processes = [subprocess.Popen(each, stdin=pipe, stdout=pipe, text=True) for each in commands]
    threads = [
        threading.Thread(target=bench.listen, args=[process]) for bench, process in zip(benches, processes, strict=True)
    ]
    for thread in threads:
        thread.start()
    try:
        until("pgbench runs", lambda: all(bench.seconds for bench in benches), timeout=20)
        yield
    finally:
        ssh(node, "pkill -x pgbench", check=False)
        for thread, process in zip(threads, processes, strict=True):
            thread.join()
            process.wait()

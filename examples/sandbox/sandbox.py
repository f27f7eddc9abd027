# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox: an HAProxy for every node of an inventory, and stand-ins for its databases, all on loopback addresses.

usage: sandbox.py up|down|status [INVENTORY]

The folder is $PGSVC_SANDBOX or /tmp/pgsvc-sandbox, as in the inventory. ``down`` stops only processes that have a pid
file in that folder, and removes the folder.
"""

from __future__ import annotations

import contextlib
import csv
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
# Accessible to its owner only. An existing folder is never used.
SANDBOX = Path(os.environ.get("PGSVC_SANDBOX") or "/tmp/pgsvc-sandbox").absolute()  # noqa: S108
MARKER = SANDBOX / "sandbox"
CONNECTIONS = 12
BASE = """\
# {host}: the base configuration of this node; the services are in the same folder
global
    stats socket {node}/stats.sock mode 600 level admin expose-fd listeners
    maxconn 1000
    hard-stop-after 1m

# defaults for web servers: service files must not depend on them
defaults
    mode http
    timeout connect 5s
    timeout client 50s
    timeout server 50s

listen stats
    bind {host}:9101
    stats enable
    stats uri /
    http-request use-service prometheus-exporter if {{ path /metrics }}
"""

Hosts = dict[str, dict[str, Any]]


class SandboxError(Exception):
    """An error of the sandbox, as one line for the user."""


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def nodes(inventory: Path) -> Hosts:
    """The hosts of ``inventory``: inventory name, which is an address, to variables."""
    if not shutil.which("ansible-inventory"):
        raise SandboxError("ansible-inventory is not on the PATH; install ansible-core 2.16 or newer")
    command = ["ansible-inventory", "-i", str(inventory), "--list"]
    listing = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if listing.returncode:
        raise SandboxError(f"{inventory} cannot be read as an inventory")
    hosts: Hosts = json.loads(listing.stdout)["_meta"]["hostvars"]
    return dict(sorted(hosts.items()))


def wait_for(condition: Callable[[], object], what: str, seconds: float = 15) -> None:
    """Until ``condition`` holds; `SandboxError` with ``what`` after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise SandboxError(f"{what} after {seconds:g} s")
        time.sleep(0.05)


def start(command: list[str], pid_file: Path, log: Path, given: str = "") -> subprocess.Popen[bytes]:
    """Start ``command`` in a session of its own, with ``given`` as its input and its pid in ``pid_file``."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    pid_file.write_text(f"{process.pid}\n")
    if process.stdin:
        with process.stdin:
            process.stdin.write(given.encode())
    return process


def running(pid_file: Path) -> int | None:
    """The process that ``pid_file`` names, when it lives and is of this sandbox."""
    try:
        pid = int(pid_file.read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return None
    return pid if os.fsencode(SANDBOX) in command else None


def start_node(host: str, haproxy: str) -> None:
    node = SANDBOX / host
    (node / "haproxy").mkdir(parents=True)
    (node / "haproxy/haproxy.cfg").write_text(BASE.format(host=host, node=node))
    # The arguments that systemd uses: master-worker mode. -f FOLDER loads haproxy.cfg and all services in the folder.
    log, command = node / "haproxy.log", [haproxy, "-Ws", "-f", f"{node}/haproxy", "-S", f"{node}/master.sock,mode,600"]
    process = start(command, node / "haproxy.pid", log)
    wait_for(lambda: process.poll() is not None or answers(node / "stats.sock"), f"HAProxy of {host} does not answer")
    if process.poll() is not None:
        raise SandboxError(f"HAProxy of {host} ended: {log.read_text().strip()}")


def answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0


def start_members(hosts: Hosts) -> None:
    described = []
    for host, values in hosts.items():
        if "pg_cluster" not in values:
            continue
        role = values["pg_role"] if values["pg_role"] == "primary" else "replica"
        if role == "replica" and int(values["pg_seq"]) == 2:
            role = "sync"
        (SANDBOX / host / "role").write_text(f"{role}\n")
        described.append(
            {
                "cluster": values["pg_cluster"],
                "address": host,
                "name": f"{values['pg_cluster']}-{values['pg_seq']}",
                "patroni_port": int(values.get("patroni_port", 8008)),
                "ports": {
                    "postgres": int(values.get("pg_port", 5432)),
                    "pgbouncer": int(values.get("pgbouncer_port", 6432)),
                },
                "login": login(values),
            }
        )
    log, command = SANDBOX / "members.log", [sys.executable, str(HERE / "members.py"), str(SANDBOX)]
    process = start(command, SANDBOX / "members.pid", log, json.dumps(described))
    wait_for(lambda: process.poll() is not None or "ready" in log.read_text(), "the members do not answer")
    if process.poll() is not None:
        raise SandboxError(f"the members ended: {log.read_text().strip().splitlines()[-1]}")


def login(values: dict[str, Any]) -> str:
    """``user:password`` of Patroni's REST API, empty without a password."""
    password = values.get("patroni_password")
    return f"{values.get('patroni_username', 'postgres')}:{password}" if password else ""


def up(inventory: Path) -> None:
    """Start a new sandbox, after stopping an existing one."""
    haproxy = shutil.which("haproxy", path=f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin")
    if not haproxy:
        raise SandboxError("haproxy is not installed; on Debian: apt-get install haproxy")
    hosts = nodes(inventory)
    down()
    try:
        SANDBOX.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        raise SandboxError(f"{SANDBOX} exists and is not a sandbox; set PGSVC_SANDBOX to another folder") from None
    MARKER.write_text("made by examples/sandbox; demo down removes this folder\n")
    for host in hosts:
        start_node(host, haproxy)
    start_members(hosts)
    say(f"{len(hosts)} nodes started in {SANDBOX}, each with its own HAProxy")


def down() -> None:
    """Stop the processes of the sandbox and remove its folder."""
    if not MARKER.exists():
        return
    pid_files = [*SANDBOX.glob("*/haproxy.pid"), SANDBOX / "members.pid"]
    for pid in filter(None, map(running, pid_files)):
        with contextlib.suppress(ProcessLookupError):
            # The whole session, which includes current and old workers of the master process.
            os.killpg(pid, signal.SIGTERM)
    wait_for(lambda: not any(map(running, pid_files)), "processes of the sandbox still run")
    shutil.rmtree(SANDBOX)


def listeners(host: str) -> Iterator[tuple[str, tuple[str, str, int]]]:
    """Each service on ``host``, from its files: name, then host, address and port."""
    for path in sorted((SANDBOX / host / "haproxy").glob("*.cfg")):
        for line in path.read_text().splitlines():
            if path.stem != "haproxy" and line.split()[:1] == ["bind"]:
                address, _each, port = line.split()[1].rpartition(":")
                yield path.stem, (host, address, int(port))


def settled(host: str) -> bool:
    """Whether all health checks of ``host`` have a result: every server is either up or down.

    Those of all services, because the servers of a service may follow the checks of a backend.
    """
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(SANDBOX / host / "stats.sock"))
        client.sendall(b"show stat -1 4 -1\n")
        rows = csv.DictReader(client.makefile())
        return not any(row["check_status"] == "INI" or "/" in row["status"] for row in rows if row["svname"])


def answerer(address: str, port: int) -> str:
    """The server that answers a client of this listener."""
    try:
        with socket.create_connection((address, port), timeout=5) as client:
            return client.recv(100).decode().strip() or "refused"
    except OSError as error:
        return f"error: {error.strerror or error}"


def status(inventory: Path) -> None:
    """A table: each service, reached through the first node that carries it, and the servers that answer."""
    say(f"{'service':<18} {'listens on':<20} answers to {CONNECTIONS} connections")
    carried = {name: listener for host in reversed(nodes(inventory)) for name, listener in listeners(host)}
    for name, (host, address, port) in sorted(carried.items()):
        wait_for(partial(settled, host), f"the health checks of {host} have no result")
        greetings = Counter(answerer(address, port) for _each in range(CONNECTIONS))
        who = ", ".join(f"{count} x {answer}" for answer, count in sorted(greetings.items()))
        say(f"{name:<18} {f'{address}:{port}':<20} {who}")


def main(arguments: list[str]) -> int:
    inventory = Path(arguments[1]) if len(arguments) > 1 else HERE / "inventory.yml"
    commands: dict[str, Callable[[], None]] = {
        "up": lambda: up(inventory),
        "down": down,
        "status": lambda: status(inventory),
    }
    if not arguments or arguments[0] not in commands:
        sys.stderr.write(__doc__)
        return 2
    try:
        commands[arguments[0]]()
    except SandboxError as error:
        sys.stderr.write(f"sandbox: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

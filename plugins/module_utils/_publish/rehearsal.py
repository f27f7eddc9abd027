# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Health checks of servers, asked before HAProxy is reloaded with them.

A reload begins with the verdicts of the running worker. It has none where a check asks something else from now on (its
path, port, TLS, the address of the server) or where a service is new. A second HAProxy, which listens nowhere, asks
these checks as the new worker will: then a server that passes is usable from the first moment, and one that does not
never gets a connection.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Optional

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.check_question import check_words, question
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.grammar import seconds
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.server_line import ServerLine, word_after
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.server_state import verdict
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.sockets import RuntimeAPI
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.start_arguments import Startup
from ansible_collections.pgsvc.access.plugins.module_utils._host.deadlines import REHEARSAL_START, VERDICTS
from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import CLIError
from ansible_collections.pgsvc.access.plugins.module_utils._host.private_folder import private_folder
from ansible_collections.pgsvc.access.plugins.module_utils._publish.service_file import ServiceFile

_LIFETIME = int(REHEARSAL_START + VERDICTS)  # seconds; it ends by itself should this process have been killed
_POLL = 0.02
_LONGEST_SOCKET = 90  # characters: a socket's path has at most 107 (unix(7)), and HAProxy adds a suffix to it
_PLAIN = re.compile(r"[A-Za-z0-9_.,:/%=@+*()\[\]-]+", re.ASCII)
_TIMEOUTS = ("check", "connect")
_TIMEOUT = "3s"  # where the file sets none
_INTER = "2s"  # HAProxy's own default (configuration manual, section 5.2)


class Asked(NamedTuple):
    """A server whose verdict is wanted, with the service that it belongs to."""

    service: ServiceFile
    line: ServerLine

    @property
    def key(self) -> tuple[str, str]:
        return self.service.name, self.line.name


class Verdict(NamedTuple):
    """Whether the check passed, and the address that was asked (resolved, where the file has a name)."""

    up: bool
    address: str


Verdicts = Mapping[tuple[str, str], Verdict]
"""By the names of service and server."""


def rehearse(binary: str, startup: Startup, asked: Sequence[Asked], temporary: str) -> Optional[Verdicts]:
    """The verdict of each server, each question asked once; None when HAProxy could not be started for it.

    A server that has not answered within the time-out of its check has not passed.
    """
    questions: dict[str, Asked] = {}
    for each in asked:
        questions.setdefault(question(*each), each)
    if not questions:
        return {}
    is_short = len(temporary) < _LONGEST_SOCKET - len("/pgsvc-12345678/s")
    with private_folder(temporary if is_short else tempfile.gettempdir()) as (folder, descriptor):
        found = _run(binary, startup, questions, folder, descriptor)
    if found is None:
        return None
    return {each.key: found.get(question(*each), Verdict(False, "")) for each in asked}


def _run(
    binary: str, startup: Startup, questions: Mapping[str, Asked], folder: Path, descriptor: int
) -> Optional[dict[str, Verdict]]:
    socket, file = folder / "s", folder / "rehearsal.cfg"
    file.write_text(configuration(questions, str(socket)), encoding="utf-8", errors="surrogateescape")
    command = ["timeout", "-k", "1", str(_LIFETIME), binary, "-db", "-f", str(file)]
    try:
        process = subprocess.Popen(  # pylint: disable=ansible-bad-function  # run_command is a method of modules
            command,
            cwd=startup.directory,
            env=dict(startup.environment),
            pass_fds=[descriptor],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except OSError:
        return None
    try:
        return _verdicts(process, RuntimeAPI(str(socket)), questions)
    finally:
        process.terminate()
        process.wait()


def configuration(questions: Mapping[str, Asked], socket: str) -> str:
    """The configuration of the second HAProxy: one backend for each question, named by it."""
    pause = max(100, len(questions))  # milliseconds, in which HAProxy spreads the first checks
    # One thread: what it notes of a check is not read while it does so.
    # Without the last setting, which only builds with OpenSSL know, HAProxy reads all certificates of the machine.
    lines = [
        "global",
        f"    stats socket {socket} mode 600 level admin",
        "    maxconn 100",
        "    nbthread 1",
        ".if feature(OPENSSL)",
        "    httpclient.ssl.verify none",
        ".endif",
        "",
    ]
    for name, (service, line) in questions.items():
        words = " ".join(map(_quoted, check_words(line, service.default_server)))
        host = f"[{line.address}]" if ":" in line.address else line.address
        where = f"{host}:{line.port}" if line.port else host
        # A check may take `inter` to connect and to shake hands, as in the new worker. With `fall 2` the first one
        # comes after `fastinter`, and the server is down all the same when it fails.
        pauses = f"inter {_quoted(_inter(service, line))} fastinter {pause}ms downinter {pause}ms rise 1 fall 2"
        initial = "" if not line.by_name else " init-addr libc,none"
        lines += [
            f"backend {name}",
            f"    mode {service.last('mode') or 'tcp'}",
            *(f"    timeout {each} {_timeout(service, each)}" for each in _TIMEOUTS),
            *(f"    {' '.join(directive)}" for directive in service.check_lines),
            f"    server s {where} {words} {pauses}{initial}",
            "",
        ]
    return "\n".join(lines)


def _inter(service: ServiceFile, line: ServerLine) -> str:
    return word_after(line.words(service.default_server), "inter") or _INTER


def _timeout(service: ServiceFile, name: str) -> str:
    return service.last("timeout", name) or _TIMEOUT


def _quoted(word: str) -> str:
    """A word so that HAProxy reads it as it is; variables are filled in as they would be in the service file."""
    if _PLAIN.fullmatch(word):
        return word
    return '"{}"'.format(re.sub(r'(["\\])', r"\\\1", word))


def _verdicts(
    process: subprocess.Popen[bytes], api: RuntimeAPI, questions: Mapping[str, Asked]
) -> Optional[dict[str, Verdict]]:
    deadline = time.monotonic() + REHEARSAL_START
    limit = patience(questions)
    found: dict[str, Verdict] = {}
    started = False
    while len(found) < len(questions):
        if process.poll() is not None:
            return None
        try:
            rows = api.servers_state()
        except CLIError:
            rows = []
        if rows and not started:
            started, deadline = True, time.monotonic() + limit
        for row in rows:
            passed = verdict(row)
            if passed is not None:
                found.setdefault(row.be_name, Verdict(passed, row.addr))
        if time.monotonic() > deadline:
            return found if started else None
        time.sleep(_POLL)
    return found


def patience(questions: Mapping[str, Asked]) -> float:
    """Seconds within which every check that can pass has passed: once connected, it may take `timeout check` more."""
    limits = [
        min(seconds(_inter(service, line)), seconds(_timeout(service, "connect"))) + seconds(_timeout(service, "check"))
        for service, line in questions.values()
    ]
    return min(max(limits) + len(questions) / 1000 + 0.5, VERDICTS)

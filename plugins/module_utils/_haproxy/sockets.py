# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Typed clients of HAProxy's two command sockets (HAProxy Management Guide 9.3 and 9.4).

`RuntimeAPI` sends commands to a worker (``stats socket``, or through the master), `MasterCLI` to the master (``-S``).
Each command has its own connection, which HAProxy closes after the answer, so that the end of an answer is certain
without looking for prompts or empty lines.
"""

from __future__ import annotations

import contextlib
import csv
import io
import operator
import re
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ansible_collections.pgsvc.access.plugins.module_utils._host.deadlines import MASTER_BACK, RESTARTED
from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import CLIError, CutOffError, NotRunningError
from ansible_collections.pgsvc.access.plugins.module_utils._host.light_dataclass import dataclass

_POLL = 0.05  # seconds between two polls
_LARGEST = 256 * 2**20  # bytes of one answer: `show stat` of 100,000 servers has about 30 MB
_LONGEST_SHOWN = 200  # characters of an answer in a message
_UPTIME = re.compile(r"(\d+)d(\d+)h(\d+)m(\d+)s")
_VARIABLE = re.compile(r"type=sint value=<(-?\d+)>")
_FAILED = re.compile(r"\[failed: (\d+)\]")
_NO_TARGET = ("Can't find the target PID", "Can't find the target CLI", "Can't connect to the target CLI")
_OTHER_RELOAD = "Another reload is still in progress"  # from 3.1 on, one reload at a time
_BREAKS = ("\n", "\r", "\0", ";", "<<")  # these end a command or begin a payload


class ServerRow(NamedTuple):
    """One line of ``show servers state`` (version 1, Management Guide 9.3); the masks are explained there.

    Times are seconds. Absent texts are "" (HAProxy prints ``-``), absent ports 0.
    """

    be_name: str
    srv_name: str
    addr: str
    fqdn: str
    be_id: int
    srv_id: int
    port: int
    op_state: int
    admin_state: int
    uweight: int
    iweight: int
    last_change: int
    check_status: int
    check_result: int
    check_health: int
    check_state: int
    use_ssl: int
    check_port: int


_Pick = Callable[[Sequence[str]], tuple[str, ...]]
_TEXTS, _NUMBERS = ServerRow._fields[:4], ServerRow._fields[4:]
_COLUMNS = {
    "addr": "srv_addr",
    "port": "srv_port",
    "op_state": "srv_op_state",
    "admin_state": "srv_admin_state",
    "uweight": "srv_uweight",
    "iweight": "srv_iweight",
    "last_change": "srv_time_since_last_change",
    "check_status": "srv_check_status",
    "check_result": "srv_check_result",
    "check_health": "srv_check_health",
    "check_state": "srv_check_state",
    "fqdn": "srv_fqdn",
    "use_ssl": "srv_use_ssl",
    "check_port": "srv_check_port",
}


# Columns of ``show stat`` (Management Guide 9.1) that are in use.
_STAT = frozenset(
    (
        *("pxname", "svname", "type", "status", "bck", "weight", "scur", "qcur", "slim", "qlimit", "algo"),
        *("check_rise", "check_fall", "check_status", "check_code", "last_chk", "lastchg", "chkdown"),
    )
)
_BACKENDS, _SERVERS = 2, 4  # types of ``show stat`` (Management Guide 9.3)


class _StatRow(Mapping[str, str]):
    """One row of ``show stat`` by column name. A lazy mapping, as few cells of thousands of rows are used."""

    __slots__ = ("_cells", "_places")

    def __init__(self, places: Mapping[str, int], cells: Sequence[str]) -> None:
        self._places = places
        self._cells = cells

    def __getitem__(self, column: str) -> str:
        return self._cells[self._places[column]]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


class RuntimeAPI:
    """The Runtime API of one worker: at its ``stats socket``, or through the master with a `prefix` like ``@1 ``.

    `timeout` is the limit for one answer. `patience` is how long the socket may be unavailable, as that of a master is
    while it re-executes itself. Both are in seconds.
    """

    def __init__(self, path: str, prefix: str = "", timeout: float = 10.0, patience: float = 0.0) -> None:
        self.path = path
        self.prefix = prefix
        self.timeout = timeout
        self.patience = patience

    def command(self, line: str, *, experimental: bool = False) -> str:
        """Send one command and return the answer: "" or lines that each end in a newline. Errors are not interpreted.

        `experimental` is for commands that HAProxy accepts only from who asks for experimental ones.

        Raises `CLIError` if the socket does not answer in time, if there is no worker for the prefix, and for a `line`
        that HAProxy would read as more than one command.
        """
        deadline = time.monotonic() + self.patience
        before = "experimental-mode on; " if experimental else ""
        while True:
            try:
                answer = _exchange(self.path, before + self.prefix + _one_command(line), self.timeout)
            except CutOffError as error:
                # The command may have been executed, so only a query is sent again.
                again = isinstance(error, NotRunningError) or line.startswith("show ")
                if not again or time.monotonic() >= deadline:
                    raise
            else:
                if not (self.prefix and answer.startswith(_NO_TARGET)):
                    return answer
                if time.monotonic() >= deadline:
                    raise CLIError(f"HAProxy's master at {self.path} has no worker {self.prefix.strip()}")
            time.sleep(_POLL)

    def info(self) -> dict[str, str]:
        """``show info`` as a mapping, for example ``{"Version": "2.6.12", "CurrConns": "3"}``."""
        pairs = (line.partition(": ") for line in self._expect("show info", "Name: ").splitlines())
        return {name: value for name, _separator, value in pairs}

    def stat(self, *, frontends: bool = True) -> list[Mapping[str, str]]:
        """``show stat``: one mapping per server, backend and, with `frontends`, frontend."""
        command = "show stat" if frontends else f"show stat -1 {_BACKENDS | _SERVERS} -1"
        rows = csv.reader(io.StringIO(self._expect(command, "# pxname,svname,")[2:]))
        try:
            header = next(rows)
            shown = [place for place, name in enumerate(header) if name in _STAT]
            places = {header[place]: number for number, place in enumerate(shown)}
            pick = operator.itemgetter(*shown)
            return [_StatRow(places, pick(row)) for row in rows if len(row) >= len(header) - 1]
        except csv.Error as error:
            raise CLIError(
                f"HAProxy at {self.path} answered 'show stat' with text that is not a table: {error}"
            ) from None

    def variable(self, name: str) -> int | None:
        """The value of a variable of the process (``proc.``) that is a number; None when it is not set."""
        match = _VARIABLE.search(self.command(f"get var {name}"))
        return int(match[1]) if match else None

    def set_variable(self, name: str, value: int) -> None:
        """Set a variable of the process. Raises `CLIError` when HAProxy refuses."""
        answer = self.command(f"set var {name} int({value})", experimental=True).strip()
        if answer:
            raise CLIError(f"HAProxy at {self.path} refuses to set {name}: {_shown(answer)}")

    def servers_state(self) -> list[ServerRow]:
        """``show servers state``: every server of every proxy."""
        return parse_servers_state(self._expect("show servers state", "1\n"))

    def _expect(self, line: str, start: str) -> str:
        answer = self.command(line)
        if not answer.startswith(start):
            raise CLIError(f"HAProxy at {self.path} answered {line!r} with: {_shown(answer)}")
        return answer


def parse_servers_state(text: str) -> list[ServerRow]:
    """The rows of a ``version 1`` state dump or file; columns are found by the names in its header line."""
    lines = text.splitlines()
    if len(lines) < 2 or lines[0].strip() != "1" or not lines[1].startswith("# "):
        raise CLIError("the server state is not in format version 1, the only one that HAProxy 2.6 to 3.2 write")
    places = {name: place for place, name in enumerate(lines[1][2:].split())}
    # A missing column is read from the extra "-" at the end of each row.
    texts, numbers = (
        operator.itemgetter(*(places.get(_COLUMNS.get(name, name), -1) for name in names))
        for names in (_TEXTS, _NUMBERS)
    )
    rows = ((line + " -").split() for line in lines[2:] if line and not line.startswith("#"))
    return [_server_row(cells, texts, numbers) for cells in rows]


def _server_row(cells: list[str], texts: _Pick, numbers: _Pick) -> ServerRow:
    try:
        own = (text if text != "-" else "" for text in texts(cells))
        return ServerRow(*own, *(int(text) if text != "-" else 0 for text in numbers(cells)))  # type: ignore[arg-type]
    except (ValueError, IndexError):
        row = _shown(" ".join(cells[:-1]))
        raise CLIError(f"the server state lacks a column, or has text where a number is expected: {row}") from None


def _shown(answer: str) -> str:
    """The first line of an answer for a message: printable and shortened."""
    line = answer.strip().split("\n", 1)[0]
    line = "".join(char if char.isprintable() else repr(char)[1:-1] for char in line[: _LONGEST_SHOWN + 1])
    return f"{line[:_LONGEST_SHOWN]}…" if len(line) > _LONGEST_SHOWN else line or "nothing"


@dataclass(frozen=True)
class WorkerRow:
    """A worker in ``show proc``: the number of `reloads` since its start, and its `uptime` in seconds."""

    pid: int
    reloads: int
    uptime: int


@dataclass(frozen=True)
class ProcessList:
    """``show proc``: the master, its reloads, how many of the last reloads in a row failed, and the workers."""

    master: int
    reloads: int
    failed: int
    workers: tuple[WorkerRow, ...]
    old_workers: tuple[WorkerRow, ...]


@dataclass(frozen=True)
class Reload:
    """The result of a reload and the log of HAProxy about it (empty on 2.6, which logs to stderr only)."""

    ok: bool
    log: str


class MasterCLI:
    """The master's socket. `timeout` is the limit for a reload in seconds: loading the files and starting a worker."""

    def __init__(self, path: str, timeout: float = 60.0) -> None:
        self.path = path
        self.timeout = timeout
        self._pid: int | None = None  # of the master that answered last
        self._ended: float | None = None

    def processes(self, patience: float = 0.0) -> ProcessList:
        """The result of ``show proc``. `patience`, in seconds, is how long a master that re-executes itself may be
        unavailable."""
        return next(self._poll_processes(time.monotonic() + patience))

    def current(self) -> RuntimeAPI:
        """The Runtime API of the current worker."""
        return RuntimeAPI(self.path, "@1 ", patience=MASTER_BACK)

    def worker(self, pid: int) -> RuntimeAPI:
        """The Runtime API of the worker with that process id, which may be an old one."""
        return RuntimeAPI(self.path, f"@!{pid} ")

    def old_sessions(self) -> dict[int, int]:
        """The number of client connections of each old worker. One that exits meanwhile is left out."""
        sessions_of: dict[int, int] = {}
        for process in self.processes().old_workers:
            with contextlib.suppress(CLIError):
                sessions_of[process.pid] = _number(self.worker(process.pid).info().get("CurrConns", ""))
        return sessions_of

    def reload(self) -> Reload:
        """Reload, and wait for the result.

        From 2.7 on, the answer is the result (``Success=1`` or ``Success=0`` and the log). 2.6 closes the connection
        instead; there the result is taken from the first ``show proc`` of the re-executed master, which counts one more
        reload and has either a new worker or a failed reload.
        """
        deadline = time.monotonic() + self.timeout
        before = self.processes(self.timeout)
        answer = self._send_reload(deadline)
        while _OTHER_RELOAD in answer and time.monotonic() < deadline:
            time.sleep(_POLL)
            answer = self._send_reload(deadline)
        verdict, _separator, log = answer.partition("\n")
        if verdict.startswith("Success="):
            return Reload(verdict == "Success=1", log[3:].strip() if log.startswith("--\n") else log.strip())
        if answer.strip():
            raise CLIError(f"HAProxy's master socket {self.path} refused to reload: {_shown(answer)}")
        return Reload(self._reloaded(before, deadline), "")

    def _send_reload(self, deadline: float) -> str:
        """Send ``reload`` and return the answer; empty if the master re-executed itself without one.

        During another reload nothing listens on the socket: the command was not sent then, and is retried.
        """
        while True:
            try:
                return _exchange(self.path, "reload", max(deadline - time.monotonic(), _POLL))
            except NotRunningError:
                if time.monotonic() > self._sooner(deadline):
                    raise
                time.sleep(_POLL)
            except CutOffError:
                return ""

    def _reloaded(self, before: ProcessList, deadline: float) -> bool:
        known = {process.pid for process in before.workers}
        for now in self._poll_processes(deadline):
            if any(process.pid not in known for process in now.workers):
                return True
            if now.reloads > before.reloads and now.failed:
                return False
        raise CLIError(
            f"HAProxy's master at {self.path} did not report the result of the reload within {self.timeout:g} seconds"
        )

    def _poll_processes(self, deadline: float) -> Iterator[ProcessList]:
        """Poll ``show proc`` until the deadline. Raises if the master is still unavailable then."""
        while True:
            trouble: CutOffError | None = None
            try:
                answer = _exchange(self.path, "show proc", min(self.timeout, 10.0))
            except CutOffError as error:
                trouble = error
            else:
                found = parse_processes(answer, self.path)
                self._pid, self._ended = found.master, None
                yield found
            if time.monotonic() >= self._sooner(deadline):
                break
            time.sleep(_POLL)
        if trouble is not None:
            raise trouble

    def _sooner(self, deadline: float) -> float:
        """The deadline, or an earlier one if the master has ended: one that re-executes itself keeps its process id."""
        if self._pid is None or Path(f"/proc/{self._pid}").exists():
            return deadline
        if self._ended is None:
            self._ended = time.monotonic()
        return min(deadline, self._ended + RESTARTED)


def parse_processes(text: str, path: str) -> ProcessList:
    """Parse ``show proc`` of HAProxy 2.5 and later. Raises `CLIError`, with `path` in the message, for other text."""
    master: tuple[int, int, int] | None = None
    groups: dict[str, list[WorkerRow]] = {"# workers": [], "# old workers": []}
    section: list[WorkerRow] | None = None
    for line in text.splitlines():
        words = line.split()
        if line.startswith("#"):
            section = groups.get(line.strip())
        elif len(words) >= 3 and words[1] == "master":
            failed = _FAILED.search(line)
            master = _number(words[0]), _count(words[2]), _number(failed.group(1)) if failed else 0
        elif len(words) >= 4 and words[1] == "worker" and section is not None:
            section.append(WorkerRow(_number(words[0]), _count(words[2]), _seconds(words[3])))
    if master is None:
        raise CLIError(f"{path} is not the socket of an HAProxy master: it answered 'show proc' with: {_shown(text)}")
    current, old = groups["# workers"], groups["# old workers"]
    if not current and old and master[2]:
        # From 3.1 on, the worker that continues after a failed reload is listed as an old one: it is the youngest.
        current = [min(old, key=lambda process: process.reloads)]
        old = [process for process in old if process not in current]
    return ProcessList(*master, tuple(current), tuple(old))


def _count(word: str) -> int:
    """A count; 0 for the text of 2.4 in this place (`[was: 1]`), a version that callers refuse."""
    return int(word) if word.isdigit() else 0


def _seconds(uptime: str) -> int:
    match = _UPTIME.fullmatch(uptime)
    if match is None:
        return 0
    days, hours, minutes, seconds = (int(part) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise CLIError(f"HAProxy answered with text where a number is expected: {_shown(text)}")
    return int(text)


def _one_command(line: str) -> str:
    for broken in _BREAKS:
        if broken in line:
            raise CLIError(f"HAProxy would read more than one command, because of {broken!r}: {line!r}")
    return line


def _exchange(path: str, line: str, timeout: float) -> str:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        try:
            answer = _ask(connection, path, line, timeout)
        except socket.timeout:
            raise CLIError(f"HAProxy at {path} did not answer {line!r} within {timeout:g} seconds") from None
        except (ConnectionResetError, BrokenPipeError):
            answer = b""
        except OSError as error:
            kind = NotRunningError if isinstance(error, (ConnectionRefusedError, FileNotFoundError)) else CLIError
            raise kind(f"HAProxy does not answer at {path}: {error.strerror or error}") from None
    if not answer:
        raise CutOffError(f"HAProxy at {path} closed the connection before it answered {line!r}")
    text = answer.decode(errors="replace").rstrip("\n")
    return text + "\n" if text else ""


def _ask(connection: socket.socket, path: str, line: str, timeout: float) -> bytes:
    """Send a command and read until HAProxy closes the connection.

    This side is closed for writing when the answer begins, and not earlier: the master of 3.0 never closes a connection
    that was half-closed while it looked for a worker that no longer exists.
    """
    deadline = time.monotonic() + timeout
    parts: list[bytes] = []
    size = 0
    connection.settimeout(timeout)
    connection.connect(path)
    connection.sendall(line.encode() + b"\n")
    while part := connection.recv(65536):
        if not parts:
            with contextlib.suppress(OSError):  # HAProxy has already closed the connection
                connection.shutdown(socket.SHUT_WR)
        parts.append(part)
        size += len(part)
        if size > _LARGEST:
            raise CLIError(f"HAProxy at {path} answered {line!r} with more than {_LARGEST // 2**20} MiB")
        left = deadline - time.monotonic()
        if left <= 0:
            raise socket.timeout
        connection.settimeout(left)
    return b"".join(parts)

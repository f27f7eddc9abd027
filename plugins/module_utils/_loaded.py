# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which files the running worker has loaded: the record of the last verified apply, or what the times tell."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Optional

from ansible_collections.pgsvc.access.plugins.module_utils._confdir import Entry
from ansible_collections.pgsvc.access.plugins.module_utils._files import write_file
from ansible_collections.pgsvc.access.plugins.module_utils._server_line import ServerLine
from ansible_collections.pgsvc.access.plugins.module_utils._service_file import ServiceFile, parse

# Seconds before the start of a worker within which a file may have changed after its master had read it.
_READING = 2.0

_SHOWN_WITH_VALUE = frozenset(("weight", "port"))


@dataclass(frozen=True)
class Worker:
    """One process of one boot: a process id alone comes back. `start` is in clock ticks since the boot."""

    pid: int
    start: int
    boot: str

    @property
    def started(self) -> float:
        """When it started, as seconds since the epoch."""
        ago = time.clock_gettime(time.CLOCK_BOOTTIME) - self.start / os.sysconf("SC_CLK_TCK")
        return time.time() - ago


def worker(pid: int) -> Optional[Worker]:
    """The identity of a running process (proc(5): field 22 of stat, boot_id); None when there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return None
    return Worker(pid, int(stat.rpartition(")")[2].split()[19]), boot)


@dataclass(frozen=True)
class Head:
    """What was loaded of a service file: its owner, the digest of its head, and what the process does not tell.

    `options` are those words of each server's line that the Runtime API cannot be asked for, `accepted` the differences
    between servers and file that a reload has not mended: there HAProxy shows something in another form.
    """

    owner: str
    digest: str
    options: Mapping[str, str] = field(default_factory=dict)
    accepted: Sequence[str] = ()


@dataclass(frozen=True)
class Record:
    """What a worker had loaded when an apply was last verified: the heads of all files with an owner, by name."""

    worker: Worker
    heads: Mapping[str, Head]


def heads(disk: Mapping[str, Entry]) -> dict[str, Head]:
    """The heads of all files on disk that have an owner."""
    found: dict[str, Head] = {}
    for name, entry in disk.items():
        service = parse(name, entry.text)
        if service.owner is not None:
            with contextlib.suppress(ValueError):  # broken by hand since: no process can have loaded it
                found[name] = head(service)
    return found


def head(service: ServiceFile) -> Head:
    """What a process has loaded that has read this file. Raises `ValueError` for a `server` line that is none."""
    return Head(service.owner or "", service.head_digest, {line.name: _hidden(line) for line in service.servers()})


def _hidden(line: ServerLine) -> str:
    """The options of a server, without those that the running state shows: weight, backup, check port."""
    kept: list[str] = []
    words = iter(line.options)
    for word in words:
        if word in _SHOWN_WITH_VALUE:
            next(words, None)
        elif word != "backup":
            kept.append(word)
    return " ".join(kept)


def read_record(path: Path) -> Optional[Record]:
    """The record; None when there is none, or none that can be read (it is a memory, not a truth)."""
    try:
        said = json.loads(path.read_bytes())
        return Record(Worker(**said["worker"]), {name: _read_head(each) for name, each in said["heads"].items()})
    except (FileNotFoundError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _read_head(said: dict[str, Any]) -> Head:
    return Head(said["owner"], said["digest"], dict(said["options"]), tuple(said["accepted"]))


def write_record(path: Path, record: Record) -> None:
    text = json.dumps({"worker": asdict(record.worker), "heads": {n: asdict(h) for n, h in record.heads.items()}})
    write_file(path, text.encode(), 0o600)


def loaded(record: Optional[Record], running: Worker, disk: Mapping[str, Entry]) -> dict[str, Head]:
    """The heads that the running worker has loaded.

    When it is the worker of the record, the record tells. Otherwise somebody else has started it: it has loaded the
    files that have not changed since, and of the others nothing is known.
    """
    if record is not None and record.worker == running:
        return dict(record.heads)
    horizon = running.started - _READING
    return heads({name: entry for name, entry in disk.items() if entry.changed < horizon})

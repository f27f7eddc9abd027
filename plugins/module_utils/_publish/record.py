# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The record of which files the running worker has loaded.

The record of the last verified apply is valid for the worker that it was written for. Any other worker has loaded the
files that this collection wrote before the process began to read them. Both times are those of CLOCK_BOOTTIME, which
changes of the time of day do not affect.
"""

from __future__ import annotations

import functools
import hashlib
import json
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path
from typing import Any, Optional

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.check_question import question
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.server_line import ServerLine
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.worker import Worker, boot_id
from ansible_collections.pgsvc.access.plugins.module_utils._host.files import read_regular, write_file
from ansible_collections.pgsvc.access.plugins.module_utils._host.light_dataclass import dataclass
from ansible_collections.pgsvc.access.plugins.module_utils._publish.directory import Entry
from ansible_collections.pgsvc.access.plugins.module_utils._publish.service_file import ServiceFile

# Seconds before the start of a worker in which its master may have read the configuration, and more for each file.
_READING = 2.0
_READING_A_FILE = 0.002
_LARGEST = 256 * 2**20  # bytes; a record of 4,000 services has about 4 MB

_SHOWN_WITH_VALUE = frozenset(("weight", "port"))


@dataclass(frozen=True)
class Head:
    """What was loaded from a service file: its owner, the digest of its head, and what HAProxy does not report.

    `options` are those options of each server that the Runtime API does not show, `questions` is the digest of each
    server's check, `accepted` are the differences between servers and file that remained after a reload, because
    HAProxy shows something in another form.
    """

    owner: str
    digest: str
    options: Mapping[str, str] = field(default_factory=dict)
    questions: Mapping[str, str] = field(default_factory=dict)
    accepted: Sequence[str] = ()


@dataclass(frozen=True)
class Written:
    """A file as this collection wrote it: the digest of its content, and when, in seconds since a boot."""

    digest: str
    boot: str
    at: float


@dataclass(frozen=True)
class Record:
    """What a worker had loaded at the last verified apply (the heads of all files with an owner, by name), and when
    files were written."""

    worker: Optional[Worker] = None
    heads: Mapping[str, Head] = field(default_factory=dict)
    written: Mapping[str, Written] = field(default_factory=dict)


NO_RECORD = Record()


def head(service: ServiceFile) -> Head:
    """The `Head` of a process that has loaded this file. Raises `ValueError` for an invalid `server` line."""
    return Head(
        service.owner or "",
        service.head_digest,
        {line.name: hidden_options(line) for line in service.servers},
        {line.name: question(service, line) for line in service.servers},
    )


def hidden_options(line: ServerLine) -> str:
    """The options of a server without those that the Runtime API shows: weight, backup, check port."""
    return _without_shown(line.options)


# Servers of many services have the same options.
@functools.lru_cache(maxsize=2**12)
def _without_shown(options: tuple[str, ...]) -> str:
    kept: list[str] = []
    words = iter(options)
    for word in words:
        if word in _SHOWN_WITH_VALUE:
            next(words, None)
        elif word != "backup":
            kept.append(word)
    return " ".join(kept)


def record_path(state_dir: Path) -> Path:
    """The file of the record."""
    return state_dir / "loaded.json"


def read_record(path: Path) -> Record:
    """Read the record; an empty one if it is missing or damaged, which is safe because it only saves work."""
    try:
        stored = json.loads(read_regular(path, _LARGEST))
        return Record(
            _read_worker(stored["worker"]),
            {_text(name): _read_head(each) for name, each in stored["heads"].items()},
            {_text(name): _read_written(each) for name, each in stored["written"].items()},
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return NO_RECORD


def _read_worker(stored: Any) -> Optional[Worker]:
    return None if stored is None else Worker(_number(stored["pid"]), _number(stored["start"]), _text(stored["boot"]))


def _read_head(stored: Any) -> Head:
    options, questions = (
        {_text(name): _text(value) for name, value in stored[key].items()} for key in ("options", "questions")
    )
    return Head(
        _text(stored["owner"]), _text(stored["digest"]), options, questions, tuple(map(_text, stored["accepted"]))
    )


def _read_written(stored: Any) -> Written:
    digest, boot, at = stored
    if not isinstance(at, float):
        raise TypeError("a time is a number")
    return Written(_text(digest), _text(boot), at)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("text is expected")
    return value


def _number(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError("a number is expected")
    return value


def write_record(path: Path, record: Record) -> None:
    one = record.worker
    text = json.dumps(
        {
            "worker": None if one is None else {"pid": one.pid, "start": one.start, "boot": one.boot},
            "heads": {name: vars(each) for name, each in record.heads.items()},
            "written": {name: [each.digest, each.boot, each.at] for name, each in record.written.items()},
        }
    )
    write_file(path, text.encode(), 0o600)


def digest(content: bytes) -> str:
    """SHA-256 (hex) of a file's content."""
    return hashlib.sha256(content).hexdigest()


def with_written(record: Record, contents: Mapping[str, Optional[bytes]]) -> Record:
    """The record after these files have been written just now; the content is None for a removed file."""
    boot, now = boot_id() or "", time.clock_gettime(time.CLOCK_BOOTTIME)
    written = dict(record.written)
    for name, content in contents.items():
        written.pop(name, None)
        if content is not None:
            written[name] = Written(digest(content), boot, now)
    return replace(record, written=written)


def loaded_names(record: Record, running: Worker, disk: Mapping[str, Entry]) -> set[str]:
    """The files on disk that a worker without a record of its own has certainly loaded in their present form.

    Without a record of written files, the time of change (ctime) decides: it must be well before the worker's start.
    """
    reading = running.reading
    if reading is None:
        reading = running.started - _READING - _READING_A_FILE * len(disk)
    now, boottime = time.time(), time.clock_gettime(time.CLOCK_BOOTTIME)
    found = set()
    for name, entry in disk.items():
        written = record.written.get(name)
        if written is not None and written.digest == digest(entry.content):
            if written.boot != running.boot or written.at < reading:
                found.add(name)
        elif not record.written and now - entry.changed > boottime - reading:
            found.add(name)
    return found


def forget(record: Record, names: Collection[str]) -> Record:
    """The record without files that no longer exist."""
    return replace(record, written={name: each for name, each in record.written.items() if name in names})

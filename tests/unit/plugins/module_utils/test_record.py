# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of the files that a running worker has loaded."""

from __future__ import annotations

import dataclasses
import os
import time
from pathlib import Path

import pytest

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.worker import Worker, worker
from ansible_collections.pgsvc.access.plugins.module_utils._publish import record, unfinished
from ansible_collections.pgsvc.access.plugins.module_utils._publish.directory import Entry
from ansible_collections.pgsvc.access.plugins.module_utils._publish.record import Head, Record, Written
from ansible_collections.pgsvc.access.plugins.module_utils._publish.service_file import parse

TEXT = b"# managed by pgsvc.access, owner o: x\nlisten a\n bind *:1\n server s 10.0.0.1:1 check\n"
WORKER = Worker(7, 5000, "this boot")


def started() -> float:
    return WORKER.start / os.sysconf("SC_CLK_TCK")


def test_a_worker_is_known_by_when_it_began() -> None:
    found = worker(os.getpid())
    assert found is not None
    assert found.pid == os.getpid()
    assert found.reading is None
    assert 0 < found.started < time.clock_gettime(time.CLOCK_BOOTTIME)
    assert worker(2**22 + 1) is None


def test_the_first_worker_has_read_what_was_there_when_its_master_began() -> None:
    found = worker(os.getpid(), os.getppid())
    assert found is not None
    assert found.reading is not None
    assert found.reading <= found.started


def entry(content: bytes = TEXT, age: float = 0) -> Entry:
    return Entry(content, time.time() - age)


def written(at: float, boot: str = "this boot", content: bytes = TEXT) -> Record:
    return Record(None, {}, {"a": Written(record.digest(content), boot, at)})


NEVER = 1e9
LOADED = {
    "long before the worker": (written(started() - 60), entry(), True),
    "just before the worker, which a reload may have started": (written(started() - 1), entry(), False),
    "behind the worker": (written(started() + 1), entry(), False),
    "in an earlier boot": (written(NEVER, boot="another boot"), entry(), True),
    "changed by somebody else since": (written(started() - 60), entry(TEXT + b" maxconn 3\n", age=NEVER), False),
    "another file, never written by this collection": (
        Record(None, {}, {"b": Written("x", "this boot", 0.0)}), entry(age=NEVER), False,
    ),
    "no record, and older than the process": (record.NO_RECORD, entry(age=NEVER), True),
    "no record, and younger": (record.NO_RECORD, entry(), False),
}  # fmt: skip


@pytest.mark.parametrize(("known", "file", "expected"), LOADED.values(), ids=LOADED)
def test_what_a_worker_without_a_record_has_loaded(known: Record, file: Entry, expected: bool) -> None:
    assert ("a" in record.loaded_names(known, WORKER, {"a": file})) is expected


def test_a_fresh_start_needs_no_margin() -> None:
    """Files that were there when the master began are loaded, however short before that they were written."""
    fresh = dataclasses.replace(WORKER, reading=started() - 0.01)
    assert record.loaded_names(written(started() - 0.02), fresh, {"a": entry()}) == {"a"}
    assert record.loaded_names(written(started()), fresh, {"a": entry()}) == set()


def test_a_step_of_the_clock_hides_no_change(monkeypatch: pytest.MonkeyPatch) -> None:
    """An hour forward, and back: files are compared by the clock of the boot."""
    real = time.time
    for step in (3600, -3600):
        monkeypatch.setattr(time, "time", lambda step=step: real() + step)
        assert record.loaded_names(written(started() + 1), WORKER, {"a": entry()}) == set()
        assert record.loaded_names(written(started() - 60), WORKER, {"a": entry()}) == {"a"}


def test_record(tmp_path: Path) -> None:
    path = tmp_path / "loaded.json"
    assert record.read_record(path) == record.NO_RECORD
    head = record.head(parse("a", TEXT.decode()))
    assert (head.owner, head.options, list(head.questions)) == ("o", {"s": "check"}, ["s"])
    known = record.with_written(Record(WORKER, {"a": head}), {"a": TEXT, "b": None})
    record.write_record(path, known)
    assert record.read_record(path) == known
    assert list(record.with_written(known, {"a": None}).written) == []
    assert list(record.forget(known, []).written) == []


UNREADABLE = [
    *("", "{", "[]", "null", "{}", "[" * 100_000, '{"worker": {}, "heads": {}, "written": {}}'),
    '{"worker": null, "heads": 2, "written": {}}',
    '{"worker": {"pid": "1", "start": 1, "boot": "x"}, "heads": {}, "written": {}}',
    '{"worker": null, "heads": {"a": {"owner": 1}}, "written": {}}',
    '{"worker": null, "heads": {}, "written": {"a": ["x", "y", "z"]}}',
    '{"worker": null, "heads": {}, "written": {"a": []}}',
]


@pytest.mark.parametrize("text", UNREADABLE)
def test_a_record_that_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "loaded.json").write_text(text)
    assert record.read_record(tmp_path / "loaded.json") == record.NO_RECORD
    assert unfinished.read(tmp_path / "loaded.json", WORKER) == {}


def test_a_fifo_is_no_record(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "loaded.json")
    assert record.read_record(tmp_path / "loaded.json") == record.NO_RECORD


def test_unfinished_servers_are_those_of_one_worker(tmp_path: Path) -> None:
    path = tmp_path / "unfinished.json"
    unfinished.write(path, WORKER, {"a/s": 8})
    assert unfinished.read(path, WORKER) == {"a/s": 8}
    assert unfinished.read(path, Worker(7, 5001, "this boot")) == {}
    unfinished.write(path, WORKER, {})
    assert not path.exists()


def test_the_head_knows_what_the_process_does_not_tell() -> None:
    text = "listen a\n server s 10.0.0.1:1 check port 8 weight 7 backup maxconn 3\n"
    assert record.head(parse("a", text)).options == {"s": "check maxconn 3"}
    assert Head("", "") == Head("", "", {}, {}, ())

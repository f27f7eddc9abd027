# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The choice of the way, and what is known of the running process."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from ansible_collections.pgsvc.access.plugins.module_utils import _loaded
from ansible_collections.pgsvc.access.plugins.module_utils._confdir import Entry
from ansible_collections.pgsvc.access.plugins.module_utils._decide import Decision, decide
from ansible_collections.pgsvc.access.plugins.module_utils._loaded import Head, Record, Worker

A, B = Head("o", "a"), Head("o", "b")

Case = tuple[dict[str, Head], set[str], dict[str, Head], set[str], dict[str, str], Decision]

DECISIONS: dict[str, Case] = {
    "nothing to do": ({"x": A}, set(), {"x": A}, {"x", "y"}, {}, Decision("none", "HAProxy runs what the files say")),
    "nothing at all": ({}, {"y"}, {}, {"x"}, {}, Decision("none", "HAProxy runs what the files say")),
    "servers": (
        {"x": A, "y": A}, set(), {"x": A, "y": A}, {"x", "y"}, {"y": ""},
        Decision("runtime", "only servers changed (y)"),
    ),
    "servers that only a reload can change": (
        {"x": A, "y": A}, set(), {"x": A, "y": A}, {"x", "y"}, {"x": "", "y": "y is balanced by source"},
        Decision("reload", "only a reload can apply this (y is balanced by source)"),
    ),
    "a new service": (
        {"x": A}, set(), {}, set(), {"x": ""}, Decision("reload", "only a reload can apply this (x: new)"),
    ),
    "a removed service": (
        {}, {"x"}, {"x": A}, {"x"}, {}, Decision("reload", "only a reload can apply this (x: removed)"),
    ),
    "another head, and servers": (
        {"x": B}, set(), {"x": A}, {"x"}, {"x": ""},
        Decision("reload", "only a reload can apply this (x: changed beyond its servers)"),
    ),
    "not known to be loaded": (
        {"x": A}, set(), {}, {"x"}, {},
        Decision("reload", "only a reload can apply this (x: on disk but perhaps not loaded yet)"),
    ),
    "many reasons": (
        {"x": B, "y": A, "z": A}, {"g"}, {"x": A}, {"x", "g", "z"}, {},
        Decision(
            "reload",
            "only a reload can apply this (y: new; g: removed; x: changed beyond its servers; z: on disk but perhaps "
            "not loaded yet)",
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", DECISIONS)
def test_decide(case: str) -> None:
    target, gone, loaded, proxies, servers, expected = DECISIONS[case]
    assert decide(target, gone, loaded, proxies, servers) == expected


def myself() -> Worker:
    found = _loaded.worker(os.getpid())
    assert found is not None
    return found


def test_a_worker_is_known_by_when_it_began() -> None:
    found = myself()
    assert found.pid == os.getpid()
    assert 0 < time.time() - found.started < time.clock_gettime(time.CLOCK_BOOTTIME)
    assert _loaded.worker(2**22 + 1) is None


def file(changed: float, port: int = 1) -> Entry:
    return Entry(f"# managed by pgsvc.access, owner o: x\nlisten a\n bind *:{port}\n".encode(), changed)


def test_the_record_of_the_same_worker_is_believed(tmp_path: Path) -> None:
    record = Record(myself(), {"a": A})
    _loaded.write_record(tmp_path / "loaded.json", record)
    assert _loaded.read_record(tmp_path / "loaded.json") == record
    assert _loaded.loaded(record, myself(), {"a": file(0)}) == {"a": A}


def test_of_another_worker_only_older_files_are_known_to_be_loaded() -> None:
    began = myself().started
    disk = {
        "old": file(began - 3),
        "just": file(began - 1),
        "young": file(began + 1),
        "theirs": Entry(b"listen b\n", 0),
    }
    record = Record(Worker(1, 1, "another boot"), {"young": A})
    assert set(_loaded.loaded(record, myself(), disk)) == {"old"}
    assert set(_loaded.loaded(None, myself(), disk)) == {"old"}


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "{}", '{"worker": {}, "heads": {}}', '{"worker": 1, "heads": 2}']
)
def test_a_record_that_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "loaded.json").write_text(text)
    assert _loaded.read_record(tmp_path / "loaded.json") is None


def test_no_record(tmp_path: Path) -> None:
    assert _loaded.read_record(tmp_path / "loaded.json") is None

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What HAProxy calls itself, and which of them are too old."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.process import Process
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.sockets import RuntimeAPI
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.version import (
    Version,
    check_binary,
    check_running,
    parse,
)
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.worker import worker
from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import PublishError

NEW_ENOUGH: dict[str, Version] = {
    "2.6.0": (2, 6, 0),
    "2.6.12": (2, 6, 12),
    "2.6.12-1+deb12u1": (2, 6, 12),
    "2.6": (2, 6, 0),
    "2.7-dev1": (2, 7, -1),
    "2.9.0-0ubuntu1": (2, 9, 0),
    "2.10.1": (2, 10, 1),
    "3.0.11-1+deb13u5": (3, 0, 11),
    "3.2-dev5": (3, 2, -1),
    "3.2-dev5-1a2b3c-20": (3, 2, -1),
    "3.2.1-0+deb~bpo1": (3, 2, 1),
    "10.0.0": (10, 0, 0),
    " 3.1.2\n": (3, 1, 2),
}
TOO_OLD: dict[str, Version] = {
    "2.4.22-f8e3218": (2, 4, 22),
    "2.4.24-0ubuntu0.22.04.1": (2, 4, 24),
    "2.5.14": (2, 5, 14),
    "2.6-dev12": (2, 6, -1),
    "2.2.9-2+deb11u6": (2, 2, 9),
    "1.8.30": (1, 8, 30),
}
UNREADABLE: dict[str, str] = {
    "": "''",
    "unknown": "unknown",
    "custom build\n2.6.1": "'custom build\\n2.6.1'",
    "2": "2",
    "v2.6.1": "v2.6.1",
    "2.6.1.7": "2.6.1.7",
    "٢.٦": "'٢.٦'",
    "-dev5": "-dev5",
    "x" * 200: f"'{'x' * 60}'",
}

RUNNING = (
    "pgsvc.access works with HAProxy 2.6 and later. Install such a version and restart HAProxy. Nothing was changed"
)
BINARY = (
    "pgsvc.access works with HAProxy 2.6 and later. Install such a version, or set binary to one. Nothing was changed"
)


@pytest.mark.parametrize("text", NEW_ENOUGH)
def test_new_enough(text: str) -> None:
    assert parse(text) == NEW_ENOUGH[text]
    check_running({"Name": "HAProxy", "Version": text}, "/run/m.sock")
    check_binary("haproxy", f"HAProxy version {text.strip()} 2026/10/17 - https://haproxy.org/\nStatus: stable\n")


@pytest.mark.parametrize("text", TOO_OLD)
def test_too_old(text: str) -> None:
    assert parse(text) == TOO_OLD[text]
    with pytest.raises(PublishError) as caught:
        check_running({"Name": "HAProxy", "Version": text}, "/run/m.sock")
    assert str(caught.value) == f"the HAProxy at /run/m.sock is {text}; {RUNNING}"
    with pytest.raises(PublishError) as caught:
        check_binary("/usr/sbin/haproxy", f"HA-Proxy version {text} 2023/12/28 - https://haproxy.org/\n")
    assert str(caught.value) == f"/usr/sbin/haproxy is HAProxy {text}; {BINARY}"


@pytest.mark.parametrize("text", UNREADABLE)
def test_unreadable(text: str) -> None:
    assert parse(text) is None
    with pytest.raises(PublishError) as caught:
        check_running({"Name": "HAProxy", "Version": text}, "/run/m.sock")
    assert (
        str(caught.value) == f"the HAProxy at /run/m.sock does not report its version ({UNREADABLE[text]}); {RUNNING}"
    )


def test_no_version_at_all() -> None:
    with pytest.raises(PublishError) as caught:
        check_running({"Name": "HAProxy"}, "/run/m.sock")
    assert str(caught.value) == f"the HAProxy at /run/m.sock does not report its version (''); {RUNNING}"


@pytest.mark.parametrize(
    ("banner", "shown"),
    [
        ("", "''"),
        ("true (GNU coreutils) 9.1\nCopyright\n", "'true (GNU coreutils) 9.1'"),
        ("HAProxy version", "'HAProxy version'"),
        ("HAProxy version unknown 2026/10/17", "'HAProxy version unknown 2026/10/17'"),
        ("nginx version: nginx/1.22.1", "'nginx version: nginx/1.22.1'"),
    ],
)
def test_a_program_that_is_no_haproxy(banner: str, shown: str) -> None:
    with pytest.raises(PublishError) as caught:
        check_binary("/bin/true", banner)
    assert str(caught.value) == f"/bin/true -v does not print a version of HAProxy ({shown}); {BINARY}"


def test_a_warning_before_the_version() -> None:
    check_binary("haproxy", "ld.so: warning\nHAProxy version 2.6.12 2026/10/17\n")


def test_a_program_that_runs_need_not_be_asked(tmp_path: Path) -> None:
    """Only where it is the same file: after an upgrade of the package it is another one."""
    own = worker(os.getpid())
    assert own is not None
    process = Process(own, RuntimeAPI("/nowhere"), None, None, (2, 6, 12))
    copied = tmp_path / "haproxy"
    copied.write_bytes(b"#!/bin/sh\n")
    assert process.version_of(str(Path("/proc/self/exe").readlink())) == (2, 6, 12)
    assert process.version_of(str(copied)) is None
    assert process.version_of("/nowhere/haproxy") is None
    assert process.version_of(None) is None

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who listens where, and what of it would be in HAProxy's way."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import Optional

import pytest

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.listening import (
    Address,
    Listening,
    Socket,
    address,
    listening,
    parse,
)

HEADER = (
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"
    "                                                     \n"
)


def at(text: str) -> Address:
    """``10.0.0.1:5433``, ``*:5433``, ``[fd00::1]:5433``."""
    host, _colon, port = text.rpartition(":")
    if host.startswith("["):
        return address(socket.AF_INET6, host.strip("[]"), int(port))
    return address(socket.AF_INET, "0.0.0.0" if host == "*" else host, int(port))


def test_parse() -> None:
    """As machines of little-endian order write it, 127.9.9.9 as 0909097F."""
    rows = [
        # a listener of root, one of nobody, one on every address, and the first connection, where reading ends
        "   0: 0909097F:1539 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 148272 1 0000",
        "   1: 0909097F:153A 00000000:0000 0A 00000000:00000000 00:00000000 00000000 65534        0 148273 1 0000",
        "   2: 00000000:1540 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 148275 1 0000",
        "   3: 0909097F:1539 0909097F:D2F0 01 00000000:00000000 00:00000000 00000000     0        0 148274 1 0000",
    ]
    lines = iter([HEADER, *rows, "not read"])
    assert parse(lines) == [
        Socket(at("127.9.9.9:5433"), 0, 148272),
        Socket(at("127.9.9.9:5434"), 65534, 148273),
        Socket(at("*:5440"), 0, 148275),
    ]
    assert next(lines) == "not read"
    assert parse([HEADER]) == parse([]) == []


def test_parse_ipv6() -> None:
    rest = "0A 00000000:00000000 00:00000000 00000000     0        0 7 1 0000"
    words = {
        "fd00::1": "000000FD000000000000000001000000",
        "::": "0" * 32,
        "mapped": "0000000000000000FFFF00000909097F",
    }
    table = [HEADER, *(f"   0: {word}:1539 {'0' * 32}:0000 {rest}\n" for word in words.values())]
    assert [each.address for each in parse(table)] == [at("[fd00::1]:5433"), at("[::]:5433"), at("127.9.9.9:5433")]


SERVER = "import socket; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); input()"


def test_this_process() -> None:
    """The real tables, with a listener of this process and one of another."""
    pipe = subprocess.PIPE
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        subprocess.Popen([sys.executable, "-c", SERVER], stdin=pipe, stdout=pipe, text=True) as other,
    ):
        assert other.stdout is not None
        mine, theirs = server.getsockname()[1], int(other.stdout.readline())
        found = listening(os.getpid())
        other.communicate("\n")
    assert found is not None
    assert found.holds(at(f"127.0.0.1:{mine}"))
    assert not found.holds(at(f"*:{mine}"))
    assert not found.holds(at(f"127.0.0.1:{theirs}"))
    assert any(each.address == at(f"127.0.0.1:{theirs}") for each in found.sockets)
    assert found.uid == os.geteuid()


def test_a_process_that_has_ended() -> None:
    with subprocess.Popen(["true"]) as ended:
        pass
    assert listening(ended.pid) is None


ROOT, PROXY, OTHER = 0, 100, 200
OWN = 1

# What is wanted; who asks; what listens there, each with its user and whether it is HAProxy's own; HAProxy's user.
Case = tuple[str, int, list[tuple[str, int, bool]], Optional[int], bool]
TAKEN: dict[str, Case] = {
    "by another program, and all are of one user": (
        "10.0.0.1:5433",
        ROOT,
        [("10.0.0.1:5433", ROOT, False)],
        ROOT,
        True,
    ),
    "by what does not listen": ("10.0.0.1:5433", ROOT, [], ROOT, True),
    "by what does not listen, seen by another user": ("10.0.0.1:5433", ROOT, [], PROXY, False),
    "by HAProxy, which this user may not share": (
        "10.0.0.1:5433",
        ROOT,
        [("10.0.0.1:5433", PROXY, True)],
        PROXY,
        False,
    ),
    "by HAProxy, without SO_REUSEPORT": ("10.0.0.1:5433", ROOT, [("10.0.0.1:5433", ROOT, True)], ROOT, False),
    "by HAProxy on every address": ("10.0.0.1:5433", ROOT, [("*:5433", PROXY, True)], PROXY, False),
    "by HAProxy on one of all": ("*:5433", ROOT, [("10.0.0.1:5433", PROXY, True)], PROXY, False),
    "by HAProxy's IPv6 for both": ("10.0.0.1:5433", ROOT, [("[::]:5433", ROOT, True)], ROOT, False),
    "by a program of a user that is not HAProxy's": (
        "10.0.0.1:5433",
        ROOT,
        [("10.0.0.1:5433", OTHER, False)],
        PROXY,
        True,
    ),
    "by root, and HAProxy is not root": ("10.0.0.1:5433", ROOT, [("*:5433", ROOT, False)], PROXY, True),
    "by a program of HAProxy's user": ("10.0.0.1:5433", ROOT, [("10.0.0.1:5433", PROXY, False)], PROXY, False),
    "by HAProxy and by another one": (
        "*:5433",
        ROOT,
        [("10.0.0.1:5433", PROXY, True), ("10.0.0.2:5433", OTHER, False)],
        PROXY,
        True,
    ),
    "on another port": ("10.0.0.1:5433", ROOT, [("10.0.0.1:5434", OTHER, False)], PROXY, False),
    "on another address": ("10.0.0.1:5433", ROOT, [("10.0.0.2:5433", OTHER, False)], PROXY, False),
    "by IPv6, perhaps for both": ("10.0.0.1:5433", ROOT, [("[::]:5433", OTHER, False)], PROXY, False),
    "in IPv6": ("[fd00::1]:5433", ROOT, [("[::]:5433", OTHER, False)], PROXY, True),
    "by IPv4 alone": ("[::]:5433", ROOT, [("*:5433", OTHER, False)], PROXY, False),
    "nobody knows who HAProxy is": ("10.0.0.1:5433", ROOT, [("10.0.0.1:5433", ROOT, False)], None, False),
}


@pytest.mark.parametrize("case", TAKEN)
def test_is_taken(case: str) -> None:
    wanted, asks, there, user, expected = TAKEN[case]
    sockets = [Socket(at(where), uid, OWN if own else 2) for where, uid, own in there]
    assert Listening(sockets, {OWN}, user).is_taken(at(wanted), asks) is expected

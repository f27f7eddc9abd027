# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Server lines, taken apart."""

from __future__ import annotations

import pytest

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.server_line import ServerLine, parse_server_line

LINES = {
    "ipv4": ("    server a 10.0.0.1:80 check", ServerLine("a", "10.0.0.1", 80, ("check",))),
    "ipv6": ("server a [fd00::1]:80", ServerLine("a", "fd00::1", 80, ())),
    "bare ipv6": ("server a fd00::1:80", ServerLine("a", "fd00::1", 80, ())),
    "name": ("server a db1:80", ServerLine("a", "db1", 80, ())),
    "family": ("server a ipv4@db1:80", ServerLine("a", "db1", 80, ())),
    "no port": ("server a 10.0.0.1", ServerLine("a", "10.0.0.1", 0, ())),
    "relative port": ("server a 10.0.0.1:+5", ServerLine("a", "10.0.0.1:+5", 0, ())),
    "quotes and a comment": (
        'server a 10.0.0.1:80 sni "str(x)" # why',
        ServerLine("a", "10.0.0.1", 80, ("sni", "str(x)")),
    ),
}


@pytest.mark.parametrize(("text", "expected"), LINES.values(), ids=LINES)
def test_parse(text: str, expected: ServerLine) -> None:
    assert parse_server_line(text) == expected


def test_the_last_word_wins() -> None:
    line = parse_server_line("server a 10.0.0.1:80 port 1 weight 5 port 2 no-check backup")
    assert (line.weight, line.check_port, line.backup) == (5, 2, True)
    assert line.effective_weight(["weight", "9"]) == 5
    assert not line.checked(["check"])
    bare = parse_server_line("server a 10.0.0.1:80")
    assert (bare.weight, bare.check_port, bare.backup) == (None, None, False)
    assert (bare.effective_weight(), bare.effective_weight(["weight", "9"]), bare.checked(["check"])) == (1, 9, True)


@pytest.mark.parametrize("text", ["", "server a", "bind *:80 x y"])
def test_no_server_line(text: str) -> None:
    with pytest.raises(ValueError, match=r"^not a server line \('server <name> <address>\[:port\] \[options\]'\): "):
        parse_server_line(text)

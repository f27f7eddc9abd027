# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values as people type them: what each becomes, and what is refused in which words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.pgsvc.access.plugins.plugin_utils._input import values
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import ValueProblem
from ansible_collections.pgsvc.access.tests.unit.plugins.plugin_utils.planning import Wrong, assert_refused

Check = Callable[[Any], Any]

BETWEEN_1_AND_9: Check = lambda value: values.integer(value, (1, 9), "a digit")  # noqa: E731
NAME: Check = lambda value: values.name(value, "a service name")  # noqa: E731
PATH: Check = lambda value: values.path(value, "a path")  # noqa: E731
LINE: Check = lambda value: values.one_line(value, "a line")  # noqa: E731
WORDS: Check = lambda value: values.word_list(value, "a host")  # noqa: E731


class TaggedText(str):
    """What ansible-core wraps text in."""


UNDERSTOOD: list[tuple[Check, Any, Any]] = [
    (BETWEEN_1_AND_9, 5, 5),
    (BETWEEN_1_AND_9, "5", 5),
    (BETWEEN_1_AND_9, " +5 ", 5),
    (BETWEEN_1_AND_9, "005", 5),
    (values.port, "6433", 6433),
    (values.port, 65535, 65535),
    (values.boolean, True, True),
    (values.boolean, "false", False),
    (values.boolean, "No", False),
    (values.boolean, "", False),
    (values.boolean, 0, False),
    (values.boolean, "1", True),
    (values.boolean, " TRUE ", True),
    (values.boolean, "on", True),
    (NAME, "pg_test-1.b", "pg_test-1.b"),
    (NAME, 7, "7"),
    (PATH, "/etc/haproxy/", "/etc/haproxy"),
    (PATH, "/", "/"),
    (PATH, "//", "/"),
    (PATH, "/etc//haproxy", "/etc/haproxy"),
    (PATH, "//etc/haproxy", "/etc/haproxy"),
    (PATH, "///etc/haproxy///", "/etc/haproxy"),
    (PATH, "/etc/./haproxy/.", "/etc/haproxy"),
    (PATH, "/./", "/"),
    (PATH, "/run/haproxy/admin.sock", "/run/haproxy/admin.sock"),
    (PATH, "/run/haproxy/..a", "/run/haproxy/..a"),
    (PATH, TaggedText("/run//a"), "/run/a"),
    (values.duration, "24h", "24h"),
    (values.duration, 5000, "5000"),
    (values.duration, "24d", "24d"),
    (values.duration, "1ms", "1ms"),
    (values.bind_address, "*", "*"),
    (values.bind_address, "10.10.10.11", "10.10.10.11"),
    (values.bind_address, "[fd00:0::1]", "fd00::1"),
    (values.bind_address, "FD00::1", "fd00::1"),
    (values.bind_address, "::", "::"),
    (values.host_address, "10.10.10.11", "10.10.10.11"),
    (values.host_address, "[fd00::0001]", "fd00::1"),
    (values.host_address, "pg-test-1", "pg-test-1"),
    (values.host_address, "db_1.example.org.", "db_1.example.org."),
    (WORDS, "a, b c", ["a", "b", "c"]),
    (WORDS, ["a", 1], ["a", "1"]),
    (WORDS, "", []),
    (LINE, "option httpchk", "option httpchk"),
    (LINE, "# grüße", "# grüße"),
]

NAMES = (
    "is not a service name; "
    "allowed: up to 100 letters, digits, '-', '_' and '.', beginning with a letter, a digit or '_'"
)
TRUTH = "is not a truth value; allowed: true or false"
QUOTES = " (YAML reads on, off, yes and no as true and false unless they are in quotes)"
PATHS = "is not a path; allowed: an absolute path of up to 1024 letters, digits and -_.,:@%+=~/"
DURATIONS = "is not a duration; allowed: a number with ms, s, m, h or d, such as 30s or 24h, up to 24d"
BINDS = "is not an address to listen on; allowed: '*', an IPv4 or an IPv6 address, or a list of them"
ADDRESSES = "is not an address; allowed: an IPv4 address, an IPv6 address or a host name"
UNPRINTABLE = "contains a line break or another unprintable character; allowed: one line of printable text"

REFUSED: list[tuple[Check, Any, Wrong]] = [
    (BETWEEN_1_AND_9, 0, Wrong("not-allowed", 0)),
    (BETWEEN_1_AND_9, "10", Wrong("not-allowed", "10", says="10 is not a digit; allowed: 1 to 9")),
    (BETWEEN_1_AND_9, True, Wrong("not-allowed", True)),
    (BETWEEN_1_AND_9, 1.0, Wrong("not-allowed", 1.0)),
    (BETWEEN_1_AND_9, "٣", Wrong("not-allowed", "٣")),
    (BETWEEN_1_AND_9, "1" * 30, Wrong("not-allowed", "1" * 30)),
    (BETWEEN_1_AND_9, [1], Wrong("not-allowed", [1])),
    (values.port, 70000, Wrong("not-allowed", 70000, says="70000 is not a port; allowed: 1 to 65535")),
    (values.port, "6433\n6434", Wrong("not-allowed", "6433\n6434")),
    (values.boolean, 2, Wrong("not-allowed", 2, says=f"2 {TRUTH}")),
    (values.boolean, "maybe", Wrong("not-allowed", "maybe")),
    (values.boolean, 1.0, Wrong("not-allowed", 1.0)),
    (values.boolean, [], Wrong("not-allowed", [])),
    (NAME, "-a", Wrong("not-allowed", "-a", says=f"'-a' {NAMES}")),
    (NAME, ".a", Wrong("not-allowed", ".a")),
    (NAME, "a b", Wrong("not-allowed", "a b")),
    (NAME, "a/b", Wrong("not-allowed", "a/b")),
    (NAME, "a\n", Wrong("not-allowed", "a\n")),
    (NAME, "é", Wrong("not-allowed", "é")),
    (NAME, "", Wrong("not-allowed", "")),
    (NAME, True, Wrong("not-allowed", True, says=f"True is not a service name; allowed: text{QUOTES}")),
    (NAME, "x" * 101, Wrong("not-allowed", "x" * 101)),
    (PATH, "etc", Wrong("not-allowed", "etc", says=f"'etc' {PATHS}")),
    (PATH, "/a/../b", Wrong("not-allowed", "/a/../b")),
    (PATH, "/..", Wrong("not-allowed", "/..")),
    (PATH, "//a/./..//b", Wrong("not-allowed", "//a/./..//b")),
    (PATH, "", Wrong("not-allowed", "")),
    (PATH, "/a b", Wrong("not-allowed", "/a b")),
    (PATH, "/a\nb", Wrong("not-allowed", "/a\nb")),
    (PATH, "/" + "x" * 1024, Wrong("not-allowed", "/" + "x" * 1024)),
    (values.duration, "0", Wrong("not-allowed", "0", says=f"'0' {DURATIONS}")),
    (values.duration, "25d", Wrong("not-allowed", "25d")),
    (values.duration, "3 s", Wrong("not-allowed", "3 s")),
    (values.duration, "1.5h", Wrong("not-allowed", "1.5h")),
    (values.duration, "forever", Wrong("not-allowed", "forever")),
    (values.bind_address, "pg-test-1", Wrong("not-allowed", "pg-test-1", says=f"'pg-test-1' {BINDS}")),
    (values.bind_address, "10.10.10.256", Wrong("not-allowed", "10.10.10.256")),
    (values.bind_address, "fe80::1%eth0", Wrong("not-allowed", "fe80::1%eth0")),
    (values.bind_address, "fe80::1%\nserver evil", Wrong("not-allowed", "fe80::1%\nserver evil")),
    (
        values.host_address,
        "fe80::1%\nserver evil",
        Wrong("not-allowed", "fe80::1%\nserver evil", says=f"'fe80::1%\\nserver evil' {ADDRESSES}"),
    ),
    (values.host_address, "0.0.0.0", Wrong("not-allowed", "0.0.0.0")),
    (values.host_address, "::", Wrong("not-allowed", "::")),
    (values.host_address, "10.10.10", Wrong("not-allowed", "10.10.10")),
    (values.host_address, "a b", Wrong("not-allowed", "a b")),
    (values.host_address, "unix@/run/x", Wrong("not-allowed", "unix@/run/x")),
    (values.host_address, "x" * 64, Wrong("not-allowed", "x" * 64)),
    (WORDS, {"a": 1}, Wrong("not-allowed", {"a": 1}, says="{'a': 1} is not a host; allowed: one, or a list of them")),
    (WORDS, [None], Wrong("not-allowed")),
    (LINE, "a\nlisten b", Wrong("unprintable", "a\nlisten b", says=f"'a\\nlisten b' {UNPRINTABLE}")),
    (LINE, "a\rb", Wrong("unprintable", "a\rb")),
    (LINE, "a\x00b", Wrong("unprintable", "a\x00b")),
    (LINE, "a\x85b", Wrong("unprintable", "a\x85b")),
    (LINE, "a\u2028b", Wrong("unprintable", "a\u2028b")),
    (LINE, "a\xa0b", Wrong("unprintable", "a\xa0b")),
    (LINE, "a\ud800b", Wrong("unprintable", "a\ud800b")),
    (
        lambda value: values.mapping(value, "a member"),
        [],
        Wrong("not-allowed", [], says="[] is not a member; allowed: a mapping of fields"),
    ),
    (
        lambda value: values.sequence(value, "a list"),
        {},
        Wrong("not-allowed", {}, says="{} is not a list; allowed: a list"),
    ),
]


@pytest.mark.parametrize(("check", "value", "expected"), UNDERSTOOD)
def test_understood(check: Check, value: Any, expected: Any) -> None:
    found = check(value)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(("check", "value", "wrong"), REFUSED)
def test_refused(check: Check, value: Any, wrong: Wrong) -> None:
    assert_refused(check, value, wrong)


@pytest.mark.parametrize(
    ("address", "expected"), [("*", "*:5433"), ("10.0.0.1", "10.0.0.1:5433"), ("fd00::1", "[fd00::1]:5433")]
)
def test_with_port(address: str, expected: str) -> None:
    assert values.with_port(address, 5433) == expected


class TaggedNumber(int):
    """What ansible-core wraps a number in."""


class Vaulted:
    """What ansible-core up to 2.18 reads an encrypted value as."""

    __ENCRYPTED__ = True

    def __str__(self) -> str:
        return "secret"


def test_native_values_are_plain_all_the_way_down() -> None:
    wrapped = {TaggedText("a"): [TaggedNumber(1), (TaggedText("b"), True, None, 1.5)], "v": Vaulted(), "o": b"x"}
    plain = values.native(wrapped)
    assert plain == {"a": [1, ["b", True, None, 1.5]], "v": "secret", "o": "b'x'"}
    assert [type(key) for key in plain] == [str, str, str]
    assert [type(plain["a"][0]), type(plain["a"][1][0])] == [int, str]


@pytest.mark.parametrize(
    "value", ["pgsvc-secret\n", "pgsvc-secret\r", "\x00pgsvc-secret", ["pgsvc-secret"], "pgsvc-secret" * 50, True]
)
def test_a_secret_is_not_repeated(value: Any) -> None:
    with pytest.raises(ValueProblem, match=r"^the value \(not shown\) is too long or not text, or contains ") as raised:
        values.secret(value)
    assert "pgsvc-secret" not in str(raised.value)
    assert raised.value.value is None


def test_a_secret_may_be_any_printable_text() -> None:
    assert values.secret("it's $HOME #1 \\ \"x: {# %s é") == "it's $HOME #1 \\ \"x: {# %s é"
    assert values.secret(123456) == "123456"

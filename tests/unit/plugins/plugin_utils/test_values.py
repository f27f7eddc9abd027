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

REFUSED: list[tuple[Check, Any, str]] = [
    (BETWEEN_1_AND_9, 0, "0 is not a digit; allowed: 1 to 9"),
    (BETWEEN_1_AND_9, "10", "10 is not a digit; allowed: 1 to 9"),
    (BETWEEN_1_AND_9, True, "True is not a digit; allowed: 1 to 9"),
    (BETWEEN_1_AND_9, 1.0, "1.0 is not a digit; allowed: 1 to 9"),
    (BETWEEN_1_AND_9, "٣", "'٣' is not a digit; allowed: 1 to 9"),
    (BETWEEN_1_AND_9, "1" * 30, f"'{'1' * 30}' is not a digit; allowed: 1 to 9"),
    (BETWEEN_1_AND_9, [1], "[1] is not a digit; allowed: 1 to 9"),
    (values.port, 70000, "70000 is not a port; allowed: 1 to 65535"),
    (values.port, "6433\n6434", "'6433\\n6434' is not a port; allowed: 1 to 65535"),
    (values.boolean, 2, f"2 {TRUTH}"),
    (values.boolean, "maybe", f"'maybe' {TRUTH}"),
    (values.boolean, 1.0, f"1.0 {TRUTH}"),
    (values.boolean, [], f"[] {TRUTH}"),
    (NAME, "-a", f"'-a' {NAMES}"),
    (NAME, ".a", f"'.a' {NAMES}"),
    (NAME, "a b", f"'a b' {NAMES}"),
    (NAME, "a/b", f"'a/b' {NAMES}"),
    (NAME, "a\n", f"'a\\n' {NAMES}"),
    (NAME, "é", f"'é' {NAMES}"),
    (NAME, "", f"'' {NAMES}"),
    (NAME, True, f"True is not a service name; allowed: text{QUOTES}"),
    (NAME, "x" * 101, f"'{'x' * 79}… {NAMES}"),
    (PATH, "etc", f"'etc' {PATHS}"),
    (PATH, "/a/../b", f"'/a/../b' {PATHS}"),
    (PATH, "/..", f"'/..' {PATHS}"),
    (PATH, "//a/./..//b", f"'//a/./..//b' {PATHS}"),
    (PATH, "", f"'' {PATHS}"),
    (PATH, "/a b", f"'/a b' {PATHS}"),
    (PATH, "/a\nb", f"'/a\\nb' {PATHS}"),
    (PATH, "/" + "x" * 1024, f"'/{'x' * 78}… {PATHS}"),
    (values.duration, "0", f"'0' {DURATIONS}"),
    (values.duration, "25d", f"'25d' {DURATIONS}"),
    (values.duration, "3 s", f"'3 s' {DURATIONS}"),
    (values.duration, "1.5h", f"'1.5h' {DURATIONS}"),
    (values.duration, "forever", f"'forever' {DURATIONS}"),
    (values.bind_address, "pg-test-1", f"'pg-test-1' {BINDS}"),
    (values.bind_address, "10.10.10.256", f"'10.10.10.256' {BINDS}"),
    (values.bind_address, "fe80::1%eth0", f"'fe80::1%eth0' {BINDS}"),
    (values.bind_address, "fe80::1%\nserver evil", f"'fe80::1%\\nserver evil' {BINDS}"),
    (values.host_address, "fe80::1%\nserver evil", f"'fe80::1%\\nserver evil' {ADDRESSES}"),
    (values.host_address, "0.0.0.0", f"'0.0.0.0' {ADDRESSES}"),
    (values.host_address, "::", f"'::' {ADDRESSES}"),
    (values.host_address, "10.10.10", f"'10.10.10' {ADDRESSES}"),
    (values.host_address, "a b", f"'a b' {ADDRESSES}"),
    (values.host_address, "unix@/run/x", f"'unix@/run/x' {ADDRESSES}"),
    (values.host_address, "x" * 64, f"'{'x' * 64}' {ADDRESSES}"),
    (WORDS, {"a": 1}, "{'a': 1} is not a host; allowed: one, or a list of them"),
    (WORDS, [None], "None is not a host (in a list); allowed: text"),
    (LINE, "a\nlisten b", f"'a\\nlisten b' {UNPRINTABLE}"),
    (LINE, "a\rb", f"'a\\rb' {UNPRINTABLE}"),
    (LINE, "a\x00b", f"'a\\x00b' {UNPRINTABLE}"),
    (LINE, "a\x85b", f"'a\\x85b' {UNPRINTABLE}"),
    (LINE, "a\u2028b", f"'a\\u2028b' {UNPRINTABLE}"),
    (LINE, "a\xa0b", f"'a\\xa0b' {UNPRINTABLE}"),
    (LINE, "a\ud800b", f"'a\\ud800b' {UNPRINTABLE}"),
    (lambda value: values.mapping(value, "a member"), [], "[] is not a member; allowed: a mapping of fields"),
    (lambda value: values.sequence(value, "a list"), {}, "{} is not a list; allowed: a list"),
]


@pytest.mark.parametrize(("check", "value", "expected"), UNDERSTOOD)
def test_understood(check: Check, value: Any, expected: Any) -> None:
    found = check(value)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(("check", "value", "message"), REFUSED)
def test_refused(check: Check, value: Any, message: str) -> None:
    with pytest.raises(ValueProblem) as caught:
        check(value)
    assert str(caught.value) == message


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


def test_a_secret_may_be_any_printable_text() -> None:
    assert values.secret("it's $HOME #1 \\ \"x: {# %s é") == "it's $HOME #1 \\ \"x: {# %s é"
    assert values.secret(123456) == "123456"

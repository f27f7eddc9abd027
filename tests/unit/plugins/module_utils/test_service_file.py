# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a service file says."""

from __future__ import annotations

import pytest

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.config import bind_addresses
from ansible_collections.pgsvc.access.plugins.module_utils._publish.service_file import (
    Owners,
    adoptable,
    owner_of,
    parse,
    valid_name,
    valid_owner,
)

TEXT = """\
#---------------------------------------------------------------------
# service: pg-test-standby @ 10.10.10.11:5435
#---------------------------------------------------------------------
# managed by pgsvc.access, owner member/pg-test: changes made here are overwritten
# service instances 10.10.10.11, 10.10.10.12
listen pg-test-standby
    bind *:5435,[fd00::1]:5435
    bind 10.0.0.1:5436 interface eth0
    mode   tcp  # not http
    server-state-file-name /var/lib/haproxy/pgsvc/pg-test-standby.state
    default-server inter 3s weight 100

    # servers
    server pg-test-1 10.10.10.11:6432 check port 8008 backup # the primary
    server pg-test-2 10.10.10.12:6432 check port 8008
"""


def test_parse() -> None:
    service = parse("pg-test-standby", TEXT)
    assert (service.name, service.owner) == ("pg-test-standby", "member/pg-test")
    assert [" ".join(line) for line in service.head] == [
        "listen pg-test-standby",
        "bind *:5435,[fd00::1]:5435",
        "bind 10.0.0.1:5436 interface eth0",
        "mode tcp",
        "server-state-file-name /var/lib/haproxy/pgsvc/pg-test-standby.state",
        "default-server inter 3s weight 100",
    ]
    assert (service.last("mode"), service.last("default-server", "inter"), service.last("maxconn")) == (
        "tcp",
        "3s",
        None,
    )
    assert service.binds == {"*:5435", "[fd00::1]:5435", "10.0.0.1:5436"}
    assert service.default_server == ("inter", "3s", "weight", "100")
    assert service.state_file == "/var/lib/haproxy/pgsvc/pg-test-standby.state"
    assert [(line.name, line.address, line.port, line.backup) for line in service.servers] == [
        ("pg-test-1", "10.10.10.11", 6432, True),
        ("pg-test-2", "10.10.10.12", 6432, False),
    ]


SAME_HEAD: dict[str, tuple[str, str, bool]] = {
    "a server less": ("    server pg-test-2 10.10.10.12:6432 check port 8008\n", "", True),
    "another member in the comment": ("10.10.10.11, 10.10.10.12", "10.10.10.11", True),
    "another indent": ("    mode   tcp", "mode tcp", True),
    "another port": ("*:5435", "*:5445", False),
    "another default": ("inter 3s", "inter 2s", False),
    "one more option": ("    # servers", "    option tcpka", False),
    "a blank within quotes": ("    # servers", "    http-check send hdr X 'a  b'", False),
    "a # within quotes": ("    # servers", '    http-check send hdr X "a #b"', False),
}


@pytest.mark.parametrize("case", SAME_HEAD)
def test_the_head_is_what_a_reload_is_needed_for(case: str) -> None:
    old, new, same = SAME_HEAD[case]
    assert old in TEXT
    changed = parse("x", TEXT.replace(old, new))
    assert (changed.head_digest == parse("x", TEXT).head_digest) is same


OWNERS: dict[str, str | None] = {
    TEXT: "member/pg-test",
    "# managed by pgsvc.access, owner node: x\n": "node",
    "    # managed by pgsvc.access, owner node: x\n": None,
    "# managed by pgsvc.access, owner node\n": None,
    "# managed by Ansible\n": None,
    "option x # managed by pgsvc.access, owner node: x\n": None,
    "": None,
}


@pytest.mark.parametrize("text", OWNERS)
def test_the_owner_is_read_from_its_line_only(text: str) -> None:
    assert owner_of(text) == OWNERS[text]


OWNED: list[tuple[str | None, list[str], bool]] = [
    ("member/pg-test", ["member/pg-test"], True),
    ("member/pg-test", ["member/*"], True),
    ("member/pg-test-dr", ["member/pg-test"], False),
    ("member/pg-test", ["member/pg-test-dr"], False),
    ("members/pg-test", ["member/*"], False),
    ("member", ["member/*"], False),
    ("member/pg-test", ["member/pg-*"], False),
    ("node", ["member/*", "node"], True),
    ("node", ["*"], False),
    ("node", [], False),
    (None, ["member/*", "node"], False),
]


@pytest.mark.parametrize(("owner", "patterns", "expected"), OWNED)
def test_owned_by(owner: str | None, patterns: list[str], expected: bool) -> None:
    assert (owner in Owners(patterns)) is expected


NAMES = {
    "pg-test-primary": True,
    "a.b_c": True,
    "haproxy2": True,
    "haproxy": False,
    ".hidden": False,
    "..": False,
    "a/b": False,
    "a b": False,
    "a\n": False,
    "": False,
    "é": False,
}


@pytest.mark.parametrize("name", NAMES)
def test_valid_name(name: str) -> None:
    assert valid_name(name) is NAMES[name]


@pytest.mark.parametrize(
    ("owner", "expected"),
    [("member/pg-test", True), ("node", True), ("a b", False), ("a:b", False), ("a/*", False), ("", False)],
)
def test_valid_owner(owner: str, expected: bool) -> None:
    assert valid_owner(owner) is expected


ADOPTABLE = {
    "# Pigsty\nlisten a\n bind *:1\n mode tcp\n server x 1.1.1.1:1\n": True,
    "listen a from base\n mode tcp\n": True,
    "listen b\n mode tcp\n": False,
    "listen a\n mode tcp\nlisten b\n mode tcp\n": False,
    "listen a\n mode tcp\nbackend a2\n": False,
    "defaults\n mode tcp\nlisten a\n": False,
    "frontend a\n bind *:1\n": False,
    "global\n": False,
    "# listen a\n": False,
    "": False,
}


@pytest.mark.parametrize("text", ADOPTABLE)
def test_only_a_file_that_is_the_same_service_can_be_adopted(text: str) -> None:
    assert adoptable("a", text) is ADOPTABLE[text]


LISTENERS = {
    "*:5433": "*:5433",
    ":5433": "*:5433",
    "0.0.0.0:5433": "*:5433",
    "10.0.0.1:5433": "10.0.0.1:5433",
    "ipv4@10.0.0.1:5433": "10.0.0.1:5433",
    ":::5433": "[*]:5433",
    "[::]:5433": "[*]:5433",
    "ipv6@:5433": "[*]:5433",
    "[FD00::1]:5433": "[fd00::1]:5433",
    "/run/a.sock": None,
    "unix@a.sock:1": None,
    "*:5000-5010": None,
    "*:${PORT}": None,
    "${HOST}:5433": None,
    "fd@3": None,
}


@pytest.mark.parametrize("bind", LISTENERS)
def test_listeners(bind: str) -> None:
    expected = LISTENERS[bind]
    found = bind_addresses(f"listen a\n    bind {bind} tfo\n")
    assert [(each.section, str(each)) for each in found] == ([("listen a", expected)] if expected else [])


OVERLAPS: list[tuple[str, str, bool]] = [
    ("*:1", "*:1", True),
    ("*:1", "10.0.0.1:1", True),
    ("10.0.0.1:1", "10.0.0.2:1", False),
    ("*:1", "*:2", False),
    ("*:1", ":::1", False),
    (":::1", "[fd00::1]:1", True),
    ("*:1 interface eth0", "*:1 interface eth1", False),
]


@pytest.mark.parametrize(("one", "other", "expected"), OVERLAPS)
def test_overlaps(one: str, other: str, expected: bool) -> None:
    found = bind_addresses(f"listen a\n bind {one}\nlisten b\n bind {other}\n")
    assert any(a.overlaps(b) for a in found for b in found if a is not b) is expected


def test_a_listener_may_have_addresses_that_are_not_the_machines() -> None:
    found = bind_addresses("listen a\n bind 10.0.0.1:1 transparent\n bind 10.0.0.2:1\n")
    assert [each.transparent for each in found] == [True, False]


QUOTED: list[tuple[str, str, bool]] = [
    ("log-format 'a  b'", "log-format 'a b'", False),
    ('log-format "a #1"', 'log-format "a #2"', False),
    ("log-format a\\ #1", "log-format a\\ #2", True),
    ("log-format a\\#1", "log-format a\\#2", False),
    ("log-format a#1", "log-format a#2", True),
    ("log-format  a   # why", "log-format a", True),
]


@pytest.mark.parametrize(("one", "other", "same"), QUOTED)
def test_blanks_and_comments_are_told_from_text_in_quotes(one: str, other: str, same: bool) -> None:
    assert (parse("a", f"listen a\n{one}\n").head == parse("a", f"listen a\n{other}\n").head) is same

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a service file says: its owner, its listeners, its head and its server lines. Text in, values out."""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Optional

from ansible_collections.pgsvc.access.plugins.module_utils._grammar import (
    SECTIONS,
    Words,
    directives,
    unquoted,
    words,
)
from ansible_collections.pgsvc.access.plugins.module_utils._server_line import ServerLine, server_line

SUFFIX = ".cfg"

_NAME = re.compile(r"(?!\.)[A-Za-z0-9_.-]+")
_OWNER = re.compile(r"^# managed by pgsvc\.access, owner (\S+):", re.MULTILINE)
_OWNER_ARGUMENT = re.compile(r"[^\s:*]+")
# What a health check asks (Configuration Manual 4.2).
_CHECK_KEYWORDS = frozenset(("http-check", "tcp-check"))
_CHECK_OPTIONS = re.compile(r"httpchk|(?:tcp|pgsql|mysql|redis|smtp|ldap|spop|ssl-hello|external)-?ch(?:ec)?k(?:s)?")


@dataclass(frozen=True)
class ServiceFile:
    """One `<name>.cfg`, parsed.

    `head` is what HAProxy cannot change while it runs: the words of every directive but the `server` lines, so that
    two files that mean the same have the same head.
    """

    name: str
    owner: Optional[str]
    head: tuple[Words, ...]
    server_lines: tuple[Words, ...]

    @cached_property
    def head_digest(self) -> str:
        """SHA-256 (hex) of the head."""
        text = "\n".join(map(_joined, self.head))
        return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()

    def _lines(self, keyword: str) -> list[Words]:
        return [line for line in self.head if line[0] == keyword]

    @cached_property
    def default_server(self) -> Words:
        """The words of all `default-server` lines."""
        lines = self._lines("default-server")
        return _unquoted(lines[0]) if len(lines) == 1 else tuple(word for line in lines for word in _unquoted(line))

    @cached_property
    def binds(self) -> frozenset[str]:
        """Every address that a `bind` line names."""
        return frozenset(a for line in self._lines("bind") if line[1:] for a in line[1].split(","))

    @cached_property
    def state_file(self) -> Optional[str]:
        """The file from which a new process takes the states of the servers; None for a service without one."""
        return next((unquoted(line[1]) for line in self._lines("server-state-file-name") if line[1:]), None)

    @cached_property
    def check_lines(self) -> tuple[Words, ...]:
        """The directives that say what a health check of its servers asks."""
        return tuple(line for line in self.head if _is_about_checks(line))

    @cached_property
    def servers(self) -> tuple[ServerLine, ...]:
        """The `server` lines, taken apart. Raises `ValueError` for one that is none to HAProxy either."""
        return tuple(server_line(line) for line in self.server_lines)

    def last(self, *keywords: str) -> Optional[str]:
        """The argument of the last directive that begins with these keywords."""
        count, found = len(keywords), None
        for line in self._lines(keywords[0]):
            if len(line) > count and line[:count] == keywords:
                found = line[count]
        return found


_joined = functools.lru_cache(maxsize=2**16)(" ".join)


# Nearly all services of a load balancer have the same line.
@functools.lru_cache(maxsize=2**12)
def _unquoted(line: Words) -> Words:
    """The words of a directive behind its keyword, as HAProxy takes them."""
    return tuple(map(unquoted, line[1:]))


def _is_about_checks(line: Words) -> bool:
    keyword, argument = line[0], line[1] if len(line) > 1 else ""
    if keyword == "option":
        return _CHECK_OPTIONS.fullmatch(argument) is not None
    return keyword in _CHECK_KEYWORDS


def valid_name(name: str) -> bool:
    """Whether a service may have this name: it becomes a file name, and `haproxy.cfg` is the base configuration."""
    return _NAME.fullmatch(name) is not None and name != "haproxy"


def valid_owner(owner: str) -> bool:
    """Whether an owner can be written into, and read back from, the owner line of a file."""
    return _OWNER_ARGUMENT.fullmatch(owner) is not None


def parse(name: str, text: str) -> ServiceFile:
    """Parse the text of `<name>.cfg`. Never fails: whether the text is valid is for HAProxy to say."""
    head: list[Words] = []
    servers: list[Words] = []
    for line in text.splitlines():
        found = words(line)
        if found:
            (servers if found[0] == "server" else head).append(found)
    return ServiceFile(name, owner_of(text), tuple(head), tuple(servers))


def owner_of(text: str) -> Optional[str]:
    """The owner that the file names in its `# managed by pgsvc.access, owner X: …` line; None for a foreign file."""
    match = _OWNER.search(text)
    return match.group(1) if match else None


class Owners:
    """The owners that a call speaks for: each exact, or as `prefix/*` for every owner below the prefix.

    >>> "member/pg-test" in Owners(["member/*"]), "member/pg-test-dr" in Owners(["member/pg-test"])
    (True, False)
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        self._exact = frozenset(patterns)
        self._prefixes = tuple(pattern[:-1] for pattern in self._exact if pattern.endswith("/*"))

    def __contains__(self, owner: Optional[str]) -> bool:
        return owner is not None and (owner in self._exact or owner.startswith(self._prefixes))


def adoptable(name: str, text: str) -> bool:
    """Whether a file without an owner may be replaced by the service of the same name.

    Only when all it declares is one `listen <name>` section: then it is the same service, written by other hands
    (Pigsty's), and nothing else is lost with it.
    """
    lines = list(directives(text))
    if not lines or lines[0][:2] != ("listen", name):
        return False
    return not any(line[0] in SECTIONS for line in lines[1:])


@dataclass(frozen=True)
class Listener:
    """An address and port that a section binds. `address` is `*` for every address of the family.

    `transparent` listeners may have addresses that are not the machine's own.
    """

    section: str
    family: str
    address: str
    port: int
    transparent: bool = False

    def overlaps(self, other: Listener) -> bool:
        """Whether both would share connections: the kernel accepts them beside each other (SO_REUSEPORT)."""
        if (self.family, self.port) != (other.family, other.port):
            return False
        return self.address == other.address or "*" in (self.address, other.address)

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if self.family == "ipv6" else f"{self.address}:{self.port}"


def listeners(text: str) -> list[Listener]:
    """The TCP listeners of a configuration file, with the section of each (`listen pg-test-primary`).

    Reads what can be told from the text alone: sockets, variables, port ranges, and listeners that are tied to an
    interface or a network namespace are left out.
    """
    found: list[Listener] = []
    section = ""
    for line in directives(text):
        if line[0] in SECTIONS:
            section = " ".join(line[:2])
        elif line[0] == "bind":
            found.extend(bound(section, line))
    return found


def bound(section: str, line: Words) -> list[Listener]:
    """The listeners of one `bind` line."""
    if len(line) < 2 or {"interface", "namespace"} & set(line[2:]):
        return []
    found = (_listener(section, address, "transparent" in line) for address in line[1].split(","))
    return [listener for listener in found if listener is not None]


def _listener(section: str, bind: str, transparent: bool) -> Optional[Listener]:
    """One address of a `bind` line (HAProxy manual, 4.2 `bind` and 11.1 address formats)."""
    family = ""
    if bind.startswith(("ipv4@", "ipv6@")):
        family, _at, bind = bind.partition("@")
    host, colon, port = bind.rpartition(":")
    if not colon or not port.isdigit() or "$" in host or "@" in host or "/" in host:
        return None
    host = host.strip("[]")
    family = family or ("ipv6" if ":" in host else "ipv4")
    if host in {"", "*", "0.0.0.0", "::"}:
        host = "*"
    return Listener(section, family, host.lower(), int(port), transparent)

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A configuration file of HAProxy with one section that has servers: text in, values out (Configuration Manual 4)."""

from __future__ import annotations

import functools
import hashlib
import re
from functools import cached_property
from typing import Optional

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.grammar import (
    SECTIONS,
    Words,
    directives,
    unquoted,
    words,
)
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.server_line import ServerLine, server_line
from ansible_collections.pgsvc.access.plugins.module_utils._host.light_dataclass import dataclass

SUFFIX = ".cfg"

# What a health check asks (Configuration Manual 4.2).
_CHECK_KEYWORDS = frozenset(("http-check", "tcp-check"))
_CHECK_OPTIONS = re.compile(r"httpchk|(?:tcp|pgsql|mysql|redis|smtp|ldap|spop|ssl-hello|external)-?ch(?:ec)?k(?:s)?")


@dataclass(frozen=True)
class Section:
    """A section with servers, and what stands around it in its file.

    `head` is what HAProxy cannot change while it runs: the words of every directive but the `server` lines, so that
    two files that mean the same have the same head.
    """

    name: str
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

    @property
    def is_backend(self) -> bool:
        """Whether it has no listener: its servers may be there for others to track."""
        return bool(self.head) and self.head[0][0] == "backend"

    @cached_property
    def tracks(self) -> bool:
        """Whether one of its servers follows the health check of another proxy's server."""
        return any("track" in line for line in self.server_lines)

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


def split(text: str) -> tuple[tuple[Words, ...], tuple[Words, ...]]:
    """The words of all directives of a text: those of the head, and those of its `server` lines.

    Never fails: whether the text is valid is for HAProxy to say.
    """
    head: list[Words] = []
    servers: list[Words] = []
    for line in text.splitlines():
        found = words(line)
        if found:
            (servers if found[0] == "server" else head).append(found)
    return tuple(head), tuple(servers)


@dataclass(frozen=True)
class BindAddress:
    """An address and port that a section binds. `address` is `*` for every address of the family.

    `transparent` listeners may have addresses that are not the machine's own.
    """

    section: str
    family: str
    address: str
    port: int
    transparent: bool = False

    def overlaps(self, other: BindAddress) -> bool:
        """Whether both would share connections: the kernel accepts them beside each other (SO_REUSEPORT)."""
        if (self.family, self.port) != (other.family, other.port):
            return False
        return self.address == other.address or "*" in (self.address, other.address)

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if self.family == "ipv6" else f"{self.address}:{self.port}"


def bind_addresses(text: str) -> list[BindAddress]:
    """The TCP listeners of a configuration file, with the section of each (`listen pg-test-primary`).

    Reads what can be told from the text alone: sockets, variables, port ranges, and listeners that are tied to an
    interface or a network namespace are left out.
    """
    found: list[BindAddress] = []
    section = ""
    for line in directives(text):
        if line[0] in SECTIONS:
            section = " ".join(line[:2])
        elif line[0] == "bind":
            found.extend(addresses_of_bind(section, line))
    return found


def addresses_of_bind(section: str, line: Words) -> list[BindAddress]:
    """The listeners of one `bind` line."""
    if len(line) < 2 or {"interface", "namespace"} & set(line[2:]):
        return []
    found = (_bind_address(section, address, "transparent" in line) for address in line[1].split(","))
    return [listener for listener in found if listener is not None]


def _bind_address(section: str, bind: str, transparent: bool) -> Optional[BindAddress]:
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
    return BindAddress(section, family, host.lower(), int(port), transparent)

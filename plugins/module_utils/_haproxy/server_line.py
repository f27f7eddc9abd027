# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parses a ``server`` line of an HAProxy configuration (Configuration Manual 4.2 "server" and 5.2)."""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Sequence
from typing import NamedTuple, Optional

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.grammar import (
    Words,
    has_open_quote,
    is_quoted,
    unquoted,
    words,
)

_ADDRESS = re.compile(r"(?:ipv[46]@)?(?P<host>.*?)(?::(?P<port>\d+))?", re.ASCII)


class Options(NamedTuple):
    """The effective options of a server (Configuration Manual 5.2): all `words`, and the values of some.

    `weight` is 0 to 256, with HAProxy's default of 1. A server that is not `checked` is always up; one that `tracks`
    another has the state of that server. `tls` is that of connections; `check_port` is None if checks use their port.
    """

    words: Words
    weight: int
    checked: bool
    tracks: bool
    tls: bool
    check_port: Optional[str]


class ServerLine(NamedTuple):
    """One ``server`` line. `options` are all words after the address, unquoted and in order.

    `address` is without brackets and port; `port` is 0 if the line has none (HAProxy uses the client's port) or one
    relative to the client's. Properties are None if the line does not set them.
    """

    name: str
    address: str
    port: int
    options: Words

    @property
    def weight(self) -> Optional[int]:
        return self._number("weight")

    @property
    def check_port(self) -> Optional[int]:
        return self._number("port")

    @property
    def backup(self) -> bool:
        return "backup" in self.options

    @property
    def by_name(self) -> bool:
        """Whether the address is a name that HAProxy has to resolve."""
        return not is_ip(self.address)

    @property
    def tracked(self) -> Optional[tuple[str, str]]:
        """The proxy and the server whose health check this one follows (5.2 "track")."""
        followed = word_after(self.options, "track")
        if followed is None:
            return None
        proxy, slash, server = followed.rpartition("/")
        return (proxy, server) if slash else ("", followed)

    def in_force(self, default_server: Sequence[str] = ()) -> Options:
        """The effective options: those of ``default-server``, overridden by those of the line."""
        return _in_force(tuple(default_server), self.options)

    def words(self, default_server: Sequence[str] = ()) -> Words:
        return self.in_force(default_server).words

    def effective_weight(self, default_server: Sequence[str] = ()) -> int:
        return self.in_force(default_server).weight

    def checked(self, default_server: Sequence[str] = ()) -> bool:
        return self.in_force(default_server).checked

    def _number(self, keyword: str) -> Optional[int]:
        value = word_after(self.options, keyword)
        return int(value) if value is not None and value.isdigit() else None


# Servers of many services have the same options.
@functools.lru_cache(maxsize=2**12)
def _in_force(default_server: Words, options: Words) -> Options:
    words = (*default_server, *options)
    return Options(
        words,
        weight=_weight(word_after(words, "weight")),
        checked=_last_of(words, "check", "no-check") == "check",
        tracks="track" in words,
        tls=_last_of(words, "ssl", "no-ssl") == "ssl",
        check_port=word_after(words, "port"),
    )


def _weight(text: Optional[str]) -> int:
    """A weight as a number; HAProxy rejects anything else."""
    return int(text) if text is not None and text.isdigit() else 1


def _last_of(found: Words, *keywords: str) -> Optional[str]:
    return next((word for word in reversed(found) if word in keywords), None)


def word_after(found: Words, keyword: str) -> Optional[str]:
    """The word after the last `keyword` (in HAProxy the last one is effective); None if there is none."""
    value = None
    for this, following in zip(found, found[1:]):
        if this == keyword:
            value = following
    return value


def is_ip(address: str) -> bool:
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return False
    return True


def parse_server_line(text: str) -> ServerLine:
    """Parse a ``server`` line. Raises `ValueError` with the reason if the text is not one."""
    return server_line(words(text))


def server_line(found: Words) -> ServerLine:
    """The same for the words of a line, which may still have their quotes."""
    shown = " ".join(found)
    quoted = is_quoted(shown)
    if quoted and any(map(has_open_quote, found)):
        raise ValueError(f"No closing quotation in {shown!r}")
    if len(found) < 3 or found[0] != "server":
        raise ValueError(f"not a server line ('server <name> <address>[:port] [options]'): {shown!r}")
    plain = [unquoted(word) for word in found] if quoted else list(found)
    match = _ADDRESS.fullmatch(plain[2])
    if match is None:
        raise ValueError(f"server {plain[1]}: {plain[2]!r} is not an address")
    host = match["host"]
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    return ServerLine(plain[1], host, int(match["port"] or 0), tuple(plain[3:]))

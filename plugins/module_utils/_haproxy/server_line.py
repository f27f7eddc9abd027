# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ``server`` line of an HAProxy configuration, taken apart (Configuration Manual 4.2 "server" and 5.2)."""

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
    """The options of a server that are in force (Configuration Manual 5.2), all `words` of them and what some say.

    `weight` is 0 to 256, HAProxy's own default 1. A server that is not `checked` counts as up for good; one that
    `tracks` another takes over that one's state. `tls` is that of connections, `check_port` one of the check alone.
    """

    words: Words
    weight: int
    checked: bool
    tracks: bool
    tls: bool
    check_port: Optional[str]


class ServerLine(NamedTuple):
    """What one ``server`` line says. `options` are all words behind the address, unquoted and in order.

    `address` is without brackets and port; `port` is 0 when the line has none (the client's own port is used) or one
    relative to the client's. What the line leaves to ``default-server`` is None.
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
        """Whether HAProxy has to resolve its address."""
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
        """Its options together with those of the ``default-server`` line, which come first: the last word holds."""
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


def _weight(said: Optional[str]) -> int:
    """A number; HAProxy refuses anything else."""
    return int(said) if said is not None and said.isdigit() else 1


def _last_of(found: Words, *keywords: str) -> Optional[str]:
    return next((word for word in reversed(found) if word in keywords), None)


def word_after(found: Words, keyword: str) -> Optional[str]:
    """The word that follows the last `keyword` (HAProxy lets the last one win), None when there is none."""
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
    """Raises `ValueError`, saying why, for a text that is not a ``server`` line."""
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

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ``server`` line of a service file, taken apart (HAProxy Configuration Manual 2.2 for quoting, 5.2 for options)."""

from __future__ import annotations

import dataclasses
import re
import shlex
from collections.abc import Sequence

_ADDRESS = re.compile(r"(?:ipv[46]@)?(?P<host>.*?)(?::(?P<port>\d+))?", re.ASCII)


@dataclasses.dataclass(frozen=True)
class ServerLine:
    """What one ``server`` line says. `options` are all words behind the address, unquoted and in order.

    `address` is without brackets and port; `port` is 0 when the line has none (the client's own port is used) or one
    relative to the client's. What the line leaves to ``default-server`` is None.
    """

    name: str
    address: str
    port: int
    options: tuple[str, ...]

    @property
    def weight(self) -> int | None:
        return self._number("weight")

    @property
    def check_port(self) -> int | None:
        return self._number("port")

    @property
    def backup(self) -> bool:
        return "backup" in self.options

    def words(self, default_server: Sequence[str] = ()) -> tuple[str, ...]:
        """All options in force, those of the ``default-server`` line first: where two speak, the last one holds."""
        return (*default_server, *self.options)

    def effective_weight(self, default_server: Sequence[str] = ()) -> int:
        """0 to 256; HAProxy's own default is 1 (Configuration Manual 5.2 "weight")."""
        return int(word_after(self.words(default_server), "weight") or 1)

    def checked(self, default_server: Sequence[str] = ()) -> bool:
        """Whether HAProxy checks its health: without, it counts as up for good (5.2 "check")."""
        words = [word for word in self.words(default_server) if word in ("check", "no-check")]
        return bool(words) and words[-1] == "check"

    def _number(self, keyword: str) -> int | None:
        value = word_after(self.options, keyword)
        return int(value) if value is not None and value.isdigit() else None


def word_after(words: Sequence[str], keyword: str) -> str | None:
    """The word that follows the last `keyword` (HAProxy lets the last one win), None when there is none."""
    value = None
    for this, following in zip(words, words[1:]):
        if this == keyword:
            value = following
    return value


def split_words(text: str) -> tuple[str, ...]:
    """The words of a configuration line, quotes and escapes resolved, without its comment.

    Raises `ValueError` for a quote that is not closed.
    """
    return tuple(shlex.split(text, comments=True, posix=True))


def parse_server_line(text: str) -> ServerLine:
    """Raises `ValueError`, saying why, for a text that is not a ``server`` line."""
    words = split_words(text)
    if len(words) < 3 or words[0] != "server":
        raise ValueError(f"not a server line ('server <name> <address>[:port] [options]'): {text.strip()!r}")
    match = _ADDRESS.fullmatch(words[2])
    if match is None:
        raise ValueError(f"server {words[1]}: {words[2]!r} is not an address")
    host = match["host"]
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    return ServerLine(words[1], host, int(match["port"] or 0), words[3:])

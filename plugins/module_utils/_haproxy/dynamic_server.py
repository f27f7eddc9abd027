# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a server that is added at run time (Management Guide 9.3 "add server").

Such a server inherits nothing from ``default-server``, and accepts only some of the keywords of a configuration line.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_ALONE = frozenset(
    (
        "allow-0rtt", "backup", "check", "check-send-proxy", "check-ssl", "check-via-socks4", "disabled",
        "no-ssl-reuse", "no-tls-tickets", "send-proxy", "send-proxy-v2", "send-proxy-v2-ssl",
        "send-proxy-v2-ssl-cn", "ssl", "tfo", "tls-tickets",
    )
)  # fmt: skip
_WITH_ARGUMENT = frozenset(
    (
        "addr", "alpn", "ca-file", "check-alpn", "check-proto", "check-sni", "ciphers", "ciphersuites",
        "crl-file", "crt", "downinter", "error-limit", "fall", "fastinter", "id", "inter", "maxconn",
        "maxqueue", "minconn", "npn", "observe", "on-error", "on-marked-down", "on-marked-up", "pool-low-conn",
        "pool-max-conn", "pool-purge-delay", "port", "proto", "proxy-v2-options", "rise", "slowstart", "sni",
        "source", "ssl-max-ver", "ssl-min-ver", "usesrc", "verify", "verifyhost", "weight", "ws",
    )
)  # fmt: skip
_NEGATES = {
    "enabled": "disabled",
    "no-backup": "backup",
    "no-check": "check",
    "no-check-ssl": "check-ssl",
    "no-send-proxy": "send-proxy",
    "no-send-proxy-v2": "send-proxy-v2",
    "no-ssl": "ssl",
    "ssl-reuse": "no-ssl-reuse",
}
_PLAIN = re.compile(r"[A-Za-z0-9_.,:/%=@+*()\[\]-]+", re.ASCII)


class NotDynamicError(ValueError):
    """The Runtime API cannot add this server; the message names the option that it does not accept."""


def dynamic_words(words: Sequence[str]) -> tuple[str, ...]:
    """The same options for ``add server``: each keyword once, with its last argument, without negated ones."""
    kept: dict[str, tuple[str, ...]] = {}
    position = 0
    while position < len(words):
        word = words[position]
        length = 2 if word in _WITH_ARGUMENT else 1
        option = tuple(words[position : position + length])
        if word in _NEGATES:
            kept.pop(_NEGATES[word], None)
        elif (word not in _ALONE and word not in _WITH_ARGUMENT) or len(option) < length:
            raise NotDynamicError(f"HAProxy accepts {word!r} only in a configuration file")
        elif not all(_PLAIN.fullmatch(part) for part in option):
            raise NotDynamicError(f"{' '.join(option)!r} cannot be sent to HAProxy's socket")
        else:
            kept[word] = option
        position += length
    return tuple(part for option in kept.values() for part in option)

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the health check of a server asks. Two servers with the same question have the same verdict.

Sources: Configuration Manual 4.2 ("http-check", "tcp-check", the check options) and 5.2 (the server options).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.config import Section
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.grammar import Words
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.server_line import ServerLine, word_after

# Options of a server that say nothing about what its check asks: when it is asked, and what a server may carry.
_WITH_ARGUMENT = frozenset(
    (
        *("agent-addr", "agent-inter", "agent-port", "agent-send", "cookie", "downinter", "error-limit", "fall"),
        *("fastinter", "id", "init-addr", "inter", "maxconn", "maxqueue", "minconn", "observe", "on-error"),
        *("on-marked-down", "on-marked-up", "redir", "resolve-net", "resolve-opts", "resolve-prefer", "resolvers"),
        *("rise", "slowstart", "tcp-ut", "weight"),
    )
)
_ALONE = frozenset(
    ("agent-check", "backup", "disabled", "enabled", "no-agent-check", "no-backup", "non-stick", "stick")
)


def has_own_check(line: ServerLine, default_server: Sequence[str]) -> bool:
    """Whether HAProxy finds a verdict of its own; a server that tracks another one takes over that one's."""
    options = line.in_force(default_server)
    return options.checked and not options.tracks


def check_words(line: ServerLine, default_server: Sequence[str]) -> Words:
    """The options of a server that say what its check asks, and of whom."""
    return tuple(_kept(line.words(default_server)))


def _kept(words: Sequence[str]) -> Iterator[str]:
    remaining = iter(words)
    for word in remaining:
        if word in _WITH_ARGUMENT:
            next(remaining, None)
        elif word not in _ALONE:
            yield word


def question(service: Section, line: ServerLine) -> str:
    """A digest (hex) of what the check of this server asks; "" for a server without a check of its own."""
    if not has_own_check(line, service.default_server):
        return ""
    words = line.words(service.default_server)
    # A check port of its own leaves the server's port out of the question.
    port = word_after(words, "port") or str(line.port)
    asked = [" ".join(directive) for directive in service.check_lines]
    text = "\n".join((line.address, port, " ".join(check_words(line, service.default_server)), *asked))
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:32]

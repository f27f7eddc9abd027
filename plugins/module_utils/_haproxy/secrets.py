# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets in lines of configuration."""

from __future__ import annotations

import re

# A value that is only looked up where it is needed: an environment variable, or an expression of HAProxy.
_LOOKED_UP = r"(?!\$|%\[)"
_SECRET_NAME = r"[a-z0-9_-]*(?:authorization|api-?key|token|secret|password|passwd)"  # noqa: S105  not a password
_VALUE = rf"(?:(?:basic|bearer) {_LOOKED_UP}|(?!(?:basic|bearer) ){_LOOKED_UP})\S"

# What a secret is called in a message.
STATS_AUTH = "a password of 'stats auth'"
USER = "the password of a 'user'"
HEADER = "a header with a secret"
PARAMETER = "a parameter with a secret"
CHECK = "the password of a check"
# The words of HAProxy that a secret follows.
_CREDENTIALS = (
    (STATS_AUTH, re.compile(r"\bstats auth(?: |$)")),
    (USER, re.compile(r"\buser \S+ (?:.* )?(?:insecure-)?password(?: |$)")),
    (
        HEADER,
        re.compile(
            rf"(?:\bhdr|(?:set|add|replace)-(?:header|value)) {_SECRET_NAME} {_VALUE}"
            rf"|authorization: ?{_VALUE}"
            rf"|\b(?:basic|bearer) {_LOOKED_UP}[a-z0-9+/._~-]{{6,}}=*(?: |$)"
        ),
    ),
    (PARAMETER, re.compile(rf"[?&;]{_SECRET_NAME}={_LOOKED_UP}\S")),
    (CHECK, re.compile(rf"\bsend(?:-lf)? auth {_LOOKED_UP}\S")),
)

_SUSPICIOUS = re.compile(
    r"pass(?:word|wd|phrase)|secret|token|credential|api-?key|\bauth\b|authorization|^\s*(?:pre)?setenv\b",
    re.IGNORECASE | re.MULTILINE,
)


def credential(line: str) -> str:
    """What a line of HAProxy's configuration discloses, in words that do not repeat it; empty when it is nothing.

    >>> credential("stats auth admin:secret")
    "a password of 'stats auth'"
    >>> credential('http-check send hdr Authorization "Bearer ${TOKEN}"')
    ''
    """
    words = " ".join(_unquoted(line).split()).lower()
    return next((what for what, pattern in _CREDENTIALS if pattern.search(words)), "")


def discloses(text: str) -> bool:
    """Whether a line of the text discloses a secret."""
    return any(map(credential, text.splitlines()))


def may_hold_secret(text: str) -> bool:
    """Whether a text may hold a secret, so that not everybody should read it. A false alarm does no harm here."""
    return _SUSPICIOUS.search(_unquoted(text)) is not None or discloses(text)


def _unquoted(text: str) -> str:
    """HAProxy takes quotes and backslashes out of its words (manual 2.2): "stats" 'auth' is stats auth."""
    return re.sub(r"[\"'\\]", "", text)

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Detects secrets in lines of configuration."""

from __future__ import annotations

import re

# Not a secret itself: a reference to an environment variable, or an expression of HAProxy.
_LOOKED_UP = r"(?!\$|%\[)"
_SECRET_NAME = r"[a-z0-9_-]*(?:authorization|api-?key|token|secret|password|passwd)"  # noqa: S105  not a password
_VALUE = rf"(?:(?:basic|bearer) {_LOOKED_UP}|(?!(?:basic|bearer) ){_LOOKED_UP})\S"

# Names of secrets in messages.
STATS_AUTH = "a password of 'stats auth'"
USER = "the password of a 'user'"
HEADER = "a header with a secret"
PARAMETER = "a parameter with a secret"
CHECK = "the password of a check"
# The keywords of HAProxy that precede a secret.
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
    r"pass(?:word|wd|phrase)|secret|token|credential|api-?key|\bauth\b|auth_pass|authorization|^\s*(?:pre)?setenv\b",
    re.IGNORECASE | re.MULTILINE,
)


def credential(line: str) -> str:
    """The kind of secret that a line of HAProxy's configuration contains, for a message; empty if there is none.

    >>> credential("stats auth admin:secret")
    "a password of 'stats auth'"
    >>> credential('http-check send hdr Authorization "Bearer ${TOKEN}"')
    ''
    """
    words = " ".join(_unquoted(line).split()).lower()
    return next((what for what, pattern in _CREDENTIALS if pattern.search(words)), "")


def discloses(text: str) -> bool:
    """Whether a line of the text contains a secret."""
    return any(map(credential, text.splitlines()))


def may_hold_secret(text: str) -> bool:
    """Whether a text may contain a secret and should not be readable by all. False positives do no harm."""
    return _SUSPICIOUS.search(_unquoted(text)) is not None or discloses(text)


def _unquoted(text: str) -> str:
    """Remove quotes and backslashes, as HAProxy does (manual 2.2): "stats" 'auth' is stats auth."""
    return re.sub(r"[\"'\\]", "", text)

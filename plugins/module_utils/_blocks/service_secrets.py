# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hides secrets of a connection service file in diffs and logs, including those that others wrote.

Only lines that are known to contain no secret are shown. Parameters of a later libpq are hidden until they are listed
here, and so are lines that libpq does not read, which may belong to a password file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.pgsvc.access.plugins.module_utils._blocks.blocks import is_mark

HIDDEN = "********"
CHANGED = f"{HIDDEN} (changed)"

# libpq's parameters (libpq manual 34.1.2).
_SECRET = frozenset({"oauth_client_secret", "password", "scram_client_key", "scram_server_key", "sslpassword"})
_PUBLIC = frozenset(
    """
    application_name channel_binding client_encoding connect_timeout dbname fallback_application_name gssdelegation
    gssencmode gsslib host hostaddr keepalives keepalives_count keepalives_idle keepalives_interval krbsrvname
    load_balance_hosts max_protocol_version min_protocol_version oauth_client_id oauth_issuer oauth_scope options
    passfile port replication require_auth requirepeer requiressl service servicefile ssl_max_protocol_version
    ssl_min_protocol_version sslcert sslcertmode sslcompression sslcrl sslcrldir sslkey sslkeylogfile sslmode
    sslnegotiation sslrootcert sslsni target_session_attrs tcp_user_timeout user
    """.split()  # noqa: SIM905  a list of literals would be a page
)
_SECTION = re.compile(r"\s*\[(.*)\]\s*")
# Also matches a pair that is commented out.
_PAIR = re.compile(r"([\s#;]*)([A-Za-z_][\w.-]*)(\s*=\s*)(.*)", re.DOTALL)
_COMMENT = re.compile(r"\s*#.*", re.DOTALL)
_LDAP = re.compile(r"\s*ldaps?://.*", re.DOTALL)
# In free text: `password: x`, the user information of a URL (RFC 3986 3.2.1), a line of a password file (34.16).
_NAMED = re.compile(r"(?i)(\w*(?:pass|pwd|secret|token|key)\w*\s*[=:]\s*)\S.*", re.DOTALL)
_URL = re.compile(r"(://[^\s:/@]*:)\S+(?=@)")
_PASSFILE = re.compile(r"(\s*#\s*\S*:(?:\d+|\*):[^:]*:[^:]*:).+", re.DOTALL)

_Known = dict[tuple[str, str], set[str]]


def is_hidden(keyword: str) -> bool:
    """Whether the value of a parameter is hidden in diffs and logs."""
    return keyword not in _PUBLIC


def holds_secret(clusters: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the module's argument `clusters` has a parameter that must not be readable by all."""
    return any(_SECRET & section["parameters"].keys() for cluster in clusters for section in cluster["sections"])


def shown(before: str, after: str) -> tuple[str, str]:
    """The texts before and after for a diff, line by line. A changed secret is marked, without its value."""
    known: _Known = {}
    for section, keyword, value in _secrets(before):
        known.setdefault((section, keyword), set()).add(value)
    return "\n".join(_lines(before, {})), "\n".join(_lines(after, known))


def masked(clusters: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The module's argument `clusters` for a log."""
    return [
        {
            **cluster,
            "sections": [
                {
                    **section,
                    "parameters": {
                        keyword: HIDDEN if is_hidden(keyword) else value
                        for keyword, value in section["parameters"].items()
                    },
                }
                for section in cluster["sections"]
            ],
        }
        for cluster in clusters
    ]


def _secrets(text: str) -> Iterator[tuple[str, str, str]]:
    section = ""
    for line in text.split("\n"):
        section = _section(line, section)
        pair = _PAIR.fullmatch(line)
        if pair and is_hidden(pair[2]):
            yield section, pair[2], pair[4]


def _lines(text: str, known: _Known) -> Iterator[str]:
    section = ""
    for line in text.split("\n"):
        section = _section(line, section)
        yield _line(line, section, known)


def _section(line: str, current: str) -> str:
    found = _SECTION.fullmatch(line)
    return found[1] if found else current


def _line(line: str, section: str, known: _Known) -> str:
    if not line.strip() or is_mark(line) or _SECTION.fullmatch(line):
        return line
    pair = _PAIR.fullmatch(line)
    if pair and is_hidden(pair[2]):
        old = known.get((section, pair[2]))
        return f"{pair[1]}{pair[2]}{pair[3]}{CHANGED if old and pair[4] not in old else HIDDEN}"
    if pair:
        return f"{pair[1]}{pair[2]}{pair[3]}{_free(pair[4])}"
    if _COMMENT.fullmatch(line):
        return _free(_PASSFILE.sub(rf"\1{HIDDEN}", line))
    return _free(line) if _LDAP.fullmatch(line) else HIDDEN


def _free(text: str) -> str:
    return _URL.sub(rf"\1{HIDDEN}", _NAMED.sub(rf"\1{HIDDEN}", text))

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Selectors in words: which members a service uses, for people who do not read JMESPath."""

from __future__ import annotations

import functools
from typing import Any

from ansible_collections.pgsvc.access.plugins.plugin_utils._model.selector import Selector, parsed

# Both spellings of a string ('primary', `primary`) and all blanks mean the same, so expressions are compared as parsed.
_KNOWN = {
    "[]": "all members",
    "[*]": "all members",
    "[?pg_role=='primary']": "the primary",
    "[?pg_role!='primary']": "all members but the primary",
    "[?pg_role=='replica']": "replicas",
    "[?pg_role=='offline']": "offline members",
    "[?pg_role=='standby']": "standby members",
    "[?pg_role=='delayed']": "delayed members",
    "[?pg_role=='primary'||pg_role=='replica']": "the primary and replicas",
    "[?pg_role=='primary'||pg_role=='offline']": "the primary and offline members",
    "[?pg_role=='replica'||pg_role=='offline']": "replicas and offline members",
    "[?pg_offline_query]": "members that take offline queries",
    "[?!pg_offline_query]": "members that take no offline queries",
    "[?pg_role=='offline'||pg_offline_query]": "offline members and those that take offline queries",
    "[?pg_role=='replica'&&!pg_offline_query]": "replicas that take no offline queries",
    "[?pg_role=='replica'&&pg_offline_query]": "replicas that take offline queries",
    "[:1]": "the first member",
    "[0]": "the first member",
}
_ALL = "all members"


def in_words(selector: Selector, backup: Selector | None) -> str:
    """Which members a service uses: ``replicas, else the primary``. A member that both select is a backup."""
    first = _words(selector.expression)
    if backup is None:
        return first
    return f"{'all other members' if first == _ALL else first}, else {_words(backup.expression)}"


def _words(expression: str) -> str:
    return _by_meaning().get(_meaning(expression), f"those of {expression}")


@functools.cache
def _by_meaning() -> dict[str, str]:
    return {_meaning(expression): words for expression, words in _KNOWN.items()}


@functools.lru_cache(maxsize=4096)
def _meaning(expression: str) -> str:
    """The same text for all spellings of an expression."""
    node: Any = parsed(expression)
    return repr(node)

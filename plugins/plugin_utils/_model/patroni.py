# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Patroni's health checks: which there are, and which query parameters each of them takes.

Source: Patroni's REST API, "Health check endpoints", and `do_GET` of `patroni/api.py` in 3.0.2, 4.0.7 and 4.1. Patroni
compares most paths by substring, answers 503 for those it does not know, and ignores parameters that it cannot use.
With a mistake in a check a service is down, or accepts members that it should not, and no message says so. Therefore
only what is known to have a meaning is accepted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from ansible_collections.pgsvc.access.plugins.plugin_utils._input import values
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import (
    ValueProblem,
    listed,
    nearest,
    not_allowed,
    printable,
    shown,
)

_LAG = "lag"
_TAG = "tag_"
_TAGS = (f"{_TAG}<name>",)
_STANDBY = (_LAG, "replication_state", *_TAGS)


@dataclass(frozen=True)
class Endpoint:
    """A health check.

    ``passes`` says what a member must be; ``parameters`` are those that change the answer. ``leading`` and
    ``following`` are the checks that a member passes under the same conditions while it has the leader lock, and while
    it has not; None where it never passes then. A check with neither says nothing about the role.
    """

    path: str
    passes: str
    parameters: tuple[str, ...] = ()
    leading: str | None = None
    following: str | None = None


# Checks of the leader ignore all parameters. In those that also accept the primary, `lag` and `replication_state` are
# asked of the standbys only.
ENDPOINTS: dict[str, Endpoint] = {
    endpoint.path: endpoint
    for endpoint in (
        Endpoint("/", "the primary", leading="/primary"),
        Endpoint("/primary", "the primary", leading="/primary"),
        Endpoint("/master", "the primary", leading="/primary"),
        Endpoint("/read-write", "the primary", leading="/primary"),
        Endpoint("/leader", "the primary, or the leader of a standby cluster", leading="/leader"),
        Endpoint("/standby-leader", "the leader of a standby cluster", leading="/standby-leader"),
        Endpoint("/standby_leader", "the leader of a standby cluster", leading="/standby-leader"),
        Endpoint("/replica", "a standby", _STANDBY, following="/replica"),
        Endpoint("/read-only", "the leader or a standby", _STANDBY, "/leader", "/replica"),
        Endpoint("/sync", "a synchronous standby", _STANDBY, following="/sync"),
        Endpoint("/synchronous", "a synchronous standby", _STANDBY, following="/sync"),
        Endpoint("/read-only-sync", "the leader or a synchronous standby", _STANDBY, "/leader", "/sync"),
        Endpoint("/read-only-synchronous", "the leader or a synchronous standby", _STANDBY, "/leader", "/sync"),
        # Since Patroni 4; for Patroni 3 no member passes the first, and the second is the same as /read-only.
        Endpoint("/quorum", "a quorum standby", _STANDBY, following="/quorum"),
        Endpoint("/read-only-quorum", "the leader or a quorum standby", _STANDBY, "/leader", "/quorum"),
        Endpoint("/async", "an asynchronous standby", _STANDBY, following="/async"),
        Endpoint("/asynchronous", "an asynchronous standby", _STANDBY, following="/async"),
        Endpoint("/health", "running", _TAGS),
    )
}
# Answered for GET only: the OPTIONS of a health check gets 503 from every member.
GET_ONLY = frozenset(
    ["/cluster", "/config", "/failsafe", "/history", "/liveness", "/metrics", "/patroni", "/readiness"]
)
REPLICATION_STATES = ("streaming", "in archive recovery")

# Without anything that HAProxy would read as a quote, a comment or a blank.
_PATH = re.compile(r"/[A-Za-z0-9_.~!&()*+,;=:@/?%-]{0,1000}", re.ASCII)
# Patroni understands what PostgreSQL does, and takes 010 for octal and 16mb for no limit at all.
_BYTES = re.compile(r"(0|[1-9][0-9]{0,17})(\.[0-9]{1,9})? *(B|kB|MB|GB|TB)?", re.ASCII)
_LAG_BLANKS = re.compile(r"\s+", re.ASCII)


@dataclass(frozen=True)
class RoleChecks:
    """A health check by the role that Patroni has given to a member.

    ``either`` passes in both roles, ``leading`` while the member has the leader lock and ``following`` while it has
    not; None where the check never passes then.
    """

    either: str
    leading: str | None
    following: str | None


def split_check(check: str) -> RoleChecks:
    """A health check (of `health_check`) by role. Raises `ValueProblem` for one that cannot be split exactly."""
    path, _mark, query = check.partition("?")
    endpoint = ENDPOINTS[path]
    if endpoint.leading is None and endpoint.following is None:
        raise ValueProblem(
            f"{shown(check)} passes whatever the role of a member is, so roles: live cannot tell who leads; allowed: "
            f"{listed(name for name, each in ENDPOINTS.items() if each.leading or each.following)}, or roles: declared",
            "conflict",
            check,
        )
    if endpoint.leading and _TAG in query:
        raise ValueProblem(
            f"{shown(check)} asks for a tag of the leader, too, and Patroni has no check of the leader that looks at "
            "tags; allowed with roles: live: a tag_ on /replica, /sync, /quorum or /async, or roles: declared",
            "conflict",
            check,
        )
    following = endpoint.following and (f"{endpoint.following}?{query}" if query else endpoint.following)
    return RoleChecks(check if following else endpoint.leading or check, endpoint.leading, following)


def passes_on_leader_only(check: str) -> bool:
    """Whether at most one member at a time passes a health check: the one with the leader lock."""
    endpoint = ENDPOINTS[check.partition("?")[0]]
    return endpoint.leading is not None and endpoint.following is None


def with_lag(check: str, lag: str | None) -> str:
    """A health check that a standby fails which lags by more than ``lag`` (of `replication_lag`)."""
    return check if lag is None else f"{check}{'&' if '?' in check else '?'}{_LAG}={lag}"


def check_lag(check: str, lag: str) -> None:
    """Raise `ValueProblem` where a health check takes no ``lag``, or has one of its own."""
    path, _mark, query = check.partition("?")
    if _LAG not in ENDPOINTS[path].parameters:
        takers = listed(known for known, endpoint in ENDPOINTS.items() if _LAG in endpoint.parameters)
        raise ValueProblem(f"{shown(lag)} has no effect on check: {path}; allowed with: {takers}", "conflict", lag)
    if any(name == _LAG for name, _value in parse_qsl(query, keep_blank_values=True)):
        said = f"{shown(lag)} is given beside the lag= of check: {check}; allowed: one of the two"
        raise ValueProblem(said, "conflict", lag)


def replication_lag(value: Any) -> str:
    """The replication lag that a replica may have, as Patroni takes it: ``16MB``. Raises `ValueProblem`."""
    word = _LAG_BLANKS.sub("", values.text(value, "a replication lag"))
    match = _BYTES.fullmatch(word)
    if not match or (match[3] is None and word != "0"):
        raise not_allowed(value, "a replication lag", "a number with B, kB, MB, GB or TB, such as 16MB")
    return word


def health_check(value: Any) -> str:
    """A health check with its query string, as it stands in a service file. Raises `ValueProblem`."""
    word = values.text(value, "a path")
    if not _PATH.fullmatch(word):
        raise not_allowed(
            value,
            "a path of Patroni's REST API",
            "one that begins with '/', such as /primary or /replica?lag=10MB, without blanks and quotes",
        )
    path, _mark, query = word.partition("?")
    if path in GET_ONLY:
        raise ValueProblem(
            f"{shown(path)} is not a health check of Patroni: it is there for GET only, and HAProxy, which sends "
            f"OPTIONS, gets 503 from every member; allowed: {listed(ENDPOINTS)}",
            "not-allowed",
            path,
        )
    if path not in ENDPOINTS:
        raise ValueProblem(
            f"{shown(path)} is not a health check of Patroni{nearest(path, ENDPOINTS)}; allowed: {listed(ENDPOINTS)}",
            "unknown-name",
            path,
        )
    _check_parameters(ENDPOINTS[path], parse_qsl(query, keep_blank_values=True))
    return word


def _check_parameters(endpoint: Endpoint, parameters: Iterable[tuple[str, str]]) -> None:
    seen: set[str] = set()
    for name, value in parameters:
        kind = _TAGS[0] if name.startswith(_TAG) and name != _TAG else name
        if kind not in endpoint.parameters:
            near = nearest(name, endpoint.parameters)
            raise ValueProblem(
                f"{shown(name)} is not a parameter of {endpoint.path}{near}; allowed: {listed(endpoint.parameters)}",
                "unknown-name",
                name,
            )
        if name in seen:
            said = f"{shown(name)} is given twice, and Patroni takes the first; allowed: each once"
            raise ValueProblem(said, "clash", name)
        seen.add(name)
        _check_parameter(name, value)


def _check_parameter(name: str, value: str) -> None:
    if name == _LAG:
        if not _BYTES.fullmatch(value):
            raise _bad(name, value, "a whole number of bytes, or one with B, kB, MB, GB or TB, such as 16MB")
    elif name == "replication_state":
        if value not in REPLICATION_STATES:
            raise _bad(name, value, "streaming, or in+archive+recovery")
    elif not value:
        raise _bad(name, value, "the value that the tag has on the members that may serve, such as true")


def _bad(name: str, value: str, allowed: str) -> ValueProblem:
    return not_allowed(value, f"a value of parameter {printable(name)}", allowed)

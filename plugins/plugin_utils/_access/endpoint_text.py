# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Endpoints as text: a table for people, and formats for programs."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterable, Sequence

from ansible_collections.pgsvc.access.plugins.plugin_utils._access.endpoints import KINDS, Endpoint
from ansible_collections.pgsvc.access.plugins.plugin_utils._access.urls import Login, conninfo, jdbc_url, to_dict, url
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import Report, listed, nearest, shown

_HEADINGS = ("BY", "SERVICE", "PROMISE", "URL")


def narrowed(
    endpoints: Iterable[Endpoint], kinds: Sequence[str], services: Sequence[str], report: Report
) -> list[Endpoint]:
    """The endpoints of these kinds and services (empty: all). Reports a kind or service that the cluster lacks."""
    found = list(endpoints)
    for field, wanted, known in (
        ("by", kinds, [kind for kind in KINDS if any(endpoint.kind == kind for endpoint in found)]),
        ("service", services, list(dict.fromkeys(endpoint.service for endpoint in found))),
    ):
        for word in wanted:
            if word not in known:
                what = "a way to reach" if field == "by" else "a service or port of"
                where = found[0].cluster if found else "cluster"
                message = f"{shown(word)} is not {what} this cluster{nearest(word, known)}; allowed: {listed(known)}"
                report.problem(where, message, field=field, code="unknown-name", value=word)
    return [
        endpoint
        for endpoint in found
        if (not kinds or endpoint.kind in kinds) and (not services or endpoint.service in services)
    ]


def table(endpoints: Sequence[Endpoint], who: Login) -> str:
    """One line for each endpoint, columns aligned."""
    rows = [_HEADINGS, *(_row(endpoint, who) for endpoint in endpoints)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS) - 1)]
    lines = (
        "  ".join([*(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False)), row[-1]]) for row in rows
    )
    return "".join(f"{line}\n" for line in lines)


def as_json(endpoints: Sequence[Endpoint], who: Login) -> str:
    """A list of objects with all parts."""
    return json.dumps([to_dict(endpoint, who) for endpoint in endpoints], indent=2, ensure_ascii=False) + "\n"


def as_env(endpoints: Sequence[Endpoint], who: Login) -> str:
    """``PG_TEST_PRIMARY_URL=…`` for each endpoint, quoted for a shell. Raises ValueError if two have the same name."""
    seen: dict[str, str] = {}
    for endpoint in endpoints:
        name = variable_name(endpoint)
        if name in seen:
            raise ValueError(f"two endpoints would both be {name}; narrow the list by --by or --service")
        seen[name] = url(endpoint, who)
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in seen.items())


def variable_name(endpoint: Endpoint) -> str:
    """The environment variable of an endpoint, ``PG_TEST_PRIMARY_URL``."""
    name = re.sub(r"[^A-Z0-9]", "_", f"{endpoint.label}_URL".upper())
    return f"_{name}" if name[0].isdigit() else name


def as_libpq(endpoints: Sequence[Endpoint], who: Login) -> str:
    """One connection string per line."""
    return "".join(f"{conninfo(endpoint, who)}\n" for endpoint in endpoints)


def as_jdbc(endpoints: Sequence[Endpoint], who: Login) -> str:
    """One JDBC URL per line."""
    return "".join(f"{jdbc_url(endpoint, who)}\n" for endpoint in endpoints)


FORMATS: dict[str, Callable[[Sequence[Endpoint], Login], str]] = {
    "table": table,
    "json": as_json,
    "env": as_env,
    "libpq": as_libpq,
    "jdbc": as_jdbc,
}


def _row(endpoint: Endpoint, who: Login) -> tuple[str, ...]:
    return (endpoint.kind, endpoint.service, endpoint.promise, url(endpoint, who))

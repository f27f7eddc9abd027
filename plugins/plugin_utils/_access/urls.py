# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Endpoints in the formats of clients: libpq URLs and connection strings, JDBC URLs, sections of a service file.

Sources: libpq 34.1.1 "Connection Strings" and 34.17 "The Connection Service File"; pgJDBC "Connecting to the Database".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from ansible_collections.pgsvc.access.plugins.plugin_utils._access.endpoints import Endpoint
from ansible_collections.pgsvc.access.plugins.plugin_utils._input import values
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import (
    Report,
    ValueProblem,
    listed,
    nearest,
    not_allowed,
    shown,
)

SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
# pgJDBC's `targetServerType` for each value of libpq's `target_session_attrs`.
_SERVER_TYPES = {"primary": "primary", "prefer-standby": "preferSecondary"}
_PLAIN = re.compile(r"[A-Za-z0-9_.:,/@%+-]+", re.ASCII)


@dataclass(frozen=True)
class Login:
    """The user, database and other login parameters of an endpoint. Empty ones are left out: the client decides."""

    user: str = ""
    database: str = ""
    sslmode: str = ""
    password: str = ""


def login(user: Any, database: Any, sslmode: Any, password: Any, report: Report) -> Login:
    """Parse the values as given (None: not given). Mistakes go to the report."""
    parsed: dict[str, str] = {}
    for field, value in (("user", user), ("database", database), ("sslmode", sslmode), ("password", password)):
        try:
            parsed[field] = "" if value is None else _login_value(field, value)
        except ValueProblem as problem:
            report.value_problem("login", problem, field=field)
    return Login(**parsed)


def _login_value(field: str, value: Any) -> str:
    if field == "password":
        word = value if isinstance(value, str) else str(value)
        if not word.isprintable():
            said = "the value contains a control character; allowed: one line of printable text"
            raise ValueProblem(said, "unprintable")
        return word
    word = values.one_line(value, "text")
    if field == "sslmode" and word and word not in SSL_MODES:
        raise not_allowed(value, f"an SSL mode of libpq{nearest(word, SSL_MODES)}", listed(SSL_MODES))
    return word


def url(endpoint: Endpoint, who: Login) -> str:
    """``postgresql://user@host:port,host:port/database?…``, for libpq and psycopg."""
    hosts = ",".join(values.with_port(host, port) for host, port in endpoint.hosts)
    secret = f":{quote(who.password, safe='')}" if who.password else ""
    user = f"{quote(who.user, safe='')}{secret}@" if who.user or secret else ""
    query = urlencode(_parameters(endpoint, who), quote_via=quote)
    return f"postgresql://{user}{hosts}/{quote(who.database, safe='')}{'?' if query else ''}{query}"


def conninfo(endpoint: Endpoint, who: Login) -> str:
    """``host=… port=… dbname=…``, libpq's keyword/value form, which psycopg accepts, too."""
    return " ".join(f"{key}={_quoted(value)}" for key, value in keywords(endpoint, who).items())


def keywords(endpoint: Endpoint, who: Login) -> dict[str, str]:
    """The parameters of libpq that have a value. If all hosts have the same port, it is given once."""
    ports = [str(port) for _host, port in endpoint.hosts]
    known = {
        "host": ",".join(host for host, _port in endpoint.hosts),
        "port": ports[0] if len(set(ports)) == 1 else ",".join(ports),
        "dbname": who.database,
        "user": who.user,
        "password": who.password,
        **_parameters(endpoint, who),
    }
    return {key: value for key, value in known.items() if value}


def jdbc_url(endpoint: Endpoint, who: Login) -> str:
    """``jdbc:postgresql://host:port,host:port/database?user=…&targetServerType=…``."""
    hosts = ",".join(values.with_port(host, port) for host, port in endpoint.hosts)
    parameters = {
        "user": who.user,
        "password": who.password,
        "sslmode": who.sslmode,
        "targetServerType": _SERVER_TYPES.get(endpoint.target_session_attrs, ""),
    }
    query = urlencode({key: value for key, value in parameters.items() if value}, quote_via=quote)
    return f"jdbc:postgresql://{hosts}/{quote(who.database, safe='')}{'?' if query else ''}{query}"


def to_dict(endpoint: Endpoint, who: Login) -> dict[str, Any]:
    """An endpoint with its parts and its URLs, as JSON types."""
    link = url(endpoint, who)
    return {
        "cluster": endpoint.cluster,
        "label": endpoint.label,
        "kind": endpoint.kind,
        "name": endpoint.name,
        "service": endpoint.service,
        "direct": endpoint.direct,
        "hosts": [{"host": host, "port": port} for host, port in endpoint.hosts],
        "user": who.user,
        "database": who.database,
        "sslmode": who.sslmode,
        "target_session_attrs": endpoint.target_session_attrs,
        "access": endpoint.access,
        "promise": endpoint.promise,
        "path": list(endpoint.path),
        "url": link,
        "psycopg": link,
        "libpq": conninfo(endpoint, who),
        "jdbc": jdbc_url(endpoint, who),
    }


def service_sections(endpoints: Iterable[Endpoint], by: str, who: Login, report: Report) -> list[dict[str, Any]]:
    """A cluster's sections of a ``pg_service.conf``: one for each service, then the multi-host ones.

    Each has ``name``, ``comment`` and ``parameters``.

    ``by`` is how clients reach services: ``vip``, ``name``, ``addresses`` (all load balancers, the client uses the
    first that answers), or ``auto``: the virtual address if there is one, else ``addresses``.
    """
    found = list(endpoints)
    chosen: dict[str, Endpoint] = {}
    for kind in _KINDS_BY[by]:
        for endpoint in found:
            if endpoint.kind == kind and not endpoint.direct:
                chosen.setdefault(endpoint.service, endpoint)
    sections = {f"{endpoint.cluster}-{service}": endpoint for service, endpoint in chosen.items()}
    for endpoint in found:
        if endpoint.kind == "multi" and endpoint.direct:
            sections.setdefault(endpoint.label, endpoint)
    return [_section(name, endpoint, who, report) for name, endpoint in sections.items()]


_KINDS_BY = {
    "auto": ("vip", "multi", "load_balancer", "address"),
    "vip": ("vip",),
    "name": ("cluster",),
    "addresses": ("multi", "load_balancer", "address"),
}
REACHED_BY = tuple(_KINDS_BY)


def _section(name: str, endpoint: Endpoint, who: Login, report: Report) -> dict[str, Any]:
    parameters = keywords(endpoint, who)
    for key, value in parameters.items():
        if value != value.strip():
            # A service file has no quoting, and libpq strips blanks from the end of a line.
            message = f"{shown(value)} begins or ends with a blank, which a service file cannot contain"
            written = None if key == "password" else value
            report.problem(endpoint.cluster, message, field=key, code="not-allowed", value=written)
    return {"name": name, "comment": endpoint.promise, "parameters": parameters}


def _parameters(endpoint: Endpoint, who: Login) -> dict[str, str]:
    known = {"sslmode": who.sslmode, "target_session_attrs": endpoint.target_session_attrs}
    return {key: value for key, value in known.items() if value}


def _quoted(value: str) -> str:
    if _PLAIN.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Endpoints in the formats of clients, as templates that the page fills with hosts and ports.

A catalogue has tens of thousands of endpoints, which differ in their hosts and names only. Each format is therefore
written once for each `shape` of an endpoint, by the functions that write it elsewhere, with `MARKS` for hosts and
names, which the page fills in.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import replace

from ansible_collections.pgsvc.access.plugins.plugin_utils._access.endpoint_text import variable_name
from ansible_collections.pgsvc.access.plugins.plugin_utils._access.endpoints import Endpoint
from ansible_collections.pgsvc.access.plugins.plugin_utils._access.urls import (
    Login,
    conninfo,
    jdbc_url,
    keywords,
    url,
)
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.values import with_port

# The hosts with their ports, the hosts, the ports (one if they are the same), the label, and its environment variable:
# characters for private use, which a login does not have (`login`).
ADDRESSES, HOSTS, PORTS, SECTION, VARIABLE = MARKS = ("\ue000", "\ue001", "\ue002", "\ue003", "\ue004")


def psycopg_call(endpoint: Endpoint, who: Login) -> str:
    """``psycopg.connect("postgresql://…")``."""
    return f"psycopg.connect({json.dumps(url(endpoint, who))})"


def assignment(endpoint: Endpoint, who: Login) -> str:
    """``PG_TEST_PRIMARY_URL=…``, quoted for a shell."""
    return f"{variable_name(endpoint)}={shlex.quote(url(endpoint, who))}"


def section(endpoint: Endpoint, who: Login) -> str:
    """A section of a libpq service file, with the label of the endpoint as its name."""
    lines = (f"{key}={value}" for key, value in keywords(endpoint, who).items())
    return "\n".join([f"[{endpoint.label}]", *lines])


# The formats of the page, in the order of its tabs.
FORMATS: dict[str, tuple[str, Callable[[Endpoint, Login], str]]] = {
    "url": ("URL", url),
    "libpq": ("libpq", conninfo),
    "jdbc": ("JDBC", jdbc_url),
    "psycopg": ("psycopg", psycopg_call),
    "env": ("env", assignment),
    "service": ("pg_service.conf", section),
}


def shape(endpoint: Endpoint) -> str:
    """What the formats of an endpoint depend on besides hosts and names. An IPv6 address needs quotes in a shell."""
    return f"{endpoint.target_session_attrs}{'/6' if any(':' in host for host, _port in endpoint.hosts) else ''}"


def templates(endpoint: Endpoint, who: Login) -> dict[str, str]:
    """All formats for endpoints of this shape, with `MARKS` for their parts."""
    name, host, port = _stand_in(endpoint, who)
    sample = replace(endpoint, cluster=name, kind="cluster", name=name, hosts=((host, port),))
    marks = {
        with_port(host, port): ADDRESSES,
        host: HOSTS,
        str(port): PORTS,
        sample.label: SECTION,
        variable_name(sample): VARIABLE,
    }
    return {form: _marked(write(sample, who), marks) for form, (_title, write) in FORMATS.items()}


def _marked(text: str, marks: Mapping[str, str]) -> str:
    for part, mark in marks.items():
        text = text.replace(part, mark)
    return text


def _stand_in(endpoint: Endpoint, who: Login) -> tuple[str, str, int]:
    """A name, a host and a port that stand nowhere else in the formats."""
    bare = replace(endpoint, hosts=())
    others = f"{url(bare, who)} {conninfo(bare, who)} {jdbc_url(bare, who)}"
    number = next(number for number in range(65535, 0, -1) if f"{number:x}" not in others and str(number) not in others)
    host = f"fd00::{number:x}" if shape(endpoint).endswith("/6") else f"host-{number:x}.invalid"
    return f"name-{number:x}", host, number

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Other services of a node, from ``haproxy_services`` in Pigsty's format."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.grammar import SECTIONS
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.secrets import (
    CHECK,
    HEADER,
    PARAMETER,
    STATS_AUTH,
    USER,
    credential,
    may_hold_secret,
)
from ansible_collections.pgsvc.access.plugins.plugin_utils._input import defaults, values
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import (
    Report,
    ValueProblem,
    listed,
    nearest,
    not_allowed,
    printable,
    shown,
)
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.definition import balance_algorithm

_PROTOCOLS = ("tcp", "http")
# Service files are readable by all users and shown in diffs. Secrets belong here instead:
_VARIABLE = """an environment variable of /etc/default/haproxy in double quotes, such as "${TOKEN}\""""
_INSTEAD = {
    STATS_AUTH: "haproxy_admin_password for the statistics page, or a file of your own with mode 0600",
    USER: "a userlist in a file of your own with mode 0600",
    HEADER: _VARIABLE,
    PARAMETER: _VARIABLE,
    CHECK: _VARIABLE,
}
_KEYWORD = re.compile(r"[a-z][a-z0-9-]*", re.ASCII)


@dataclass(frozen=True)
class NodeServer:
    """One server of a node's service; ``options`` are further server options of HAProxy."""

    name: str
    ip: str
    port: int
    backup: bool
    weight: int | None
    options: str


@dataclass(frozen=True)
class NodeService:
    """One item of ``haproxy_services``, typed and with its defaults."""

    name: str
    port: int
    ip: tuple[str, ...] | None
    protocol: str
    maxconn: int
    balance: str
    options: tuple[str, ...]
    default: str
    servers: tuple[NodeServer, ...]

    @property
    def checked(self) -> bool:
        """Whether all servers have a health check. The state file starts them as DOWN, which only a check changes."""
        return all("check" in f"{self.default} {server.options}".split() for server in self.servers)


def parse_node_services(value: Any, where: str, report: Report) -> tuple[NodeService, ...]:
    """Parse ``haproxy_services`` (native types). Mistakes go to ``report``; services with mistakes are left out."""
    try:
        declared = values.sequence(value, "a list of services")
    except ValueProblem as problem:
        report.value_problem(where, problem, field="haproxy_services")
        return ()
    found = [_parse(item, f"haproxy_services[{index}]", where, report) for index, item in enumerate(declared)]
    services = [service for service in found if service is not None]
    names = [service.name for service in services]
    for name in dict.fromkeys(name for name in names if names.count(name) > 1):
        report.problem(
            where,
            f"{shown(name)} is the name of two services in haproxy_services; allowed: each name once",
            name,
            "name",
            code="clash",
            value=name,
        )
    return tuple(services)


def _check_for_secrets(value: Any) -> None:
    """Raise `ValueProblem` for a line, or a list of lines, with a secret, without showing it."""
    for line in value if isinstance(value, list) else [value]:
        what = "" if isinstance(line, (dict, list)) else credential(str(line))
        if what:
            said = f"{what} in the file of a service may be read by everybody; allowed: {_INSTEAD[what]}"
            raise ValueProblem(said, "secret")


def _name(value: Any) -> str:
    word = values.name(value, "a service name")
    if word == "haproxy":
        raise not_allowed(value, "a name for a service", "any other, as haproxy.cfg is HAProxy's base configuration")
    return word


def _words(value: Any) -> str:
    word = " ".join(values.one_line(value, "options").split())
    if "#" in word:
        raise ValueProblem(
            f"{shown(value)} contains a '#', which would end the line; allowed: options without comments",
            "not-allowed",
            value,
        )
    return word


def _lines(value: Any) -> tuple[str, ...]:
    return tuple(_directive(line) for line in values.sequence(value, "a list of lines"))


def _directive(value: Any) -> str:
    line = values.one_line(value, "a line").strip()
    first = line.split()[0] if line else ""
    if first in SECTIONS or not _KEYWORD.fullmatch(first):
        raise not_allowed(value, "a directive of a service", "one line of a listen section, such as 'option httpchk'")
    return line


def _protocol(value: Any) -> str:
    if value not in _PROTOCOLS:
        raise not_allowed(value, "a protocol", listed(_PROTOCOLS))
    return str(value)


Parser = Callable[[Any], Any]
_SERVICE: dict[str, Parser] = {
    "name": _name,
    "port": values.port,
    "ip": values.bind_addresses,
    "protocol": _protocol,
    "maxconn": lambda value: values.integer(value, (1, 10_000_000), "a number of connections"),
    "balance": _words,
    "options": _lines,
    "default": _words,
    "servers": lambda value: values.sequence(value, "a list of servers"),
}
_SERVER: dict[str, Parser] = {
    "name": lambda value: values.name(value, "a server name"),
    "ip": values.host_address,
    "port": values.port,
    "backup": values.boolean,
    "weight": lambda value: values.integer(value, values.WEIGHTS, "a weight"),
    "options": _words,
}
_SERVICE_DEFAULTS: dict[str, Any] = {
    "ip": None,
    "protocol": "tcp",
    "maxconn": defaults.SERVICE["maxconn"],
    "balance": defaults.SERVICE["balance"],
    "options": (),
    "default": defaults.SERVICE["options"],
    "servers": [],
}
_SERVER_DEFAULTS: dict[str, Any] = {"backup": False, "weight": None, "options": ""}


def _parse(item: Any, label: str, where: str, report: Report) -> NodeService | None:
    parsed = _fields(item, _SERVICE, _SERVICE_DEFAULTS, label, where, report)
    if parsed is None:
        return None
    if parsed["protocol"] == "tcp":
        try:
            parsed["balance"] = balance_algorithm(parsed["balance"])
        except ValueProblem as problem:
            report.value_problem(where, problem, parsed["name"], "balance")
    servers = [
        _fields(server, _SERVER, _SERVER_DEFAULTS, f"{parsed['name']}.servers[{index}]", where, report)
        for index, server in enumerate(parsed["servers"])
    ]
    parsed["servers"] = tuple(NodeServer(**server) for server in servers if server is not None)
    return NodeService(**parsed)


def _fields(
    item: Any, parsers: dict[str, Parser], known: dict[str, Any], label: str, where: str, report: Report
) -> dict[str, Any] | None:
    """The typed fields of a service or a server; None if one is invalid."""
    before = len(report.problems)
    if not isinstance(item, dict):
        hidden = may_hold_secret(str(item))
        text = "a value that may contain a secret" if hidden else shown(item)
        report.problem(
            where,
            f"{text} is not a mapping of fields; allowed: {listed(parsers)}",
            field=label,
            code="not-allowed",
            value=None if hidden else item,
        )
        return None
    if isinstance(item.get("name"), str) and item["name"].isprintable() and item["name"] and "." not in label:
        label = item["name"][:100]
    for key in item:
        if key not in parsers:
            report.problem(
                where,
                f"{shown(key)} is unknown{nearest(str(key), parsers)}; allowed: {listed(parsers)}",
                label,
                printable(key)[:40],
                code="unknown-field",
                value=key,
            )
    parsed: dict[str, Any] = {}
    for field, parse in parsers.items():
        value = item.get(field)
        if value is None:
            if field not in known:
                report.problem(where, "missing", label, field, code="missing")
            parsed[field] = known.get(field)
            continue
        try:
            _check_for_secrets(value)
            parsed[field] = parse(value)
        except ValueProblem as problem:
            report.value_problem(where, problem, label, field)
    return parsed if len(report.problems) == before else None

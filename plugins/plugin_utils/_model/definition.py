# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Service definitions: what ``pg_default_services`` and ``pg_services`` declare (description, "定义服务")."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from typing import Any

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
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.patroni import (
    check_lag,
    health_check,
    replication_lag,
)
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.selector import Selector, compile_selector
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.server_options import server_options

# The algorithms of HAProxy that need no HTTP (manual 4.2, "balance").
BALANCE = (
    "roundrobin",
    "static-rr",
    "leastconn",
    "first",
    "source",
    "random",
    "random(<draws>)",
    "hash src",
    "rdp-cookie",
    "rdp-cookie(<name>)",
)
_BALANCE = re.compile(
    r"roundrobin|static-rr|leastconn|first|source|hash src"
    r"|random(\([1-9][0-9]{0,3}\))?|rdp-cookie(\([A-Za-z0-9_-]+\))?",
    re.ASCII,
)


@dataclass(frozen=True)
class Definition:
    """One service as declared, typed and with its defaults.

    ``ip`` is None when the load balancer decides (``pg_service_ip``), as are the timeouts (``haproxy_*_timeout``).
    ``roles`` and ``hold`` (seconds) are None when the cluster decides. ``lag`` is the replication lag that a replica
    may have, ``lagging`` what becomes of one that lags more.
    ``dest`` is ``default``, ``postgres``, ``pgbouncer`` or a port number. ``options`` is None when the cluster decides.
    """

    name: str
    port: int
    selector: Selector
    ip: tuple[str, ...] | None
    backup: Selector | None
    dest: str | int
    check: str
    maxconn: int
    balance: str
    options: str | None
    timeout_client: str | None
    timeout_server: str | None
    allbackups: bool
    roles: str | None
    hold: int | None
    lag: str | None
    lagging: str
    on_member_removed: str

    @property
    def has_built_in_members(self) -> bool:
        """Whether the selectors are those of the built-in service of this name: the inventory does not say who serves.

        Such a service may have members in larger clusters only: ``offline`` has none when a cluster of two loses one.
        """
        built_in = next((each for each in defaults.CLUSTER["pg_default_services"] if each["name"] == self.name), None)
        mine = (self.selector.expression, self.backup and self.backup.expression)
        return built_in is not None and mine == (built_in["selector"], built_in.get("backup"))

    def differences(self, other: Definition) -> Iterable[str]:
        """The fields in which two members disagree; ``ip`` may differ, as each load balancer has its own address."""
        return (
            field.name
            for field in fields(self)
            if field.name != "ip" and getattr(self, field.name) != getattr(other, field.name)
        )


def balance_algorithm(value: Any) -> str:
    """An algorithm that HAProxy has in TCP mode (HAProxy manual 4.2, "balance")."""
    word = " ".join(values.text(value, "an algorithm").split())
    if not _BALANCE.fullmatch(word):
        raise not_allowed(value, f"an algorithm that HAProxy has in TCP mode{nearest(word, BALANCE)}", listed(BALANCE))
    return word


def destination(value: Any) -> str | int:
    """``default``, ``postgres``, ``pgbouncer`` or a port, a number as text understood as a number."""
    word = value.strip() if isinstance(value, str) else value
    if word in defaults.DESTINATIONS:
        return str(word)
    try:
        return values.port(word)
    except ValueProblem:
        meant = nearest(word, defaults.DESTINATIONS) if isinstance(word, str) else ""
        allowed = f"{listed(defaults.DESTINATIONS)} or a port from 1 to 65535"
        raise not_allowed(value, f"a destination{meant}", allowed) from None


def _selector(value: Any) -> Selector:
    if not isinstance(value, str):
        raise not_allowed(value, "a JMESPath expression", 'text, in quotes, such as "[]"')
    return compile_selector(value)


def _on_member_removed(value: Any) -> str:
    if value not in defaults.ON_MEMBER_REMOVED:
        raise not_allowed(value, "known", listed(defaults.ON_MEMBER_REMOVED))
    return str(value)


def service_roles(value: Any) -> str:
    """Which role of a member selectors see: ``declared`` or ``live``."""
    if value not in defaults.SERVICE_ROLES:
        raise not_allowed(value, "known", listed(defaults.SERVICE_ROLES))
    return str(value)


def hold(value: Any) -> int:
    """Seconds for which new connections wait while a service has no usable server."""
    return values.integer(value, defaults.HOLDS, "a number of seconds")


def _lagging(value: Any) -> str:
    if value not in defaults.LAGGING:
        raise not_allowed(value, "known", listed(defaults.LAGGING))
    return str(value)


_PARSERS: dict[str, Callable[[Any], Any]] = {
    "name": lambda value: values.name(value, "a service name"),
    "port": values.port,
    "selector": _selector,
    "ip": values.bind_addresses,
    "backup": _selector,
    "dest": destination,
    "check": health_check,
    "maxconn": lambda value: values.integer(value, (1, 10_000_000), "a number of connections"),
    "balance": balance_algorithm,
    "options": server_options,
    "timeout_client": values.duration,
    "timeout_server": values.duration,
    "allbackups": values.boolean,
    "roles": service_roles,
    "hold": hold,
    "lag": replication_lag,
    "lagging": _lagging,
    "on_member_removed": _on_member_removed,
}
FIELDS = tuple(_PARSERS)


Declared = dict[str, "Definition | None"]


def parse_declared(value: Any, variable: str, where: str, report: Report) -> Declared:
    """The services of one variable (native types) by name, in the order declared.

    Mistakes go to ``report``; a service that has one stands as None, so that it is not missed elsewhere as well.
    """
    found: Declared = {}
    for index, item in enumerate(_declared(value, variable, where, report)):
        name, definition = _parse_one(item, f"{variable}[{index}]", where, report)
        if name in found:
            report.problem(
                where,
                f"{shown(name)} is the name of two services in {variable}; allowed: each name once",
                name,
                "name",
                code="clash",
                value=name,
            )
        found[name] = definition
    return found


def merge(default_services: Declared, services: Declared) -> tuple[Definition, ...]:
    """All services of a cluster: the defaults, each replaced by a further one of its name, then the rest."""
    return tuple(definition for definition in {**default_services, **services}.values() if definition is not None)


def _declared(value: Any, variable: str, where: str, report: Report) -> list[Any]:
    try:
        return values.sequence(value, "a list of services")
    except ValueProblem as problem:
        report.value_problem(where, problem, field=variable)
        return []


def _parse_one(item: Any, label: str, where: str, report: Report) -> tuple[str, Definition | None]:
    if not isinstance(item, dict):
        report.problem(
            where,
            f"{shown(item)} is not a service; allowed: a mapping with name, port and selector",
            field=label,
            code="not-allowed",
            value=item,
        )
        return label, None
    declared_name = item.get("name")
    if isinstance(declared_name, (str, int)) and str(declared_name).isprintable() and declared_name != "":
        label = str(declared_name)[:100]
    before = len(report.problems)
    for key in item:
        if key not in _PARSERS:
            report.problem(
                where,
                f"{shown(key)} is not a field of a service{nearest(str(key), FIELDS)}; allowed: {listed(FIELDS)}",
                label,
                printable(key)[:40],
                code="unknown-field",
                value=key,
            )
    parsed = {field: _parse_field(item, field, label, where, report) for field in FIELDS}
    if len(report.problems) == before:
        _check_lag(parsed, label, where, report)
    return label, Definition(**parsed) if len(report.problems) == before else None


def _check_lag(parsed: dict[str, Any], label: str, where: str, report: Report) -> None:
    if parsed["lag"] is not None:
        try:
            check_lag(parsed["check"], parsed["lag"])
        except ValueProblem as problem:
            report.value_problem(where, problem, label, "lag")
    elif parsed["lagging"] != defaults.SERVICE["lagging"]:
        report.problem(
            where,
            f"{shown(parsed['lagging'])} has no effect without lag; allowed: with lag",
            label,
            "lagging",
            code="conflict",
            value=parsed["lagging"],
        )


def _parse_field(item: dict[Any, Any], field: str, label: str, where: str, report: Report) -> Any:
    value = item.get(field)
    if value is None:
        if field in defaults.SERVICE_REQUIRED:
            needed = listed(defaults.SERVICE_REQUIRED)
            report.problem(where, f"missing; a service needs {needed}", label, field, code="missing")
            return None
        return None if field == "options" else defaults.SERVICE[field]
    try:
        return _PARSERS[field](value)
    except ValueProblem as problem:
        report.value_problem(where, problem, label, field)
        return None

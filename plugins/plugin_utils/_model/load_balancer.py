# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A load balancer: its HAProxy settings, and the listeners that use its ports."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from ansible_collections.pgsvc.access.plugins.plugin_utils._input import defaults, values
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.inventory import Inventory
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import Report, ValueProblem, shown
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.node_service import NodeService, parse_node_services

_ANY_IPV4 = ("*", "0.0.0.0")
_ANY_IPV6 = "::"
# Names of address ranges, which cannot be confused with an address.
_IPV4, _ANY = "IPv4", "any"


@dataclass(frozen=True)
class Settings:
    """The variables of one load balancer, typed.

    Paths are absolute. The folder of the service files, the sockets and ``config_args``, the arguments of HAProxy, are
    None if they are found on the host. ``reload`` is false if files are validated and written but not applied.
    ``allow_shrink`` is true if a run may remove many servers at once.
    """

    host: str
    ip: tuple[str, ...]
    conf_dir: str | None
    state_dir: str
    config_args: tuple[str, ...] | None
    master_socket: str | None
    stats_socket: str | None
    reload: bool
    allow_shrink: bool
    enabled: bool
    client_timeout: str
    server_timeout: str
    exporter_port: int
    node_services: tuple[NodeService, ...]


@dataclass(frozen=True)
class Listener:
    """Something that listens on a load balancer: ``what`` names it in messages."""

    what: str
    ip: tuple[str, ...]
    port: int

    def ranges(self) -> set[str]:
        """The addresses that it listens on, and the ranges that they belong to."""
        return {name for address in self.ip for name in _ranges(address)}

    def overlaps(self) -> set[str]:
        """The addresses and ranges of other listeners on the same port that would overlap with this one."""
        return {name for address in self.ip for name in _overlaps(address)}

    def __str__(self) -> str:
        return f"{self.what} ({', '.join(values.with_port(address, self.port) for address in self.ip)})"


def _ranges(address: str) -> tuple[str, ...]:
    return (address, _ANY) if ":" in address else (address, _IPV4, _ANY)


def _overlaps(address: str) -> tuple[str, ...]:
    """A listener on ``*`` covers all of IPv4; one on ``::`` may cover IPv4 and IPv6."""
    if address == _ANY_IPV6:
        return (_ANY,)
    if address in _ANY_IPV4:
        return (_IPV4, _ANY_IPV6)
    return (address, _ANY_IPV6) if ":" in address else (address, *_ANY_IPV4, _ANY_IPV6)


def _config_args(value: Any) -> tuple[str, ...] | None:
    words = value.split() if isinstance(value, str) else values.word_list(value, "an argument of HAProxy")
    return tuple(words) or None


def _path_or_found(value: Any) -> str | None:
    return None if value == "" else values.path(value, "a path")


_PARSERS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "pg_service_ip": ("ip", values.bind_addresses),
    "haproxy_conf_dir": ("conf_dir", _path_or_found),
    "haproxy_state_dir": ("state_dir", lambda value: values.path(value, "a path")),
    "haproxy_config_args": ("config_args", _config_args),
    "haproxy_master_socket": ("master_socket", _path_or_found),
    "haproxy_stats_socket": ("stats_socket", _path_or_found),
    "pg_reload": ("reload", values.boolean),
    "pg_service_allow_shrink": ("allow_shrink", values.boolean),
    "haproxy_enabled": ("enabled", values.boolean),
    "haproxy_client_timeout": ("client_timeout", values.duration),
    "haproxy_server_timeout": ("server_timeout", values.duration),
    "haproxy_exporter_port": ("exporter_port", values.port),
}


class LoadBalancerReader:
    """Reads load balancers from an inventory, each once; without ``haproxy_services`` if ``node_services`` is false."""

    def __init__(self, inventory: Inventory, report: Report, node_services: bool = True) -> None:
        self._inventory = inventory
        self._report = report
        self._node_services = node_services
        self._read: dict[str, Settings] = {}

    def read(self, host: str) -> Settings:
        """The settings of a load balancer. Mistakes go to the report, and planning continues with the default."""
        if host not in self._read:
            self._read[host] = self._parse(host)
        return self._read[host]

    def enabled(self, host: str) -> bool:
        """Whether HAProxy is wanted on this host at all (``haproxy_enabled``)."""
        value = self._inventory.value(host, "haproxy_enabled")
        return value is None or value is True or self.read(host).enabled

    def _parse(self, host: str) -> Settings:
        parsed: dict[str, Any] = {}
        if not host.isprintable():
            self._report.problem(
                host,
                f"{shown(host)} is not a name of a load balancer; allowed: one line of printable text",
                code="unprintable",
                value=host,
            )
        for variable, (field, parse) in _PARSERS.items():
            default = defaults.LOAD_BALANCER[variable]
            value = self._inventory.value(host, variable)
            try:
                parsed[field] = (
                    None if value is None and default is None else parse(default if value is None else value)
                )
            except ValueProblem as problem:
                self._report.value_problem(host, problem, field=variable)
                parsed[field] = parse(default)
        services = self._inventory.value(host, "haproxy_services") if self._node_services else None
        parsed["node_services"] = parse_node_services(services, host, self._report) if services else ()
        return Settings(host=host, **parsed)


def report_clashes(load_balancer: str, listeners: Iterable[Listener], report: Report) -> None:
    """Report listeners that overlap. HAProxy accepts that silently and splits the connections between them."""
    # Indexed by range, because a load balancer may have a thousand addresses with the same ports.
    found: dict[tuple[int, str], dict[int, Listener]] = {}
    for number, listener in enumerate(listeners):
        places = (found.get((listener.port, name), {}) for name in listener.overlaps())
        earlier = {position: each for place in places for position, each in place.items()}
        for position in sorted(earlier):
            report.problem(
                f"load balancer {load_balancer}",
                f"port {listener.port} is used twice: by {earlier[position]} and by {listener}; allowed: one "
                "listener for each port of an address",
                code="clash",
                value=listener.port,
            )
        for name in listener.ranges():
            found.setdefault((listener.port, name), {})[number] = listener

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of ``haproxy_services``: other services of a node, published in the same way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.pgsvc.access.plugins.plugin_utils._input import values
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import Report, ValueProblem
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.node_service import (
    NodeServer,
    NodeService,
    parse_node_services,
)
from ansible_collections.pgsvc.access.plugins.plugin_utils._plan.rendering import (
    bind_lines,
    header,
    listen,
    state_lines,
    text,
)

OWNER = "node"


def render_node_service(
    service: NodeService, host: str, ip: tuple[str, ...], state_dir: str, timeout_client: str, timeout_server: str
) -> str:
    """The file ``<name>.cfg`` of a node's service."""
    directives = [
        *bind_lines(service.ip or ip, service.port),
        f"mode {service.protocol}",
        f"maxconn {service.maxconn}",
        f"balance {service.balance}",
        "retries 3",
        "timeout connect 3s",
        "timeout queue 3s",
        "timeout check 3s",
        f"timeout client {timeout_client}",
        f"timeout server {timeout_server}",
        *service.options,
        *(state_lines(service.name, state_dir) if service.checked else ()),
        *([f"default-server {service.default}"] if service.default else ()),
    ]
    opening = header(service.name, host, service.port, OWNER)
    return text([*opening, *listen(service.name, directives, map(_server_line, service.servers))])


def node_service_files(
    services: Any, host: str, ip: Any, state_dir: Any, timeout_client: Any, timeout_server: Any
) -> list[dict[str, Any]]:
    """The files of a node's services, as arguments of the publish module. Raises `PlanError` with all mistakes."""
    report = Report()
    host = str(values.native(host))
    settings: dict[str, Any] = {}
    parsers: dict[str, tuple[Any, Callable[[Any], Any]]] = {
        "inventory_hostname": (host, lambda value: values.one_line(value, "a host name")),
        "pg_service_ip": (ip, values.bind_addresses),
        "haproxy_state_dir": (state_dir, lambda value: values.path(value, "a path")),
        "haproxy_client_timeout": (timeout_client, values.duration),
        "haproxy_server_timeout": (timeout_server, values.duration),
    }
    for variable, (value, parse) in parsers.items():
        try:
            settings[variable] = parse(values.native(value))
        except ValueProblem as problem:
            report.value_problem(host, problem, field=variable)
    found = parse_node_services(values.native(services), host, report)
    report.raise_problems()
    return [
        {"name": service.name, "owner": OWNER, "content": render_node_service(service, *settings.values())}
        for service in found
    ]


def _server_line(server: NodeServer) -> str:
    words = [f"server {server.name} {values.with_port(server.ip, server.port)}", server.options]
    if server.weight is not None:
        words.append(f"weight {server.weight}")
    if server.backup:
        words.append("backup")
    return " ".join(word for word in words if word)

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A planned service as the text of its HAProxy file. The same service gives the same bytes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ansible_collections.pgsvc.access.plugins.module_utils._publish import hold
from ansible_collections.pgsvc.access.plugins.module_utils._publish.service_file import owner_line
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.values import with_port
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.service import (
    CheckBackend,
    CheckServer,
    Server,
    Service,
)

_RULE = "#---------------------------------------------------------------------"

# Whatever a `defaults` section says of these, a service file says itself: it means the same beside Debian's stock
# defaults (HTTP, 50 seconds), beside Pigsty's, and when it is read before any (HAProxy manual 4.1 lists what is
# inherited).
_SELF_CONTAINED = (
    "enabled",
    "hash-type map-based",
    "hash-balance-factor 0",
    "retries 3",
    "rate-limit sessions 0",
    "timeout connect 3s",
    "timeout queue 3s",
    "timeout check 3s",
    "timeout tunnel 0",
    "timeout client-fin 0",
    "timeout server-fin 0",
    "option redispatch",
    "option tcpka",
    "no option abortonclose",
    "no option independent-streams",
    "no option logasap",
    "no option nolinger",
    "no option persist",
    "no option prefer-last-server",
    "no option transparent",
    # Of what a server inherits, only that which can also be taken back for one that the Runtime API adds.
    "default-server enabled no-backup no-check-ssl no-send-proxy no-send-proxy-v2 no-ssl",
)

# Seconds between the end of a hold and that of `inspect-delay`.
_SLACK = 2


def header(name: str, load_balancer: str, port: int, owner: str, notes: Iterable[str] = ()) -> list[str]:
    """The comment lines that open every file; the owner line is what tells our files from everybody else's."""
    return [
        _RULE,
        f"# service: {name} @ {with_port(load_balancer, port)}",
        _RULE,
        owner_line(owner),
        *notes,
    ]


def listen(name: str, directives: Iterable[str], servers: Iterable[str]) -> list[str]:
    """A ``listen`` section, its servers last."""
    return section("listen", name, directives, servers)


def section(keyword: str, name: str, directives: Iterable[str], servers: Iterable[str]) -> list[str]:
    """A section, its servers last."""
    return [
        f"{keyword} {name}",
        *(f"    {line}" for line in directives),
        "    # servers",
        *(f"    {line}" for line in servers),
    ]


def state_lines(name: str, state_dir: str) -> list[str]:
    """What lets a new process begin with the verdicts of the old one, or with none (HAProxy manual 4.2)."""
    return ["load-server-state-from-file local", f"server-state-file-name {state_dir}/{name}.state"]


def bind_lines(addresses: Sequence[str], port: int) -> list[str]:
    return [f"bind {with_port(address, port)}" for address in addresses]


def text(lines: Iterable[str]) -> str:
    return "\n".join(lines) + "\n"


def render_service(service: Service, state_dir: str) -> str:
    """The file ``<name>.cfg`` of a PostgreSQL service (Pigsty's documentation, "Service / Access")."""
    notes = [f"# service instances {', '.join(service.instances) or '(none)'}"]
    if service.backups:
        notes.append(f"# service backups {', '.join(service.backups)}")
    live = service.roles == "live"
    if live:
        notes.append(f"# check {service.check} of the role that each member has at this moment")
    seconds = service.hold if service.servers else 0  # nothing to wait for
    self_contained = (
        "option redispatch 1" if line == "option redispatch" and service.redispatch_at_once else line
        for line in _SELF_CONTAINED
    )
    directives = [
        *bind_lines(service.ip, service.port),
        "mode tcp",
        f"maxconn {service.maxconn}",
        *_hold_lines(service.name, seconds),
        f"balance {service.balance}",
        *([] if live else check_lines(service.check, service.verify_role)),
        *self_contained,
        f"timeout client {service.timeout_client}",
        f"timeout server {service.timeout_server}",
        "option allbackups" if service.allbackups else "no option allbackups",
        *state_lines(service.name, state_dir),
        f"default-server {service.options}".rstrip(),
    ]
    opening = header(service.name, service.load_balancer, service.port, service.owner, notes)
    loads = ["global", f"    lua-load {state_dir}/{hold.NAME}"] if seconds else []
    return text([*opening, *loads, *listen(service.name, directives, map(_server_line, service.servers))])


def _hold_lines(name: str, seconds: int) -> list[str]:
    """What lets new connections wait for a server (HAProxy manual 4.2, "tcp-request content lua").

    HAProxy ends the evaluation of the rules with an alert when the time of `inspect-delay` is over, so the action ends
    before. Connections skip the rule while there is a server and the gate of the service is open.
    """
    if not seconds:
        return []
    return [
        f"tcp-request inspect-delay {seconds + _SLACK}s",
        hold.rule(name, seconds),
    ]


def render_check_backend(backend: CheckBackend, state_dir: str) -> str:
    """The file ``<name>.cfg`` of the health checks that the services of a cluster follow."""
    opening = [
        _RULE,
        f"# health checks {backend.check} of cluster {backend.cluster} @ {backend.load_balancer}",
        _RULE,
        owner_line(backend.owner),
        "# servers of the services of the cluster track these; they take no connections themselves",
    ]
    directives = [
        "mode tcp",
        *check_lines(backend.check, backend.verify_role),
        "timeout connect 3s",
        "timeout check 3s",
        *state_lines(backend.name, state_dir),
        "default-server enabled no-backup no-check-ssl no-send-proxy no-send-proxy-v2 no-ssl",
        f"default-server {backend.options}".rstrip(),
    ]
    servers = (_check_server_line(server) for server in backend.servers)
    return text([*opening, *section("backend", backend.name, directives, servers)])


def check_lines(check: str, verify_role: bool) -> list[str]:
    """What a health check asks, and which answer passes (HAProxy manual 4.2, "http-check")."""
    lines = ["option httpchk", "option http-keep-alive"]
    if not verify_role:
        return [*lines, f"http-check send meth OPTIONS uri {check}", "http-check expect status 200"]
    # Only GET has a body. Patroni 3 says master, Patroni 4 primary. The patterns alone would pass a 503, too. A primary
    # that shuts down for a switchover keeps the lock and the role until the end, while its state is "stopping". It is
    # "unknown" when PostgreSQL does not answer Patroni in time, which Patroni itself accepts of a primary.
    state = """'"state": "(running|unknown)"'"""
    role = """'"role": "(primary|master)"'"""
    return [
        *lines,
        f"http-check send meth GET uri {check}",
        "http-check expect status 200",
        f"http-check expect rstring {state}",
        f"http-check expect rstring {role}",
    ]


def _server_line(server: Server) -> str:
    words = [f"server {server.name} {with_port(server.address, server.port)}"]
    words += [f"track {server.track}"] if server.track else _check_words(server.check_port, server.ca_file)
    words.append(f"weight {server.weight}")
    if server.backup:
        words.append("backup")
    return " ".join(words)


def _check_server_line(server: CheckServer) -> str:
    words = [f"server {server.name} {with_port(server.address, server.port)}"]
    return " ".join([*words, *_check_words(server.port, server.ca_file)])


def _check_words(port: int, ca_file: str | None) -> list[str]:
    words = [f"check port {port}"]
    return words if ca_file is None else [*words, f"check-ssl verify required ca-file {ca_file}"]

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service file as the collection writes it, for tests that start below the plan."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ansible_collections.pgsvc.access.tests.support.patroni import PGBOUNCER_PORT, REST_PORT, Member

DEFAULT_SERVER = (
    "inter 3s fastinter 1s downinter 5s rise 3 fall 3 on-marked-down shutdown-sessions slowstart 30s"
    " maxconn 3000 maxqueue 128 weight 100"
)
QUICK = "inter 200ms fastinter 100ms downinter 200ms rise 2 fall 2 on-marked-down shutdown-sessions weight 100"
"""The same with verdicts within a second."""


def server_line(member: Member, extra: str = "weight 100", port: int = PGBOUNCER_PORT) -> str:
    return f"server {member.name} {member.address}:{port} check port {REST_PORT} {extra}".rstrip()


def service_file(
    name: str,
    bind: str,
    servers: Iterable[str],
    *,
    state_dir: Path | None,
    check: str = "/primary",
    default_server: str = DEFAULT_SERVER,
    owner: str = "member/pg",
    balance: str = "roundrobin",
    options: Iterable[str] = (),
) -> str:
    """`bind` is ``<address>:<port>``; `servers` are whole ``server`` lines; `options` further directives.

    Without `state_dir` the file carries no server state, as a plain implementation writes it.
    """
    state = ["load-server-state-from-file local", f"server-state-file-name {state_dir}/{name}.state"]
    directives = [
        f"bind {bind}",
        "mode tcp",
        "maxconn 5000",
        f"balance {balance}",
        "option httpchk",
        "option http-keep-alive",
        f"http-check send meth OPTIONS uri {check}",
        "http-check expect status 200",
        "timeout connect 3s",
        "timeout client 24h",
        "timeout server 24h",
        "timeout queue 3s",
        "timeout check 3s",
        "retries 3",
        *options,
        *(state if state_dir else []),
        f"default-server {default_server}",
        "# servers",
        *servers,
    ]
    rule = "#" + "-" * 69
    head = [
        rule,
        f"# service: {name} @ {bind}",
        rule,
        f"# managed by pgsvc.access, owner {owner}: changes made here are overwritten",
    ]
    return "\n".join([*head, f"listen {name}", *(f"    {line}" for line in directives)]) + "\n"

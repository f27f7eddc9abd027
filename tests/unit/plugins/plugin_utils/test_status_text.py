# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A status report as people read it."""

from __future__ import annotations

from typing import Any

from ansible_collections.pgsvc.access.plugins.plugin_utils._report.status_text import render

LEGEND = """\
serves: members that take new connections now.  others: members that do not, with HAProxy's status; (b): a backup
* leads the cluster, by Patroni.  !! critical  ! needs attention.  What to do stands below each finding (->)
"""


def member(seq: int, **said: Any) -> dict[str, Any]:
    empty: dict[str, Any] = {"role": "", "state": "", "timeline": None, "lag": None, "tags": {}}
    declared = "primary" if seq == 1 else "replica"
    return {"name": f"pg-{seq}", "address": f"10.0.0.{seq}", "declared_role": declared, **empty, **said}


def server(seq: int, status: str, *, backup: bool = False, name: str = "") -> dict[str, Any]:
    return {"name": name or f"pg-{seq}", "member": f"pg-{seq}", "status": status, "backup": backup}


def place(host: str, serves: list[str], *servers: dict[str, Any], sessions: int = 1, queue: int = 0) -> dict[str, Any]:
    return {"load_balancer": host, "serves": serves, "servers": list(servers), "sessions": sessions, "queue": queue}


def cluster(**parts: Any) -> dict[str, Any]:
    return {"cluster": "pg", "health": "ok", "members": [], "services": [], "findings": [], **parts}


def test_a_cluster_with_a_finding() -> None:
    leader = {"role": "leader", "state": "running", "timeline": 7, "lag": 0}
    follower = {"role": "replica", "state": "streaming", "timeline": 7, "lag": 20 * 2**20}
    down = server(2, "DOWN 1/3")
    report = cluster(
        health="critical",
        findings=[
            {"severity": "critical", "code": "service_without_server", "text": "service a has none", "fix": "see b"},
            {"severity": "warning", "code": "patroni_paused", "text": "Patroni is paused", "fix": "resume"},
        ],
        members=[member(1, **leader), member(2, **follower, tags={"noloadbalance": True, "nofailover": False})],
        services=[
            {
                "service": "primary",
                "port": 5433,
                "load_balancers": [
                    place("lb1", ["pg-1"], server(1, "UP"), down, sessions=3),
                    place("lb2", ["pg-1"], server(1, "UP"), down, sessions=4, queue=2),
                ],
            },
            {
                "service": "replica",
                "port": 5434,
                "load_balancers": [
                    place("lb1", ["pg-2"], server(1, "UP", backup=True), server(2, "UP")),
                    place("lb2", ["pg-1"], server(1, "UP", backup=True), server(2, "MAINT (via x/y)")),
                ],
            },
        ],
    )

    assert render({"clusters": [report]}) == (
        """\
pg  CRITICAL
  !! service_without_server: service a has none
     -> see b
  !  patroni_paused: Patroni is paused
     -> resume

  member  address   declared  role     state      timeline  lag      tags
* pg-1    10.0.0.1  primary   leader   running    7         0 B
  pg-2    10.0.0.2  replica   replica  streaming  7         20 MB !  noloadbalance=True

  service  port  load balancers  serves    sessions  queue  others
  primary  5433  all 2           pg-1      7         2      pg-2 DOWN
  replica  5434  lb1             pg-2      1         0      pg-1 UP (b)
                 lb2             pg-1 (b)  1         0      pg-2 MAINT

"""
        + LEGEND
    )


def test_a_cluster_of_which_nothing_is_known() -> None:
    assert render({"clusters": [cluster(health="unknown", members=[member(1)])]}) == (
        """\
pg  UNKNOWN

  member  address   declared  role  state  timeline  lag  tags
  pg-1    10.0.0.1  primary   ?     ?      ?         ?

"""
        + LEGEND
    )


def test_a_member_with_two_servers_is_one_member() -> None:
    servers = [
        server(1, "DOWN", name="pg-1"),
        server(1, "UP", backup=True, name="pg-1-leading"),
        server(2, "UP"),
        server(2, "DOWN", backup=True, name="pg-2-leading"),
    ]
    service = {"service": "replica", "port": 5434, "load_balancers": [place("lb1", ["pg-2"], *servers)]}

    assert "replica  5434  lb1             pg-2    1         0      pg-1 UP (b)\n" in render(
        {"clusters": [cluster(services=[service])]}
    )


def test_colour_is_for_terminals() -> None:
    finding = {"severity": "warning", "code": "no_leader", "text": "none", "fix": "wait"}
    report = {"clusters": [cluster(health="warning", findings=[finding])]}

    assert "\033[33m  !  no_leader: none\033[0m\n     -> wait\n" in render(report, colour=True)
    assert "\033" not in render(report)


def test_what_others_say_does_not_move_the_cursor() -> None:
    shown = render({"clusters": [cluster(members=[member(1, state="up\033[2J\nx", role="le\tader")])]})

    assert "up\\x1b[2J x" in shown
    assert "\033" not in shown

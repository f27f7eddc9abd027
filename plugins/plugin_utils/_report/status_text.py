# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A status report as text for people: what is wrong first, then members and services. Values in, values out."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import printable
from ansible_collections.pgsvc.access.plugins.plugin_utils._report.findings import CRITICAL, LAG, WARNING, size
from ansible_collections.pgsvc.access.plugins.plugin_utils._report.status import OK, UNKNOWN
from ansible_collections.pgsvc.access.plugins.plugin_utils._report.status_view import LEADERS

_WIDTH = 118
_MOST_HOSTS = 3
_COLOURS = {OK: "32", WARNING: "33", CRITICAL: "31;1", UNKNOWN: "35"}
_MARKS = {CRITICAL: "!!", WARNING: "! "}
_LEGEND = (
    "serves: members that take new connections now.  others: members that do not, with HAProxy's status; (b): a backup",
    "* leads the cluster, by Patroni.  !! critical  ! needs attention.  What to do stands below each finding (->)",
)

Row = Sequence[str]


def render(report: Mapping[str, Any], *, colour: bool = False) -> str:
    """The report as lines. ``colour`` is for terminals."""
    paint = _painted if colour else _plain
    parts = [_cluster(cluster, paint) for cluster in report["clusters"]]
    legend = [paint(line, "2") for line in _LEGEND]
    return "\n\n".join("\n".join(lines) for lines in [*parts, legend]) + "\n"


def _painted(text: str, code: str) -> str:
    return f"\033[{code}m{text}\033[0m"


def _plain(text: str, _code: str) -> str:
    return text


def _cluster(cluster: Mapping[str, Any], paint: Any) -> list[str]:
    health = cluster["health"]
    lines = [f"{paint(cluster['cluster'], '1')}  {paint(health.upper(), _COLOURS[health])}"]
    for finding in cluster["findings"]:
        lines += _finding(finding, paint)
    lines += [
        "",
        *_table(("  member", "address", "declared", "role", "state", "timeline", "lag", "tags"), _members(cluster)),
    ]
    rows = [row for service in cluster["services"] for row in _service(service)]
    if rows:
        lines += ["", *_table(("  service", "port", "load balancers", "serves", "sessions", "queue", "others"), rows)]
    return lines


def _finding(finding: Mapping[str, Any], paint: Any) -> list[str]:
    first, *more = _wrapped(finding["text"], f"  {_MARKS[finding['severity']]} {finding['code']}: ", "     ")
    fix = _wrapped(finding["fix"], "     -> ", "        ")
    return [paint(first, _COLOURS[finding["severity"]]), *more, *fix]


def _wrapped(text: str, first: str, others: str) -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent=first, subsequent_indent=others, break_long_words=False, break_on_hyphens=False
    )


def _members(cluster: Mapping[str, Any]) -> list[Row]:
    rows: list[Row] = []
    for member in cluster["members"]:
        tags = ", ".join(f"{name}={value}" for name, value in member["tags"].items() if value)
        texts = (
            f"{'*' if member['role'] in LEADERS else ' '} {member['name']}",
            member["address"],
            member["declared_role"],
            member["role"] or "?",
            member["state"] or "?",
            "?" if member["timeline"] is None else member["timeline"],
            _lag(member["lag"]),
            tags,
        )
        rows.append([text if number == 0 else printable(text) for number, text in enumerate(texts)])
    return rows


def _lag(lag: Any) -> str:
    if not isinstance(lag, int):
        return "?"
    return f"{size(lag)} !" if lag > LAG else size(lag)


def _service(service: Mapping[str, Any]) -> list[Row]:
    """A row for each group of load balancers on which the same members serve, and the others are in the same state."""
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for each in service["load_balancers"]:
        groups.setdefault((_serves(each), _others(each)), []).append(each)
    rows: list[Row] = []
    for number, ((serves, others), same) in enumerate(groups.items()):
        name, port = (service["service"], str(service["port"])) if number == 0 else ("", "")
        hosts = _hosts([each["load_balancer"] for each in same], len(groups) == 1)
        sums = (str(sum(each[field] for each in same)) for field in ("sessions", "queue"))
        rows.append([f"  {name}", port, hosts, serves, *sums, others])
    return rows


def _serves(place: Mapping[str, Any]) -> str:
    backups = {server["member"] for server in place["servers"] if server["backup"]}
    active = {server["member"] for server in place["servers"] if not server["backup"]}
    return ", ".join(f"{name}{' (b)' if name in backups - active else ''}" for name in place["serves"]) or "none"


def _others(place: Mapping[str, Any]) -> str:
    found: dict[str, str] = {}
    for server in place["servers"]:
        if server["member"] not in place["serves"]:
            # Of the two servers that a member may have with live roles, the first that is up says the most.
            status = printable(server["status"]).partition(" ")[0]
            backup = " (b)" if server["backup"] else ""
            if server["member"] not in found or status.startswith("UP"):
                found[server["member"]] = f"{server['member']} {status}{backup}"
    return ", ".join(found.values())


def _hosts(hosts: Sequence[str], are_all: bool) -> str:
    if are_all and len(hosts) > 1:
        return f"all {len(hosts)}"
    more = f" and {len(hosts) - _MOST_HOSTS} more" if len(hosts) > _MOST_HOSTS else ""
    return ", ".join(hosts[:_MOST_HOSTS]) + more


def _table(header: Row, rows: Sequence[Row]) -> list[str]:
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    return [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in [header, *rows]
    ]

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes that a partial inventory causes: too many servers would leave a load balancer. Values in, values out.

A dynamic inventory that failed half way, a job slice or a limit at the source give a plan that lacks members. Such a
plan is valid; only the comparison with what the load balancer has shows that it is too small.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Optional

from ansible_collections.pgsvc.access.plugins.module_utils._host.light_dataclass import dataclass
from ansible_collections.pgsvc.access.plugins.module_utils._publish.service_file import (
    ServiceFile,
    member_name,
    parse_content,
)

if TYPE_CHECKING:
    from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.sockets import ServerRow
    from ansible_collections.pgsvc.access.plugins.module_utils._publish.directory import FileChange

LEADER_CHECKS = frozenset(["/", "/leader", "/master", "/primary", "/read-write", "/standby-leader", "/standby_leader"])
"""Health checks of Patroni that only the member with the leader lock passes."""

_KINDS = ("member", "delegated")
_STOPPED = 0  # srv_op_state of a server that takes no traffic (Management Guide 9.3, "show servers state")


@dataclass(frozen=True)
class Refusal:
    """What would be lost: `servers` of a `service`, or of the whole `cluster` where `service` is empty."""

    cluster: str
    service: str
    servers: tuple[str, ...]
    reason: str

    def __str__(self) -> str:
        what = f"service {self.service}" if self.service else f"cluster {self.cluster}"
        lost = f"{', '.join(self.servers)} ({self.reason})" if self.servers else self.reason
        return f"{what} would lose {lost}"


def loses_members(changes: Iterable[FileChange], carries: Collection[str]) -> bool:
    """Whether a cluster of the plan loses a member, so that `refused` has to know which servers are up."""
    return any(_lost(before, after) for _cluster, before, after in _touched(changes, carries))


def refused(
    changes: Iterable[FileChange],
    carries: Collection[str],
    rows: Sequence[ServerRow],
    may_be_empty: Collection[str] = (),
) -> list[Refusal]:
    """What of the `changes` to service files is refused; nothing when they may be made.

    `carries` are the clusters that the plan still has on this load balancer: one that is given up or moved elsewhere
    may leave it. `rows` are the servers as HAProxy runs them (none when it does not run), `may_be_empty` the services
    that may lose all of their servers.
    """
    found: list[Refusal] = []
    for cluster, before, after in _touched(changes, carries):
        found += _refused(cluster, before, after, rows, may_be_empty)
    return found


def message(refusals: Iterable[Refusal]) -> str:
    """One message for all of them."""
    said = "; ".join(map(str, refusals))
    return (
        f"The inventory seems to be incomplete: {said}. Nothing was changed. Run again with the complete inventory, or "
        "set pg_service_allow_shrink: true (-e pg_service_allow_shrink=true) if this is meant"
    )


def _touched(
    changes: Iterable[FileChange], carries: Collection[str]
) -> list[tuple[str, dict[str, ServiceFile], dict[str, ServiceFile]]]:
    """The clusters of the plan of which a file changes, with their services before and after, by name."""
    changes = list(changes)
    if all(change.before == change.after for change in changes):
        return []
    before = _by_cluster((change.name, change.owner, change.before) for change in changes)
    after = _by_cluster((change.name, change.owner, change.after) for change in changes)
    clusters = sorted(before.keys() & set(carries))
    found = [(cluster, before[cluster], after.get(cluster, {})) for cluster in clusters]
    return [each for each in found if each[1] != each[2]]


def _by_cluster(files: Iterable[tuple[str, str, Optional[bytes]]]) -> dict[str, dict[str, ServiceFile]]:
    """Services by name, by cluster. Each file is a name, the owner that it gets or loses, and its content."""
    found: dict[str, dict[str, ServiceFile]] = {}
    for name, owner, content in files:
        if content is not None:
            service = parse_content(name, content)
            # A file of the same service that others wrote (Pigsty) has no owner: it counts for the one that adopts it.
            cluster = _cluster(service.owner or owner)
            if cluster is not None:
                found.setdefault(cluster, {})[name] = service
    return found


def _cluster(owner: str) -> Optional[str]:
    kind, _slash, cluster = owner.partition("/")
    return cluster if kind in _KINDS and cluster else None


def _refused(
    cluster: str,
    before: Mapping[str, ServiceFile],
    after: Mapping[str, ServiceFile],
    rows: Iterable[ServerRow],
    may_be_empty: Collection[str],
) -> list[Refusal]:
    members = _members(before)
    if not after:
        return [Refusal(cluster, "", members, "all of its services")]
    found: list[Refusal] = []
    lost = _lost(before, after)
    if 2 * len(lost) > len(members):
        found.append(Refusal(cluster, "", lost, f"{len(lost)} of {len(members)} members"))
    leading = _leading(before, rows)
    leaders = tuple(name for name in lost if name in leading)
    if leaders:
        found.append(Refusal(cluster, "", leaders, "the member that leads at this moment"))
    for name, service in before.items():
        servers = _servers(service)
        if servers and name in after and name not in may_be_empty and not _servers(after[name]):
            found.append(Refusal(cluster, name, servers, "all of its servers"))
    return found


def _lost(before: Mapping[str, ServiceFile], after: Mapping[str, ServiceFile]) -> tuple[str, ...]:
    staying = _members(after)
    return tuple(name for name in _members(before) if name not in staying)


def _members(services: Mapping[str, ServiceFile]) -> tuple[str, ...]:
    """The names of all members of a cluster that some service has."""
    return tuple(sorted({member_name(name) for service in services.values() for name in _servers(service)}))


def _servers(service: ServiceFile) -> tuple[str, ...]:
    return tuple(words[1] for words in service.server_lines if len(words) > 1)


def _leading(services: Mapping[str, ServiceFile], rows: Iterable[ServerRow]) -> set[str]:
    """The servers that HAProxy takes for the leader: those that are up in a service which only a leader serves."""
    proxies = {name for name, service in services.items() if _check(service) in LEADER_CHECKS}
    return {member_name(row.srv_name) for row in rows if row.be_name in proxies and row.op_state != _STOPPED}


def _check(service: ServiceFile) -> Optional[str]:
    """The path that a service's health checks ask for, without its query (HAProxy manual 4.2, `http-check send`)."""
    uri = None
    for words in service.check_lines:
        if words[:2] == ("http-check", "send") and "uri" in words[:-1]:
            uri = words[words.index("uri") + 1]
        elif words[:2] == ("option", "httpchk") and len(words) > 2:
            uri = words[3] if len(words) > 3 else words[2]
    return None if uri is None else uri.partition("?")[0]

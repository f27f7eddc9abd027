# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the primary of a cluster may move now, to which member, and what stands in the way. Values in, values out.

docs/switchover.md has a line for each code.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import listed, printable
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.patroni import passes_on_leader_only
from ansible_collections.pgsvc.access.plugins.plugin_utils._report.findings import LAG, findings, size
from ansible_collections.pgsvc.access.plugins.plugin_utils._report.status_view import Known, Place, View

SHORT_HOLD = 10
"""Seconds that new connections should be able to wait: Patroni takes one to three for a switchover, Ansible as many."""

# What a switchover itself brings about, or does not change.
_NO_OBSTACLE = frozenset(("roles_drifted", "service_on_backups", "server_flapping", "replica_noloadbalance"))
_STREAMING = frozenset(("streaming", "running"))  # Patroni up to 3.0 says running of a replica
_SYNC = frozenset(("sync_standby", "quorum_standby"))


@dataclass(frozen=True)
class Obstacle:
    """``text`` says what stands in the way and where, ``fix`` what to do. ``is_final``: it cannot be forced."""

    code: str
    text: str
    fix: str
    is_final: bool = False


@dataclass(frozen=True)
class Move:
    """A planned switchover. ``services`` has the services that only the leader serves, by load balancer.

    ``holds`` has the seconds for which new connections of such a service can wait, by its name.
    """

    cluster: str
    leader: Known | None
    candidate: Known | None
    services: Mapping[str, Sequence[str]]
    holds: Mapping[str, int]
    obstacles: Sequence[Obstacle]

    def is_allowed(self, *, force: bool) -> bool:
        return not self.obstacles or (force and not any(each.is_final for each in self.obstacles))

    def to_dict(self) -> dict[str, Any]:
        """What the playbook needs, in types that JSON has. Empty where there is no leader or no candidate."""
        if self.leader is None or self.candidate is None:
            return {}
        leader = self.leader.member
        scheme = "http" if leader.ca_file is None else "https"
        address = f"[{leader.address}]" if ":" in leader.address else leader.address
        return {
            "cluster": self.cluster,
            "leader": leader.name,
            "candidate": self.candidate.member.name,
            "patroni_leader": str(self.leader.patroni["name"]),
            "patroni_candidate": str(self.candidate.patroni["name"]),
            "leader_host": leader.host,
            "url": f"{scheme}://{address}:{leader.patroni_port}",
            "ca_file": leader.ca_file,
            "via": next(iter(self.services), ""),
            "services": {host: list(names) for host, names in self.services.items()},
            "holds": dict(self.holds),
        }


def prepare(view: View, member: str, most_lag: int = LAG) -> Move:
    """The switchover of a cluster to ``member``; without one, to the member that is best prepared."""
    leading = [
        place
        for place in view.places
        if place.facts is not None and place.service.servers and passes_on_leader_only(place.service.check)
    ]
    candidate = _named(view, member) if member else _best(view, most_lag)
    services: dict[str, list[str]] = {host: [] for host in view.facts}
    for place in leading:
        services[place.load_balancer].append(place.service.name)
    holds = {place.service.name: place.service.hold for place in leading}
    found = [*_of_cluster(view), *_of_candidate(view, candidate, member, most_lag), *_of_services(leading, candidate)]
    return Move(view.cluster, view.leader, candidate, services, holds, tuple(found))


def _named(view: View, name: str) -> Known | None:
    return next((known for known in view.members if known.member.name == name), None)


def _best(view: View, most_lag: int) -> Known | None:
    """A member that Patroni would take: a synchronous standby first, then the one that lags least."""
    able = [known for known in view.members if not list(_reasons(view, known, most_lag))]
    able.sort(key=lambda known: (known.patroni.get("role") not in _SYNC, known.patroni["lag"]))
    return able[0] if able else None


def _of_cluster(view: View) -> Iterator[Obstacle]:
    for finding in findings(view):
        if finding.code not in _NO_OBSTACLE:
            yield Obstacle(finding.code, finding.text, finding.fix, _is_final(finding.code))
    leader = view.leader
    if leader is not None and leader.patroni["role"] == "standby_leader":
        yield Obstacle(
            "standby_cluster",
            f"{view.cluster} is a standby cluster, so that no member takes writes",
            f"move its leader with patronictl switchover {view.cluster}",
            is_final=True,
        )


def _is_final(code: str) -> bool:
    """Without these nobody knows where the primary is, or can ask for another one."""
    return code in ("no_leader", "patroni_unreachable")


def _of_candidate(view: View, candidate: Known | None, member: str, most_lag: int) -> Iterator[Obstacle]:
    if candidate is not None:
        yield from _reasons(view, candidate, most_lag)
        return
    if view.leader is None:
        return
    reasons = [
        f"{known.member.name}: {reason.text}"
        for known in view.members
        if not known.leads
        for reason in list(_reasons(view, known, most_lag))[:1]
    ]
    text = f"{member} is not a member" if member else "no member can take over"
    yield Obstacle(
        "no_candidate",
        f"{text}{': ' if reasons else ''}{'; '.join(reasons)}",
        f"see patronictl list {view.cluster}",
        is_final=True,
    )


def _reasons(view: View, known: Known, most_lag: int) -> Iterator[Obstacle]:
    """Why a member should not become the primary now."""
    name, said, leader = known.member.name, known.patroni, view.leader
    see = f"see patronictl list {view.cluster}, and the logs of Patroni and PostgreSQL on {known.member.host}"
    if not said:
        yield Obstacle("candidate_unknown", f"Patroni does not know {name}", see, is_final=True)
        return
    if known.leads:
        others = listed(each.member.name for each in view.members if each is not known)
        yield Obstacle(
            "candidate_leads", f"{name} leads already", f"choose another member: {others or 'none'}", is_final=True
        )
        return
    if said.get("state") not in _STREAMING:
        text = f"{name} does not stream: Patroni says {printable(said.get('state'))}"
        yield Obstacle("candidate_not_streaming", text, see)
    if leader is not None and said.get("timeline") != leader.patroni.get("timeline"):
        text = f"{name} is on timeline {said.get('timeline')}, the leader on {leader.patroni.get('timeline')}"
        yield Obstacle("candidate_on_other_timeline", text, see)
    lag = said.get("lag")
    if not isinstance(lag, int) or lag > most_lag:
        amount = size(lag) if isinstance(lag, int) else "an unknown amount"
        yield Obstacle(
            "candidate_lags",
            f"{name} lags by {amount}, and at most {size(most_lag)} are allowed",
            "wait until it has caught up, see pg_stat_replication on the leader; or set pg_switchover_lag",
        )
    tags = said.get("tags")
    if isinstance(tags, dict) and tags.get("nofailover"):
        yield Obstacle(
            "candidate_nofailover",
            f"{name} has the tag nofailover, so Patroni does not let it lead",
            f"choose another member, or remove the tag from patroni.yml of {name} and reload its Patroni",
            is_final=True,
        )
    sync = [each.member.name for each in view.members if each.patroni.get("role") in _SYNC]
    if sync and name not in sync:
        yield Obstacle(
            "candidate_not_synchronous",
            f"{name} is not a synchronous standby, and Patroni takes no other in synchronous mode",
            f"choose one of: {listed(sync)}",
            is_final=True,
        )


def _of_services(leading: Sequence[Place], candidate: Known | None) -> Iterator[Obstacle]:
    by_service: dict[str, list[Place]] = {}
    for place in leading:
        by_service.setdefault(place.service.service, []).append(place)
    for name, where in by_service.items():
        service = where[0].service
        if service.hold < SHORT_HOLD:
            is_none = not service.hold
            yield Obstacle(
                "service_without_hold" if is_none else "hold_too_short",
                f"new connections of service {name} (port {service.port}) "
                + ("do not wait, so they fail" if is_none else f"wait {service.hold} s at most, and may fail")
                + " while the primary moves",
                f"set pg_service_hold of the cluster, or hold of the service, to {SHORT_HOLD} or more, and publish: "
                f"pgsql-svc {service.cluster}",
            )
        if candidate is not None:
            member = candidate.member.name
            hosts = [place.load_balancer for place in where if not _could_serve(place, member)]
            if hosts:
                yield Obstacle(
                    "candidate_without_server",
                    f"service {name} (port {service.port}) has no server of {member} that could take connections on "
                    f"{', '.join(hosts)}",
                    f"it is in drain or maintenance (pgsql-svc {service.cluster} --ready {member}), has weight 0, or "
                    "the selector of the service leaves it out",
                )


def _could_serve(place: Place, member: str) -> bool:
    """Whether the service would use a member that passes its check."""
    return any(server["member"] == member and not server["admin"] and server["weight"] for server in place.servers)

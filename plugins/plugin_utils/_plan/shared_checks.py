# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that follow shared health checks, and the check backends that have them (``pg_service_roles: live``).

HAProxy has one health check for all servers of a proxy, and a service needs two: one that a member passes while it
leads, and one that it passes while it follows. So checks stand in backends of their own, and the servers of services
``track`` them (HAProxy manual 5.2).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ansible_collections.pgsvc.access.plugins.module_utils._publish.service_file import LAGGING, LEADING
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.cluster import Cluster
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.live_roles import ACTIVE, BACKUP, NOTHING, Standing
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.member import Member
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.patroni import RoleChecks
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.server_options import (
    TIMINGS,
    split_options,
    timings_of,
    without_option,
)
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.service import CheckBackend, CheckServer, Server

_PLAIN_QUERY = re.compile(r"lag=([A-Za-z0-9.]+)", re.ASCII)


@dataclass(frozen=True)
class Check:
    """A health check as a service uses it: its path and query, and the options of the servers that make it."""

    path: str
    options: str
    verify_role: bool = False


@dataclass(frozen=True)
class Follower:
    """A server of a service, and the health check that it follows."""

    member: Member
    check: Check
    suffix: str
    backup: bool

    def server(self, cluster: Cluster, port: int) -> Server:
        member = self.member
        return Server(
            name=f"{member.name}{self.suffix}",
            address=member.address,
            port=port,
            check_port=member.patroni_port,
            weight=member.weight,
            backup=self.backup,
            ca_file=member.ca_file,
            track=f"{backend_name(cluster, self.check)}/{member.name}",
        )


@dataclass(frozen=True)
class Checks:
    """The checks of a service by role. ``lagging`` is passed by followers whatever their lag; None when not wanted."""

    either: Check
    leading: Check | None
    following: Check | None
    lagging: Check | None


def checks_of(roles: RoleChecks, options: str, lagging: str | None, verify_role: bool) -> Checks:
    """The checks of a service; ``options`` are those of its check backends."""

    def check(path: str | None, verify: bool = False) -> Check | None:
        return None if path is None else Check(path, options, verify)

    leading = check(roles.leading, verify_role)
    either = leading if roles.following is None and leading is not None else Check(roles.either, options)
    return Checks(either, leading, check(roles.following), check(lagging))


def followers(members: Sequence[Member], found: Sequence[Standing], checks: Checks) -> list[Follower]:
    """The servers of a service, in the order in which HAProxy takes backups.

    First those that serve, then replicas that lag too much, then the member that leads, then all other backups.
    """
    ranked = [
        (rank, index, follower)
        for index, (member, standing) in enumerate(zip(members, found, strict=True))
        for rank, follower in _followers_of(member, standing, checks)
    ]
    return [follower for _rank, _index, follower in sorted(ranked, key=lambda each: each[:2])]


def _followers_of(member: Member, standing: Standing, checks: Checks) -> Iterator[tuple[int, Follower]]:
    leading = standing.leading if checks.leading else NOTHING
    following = standing.following if checks.following else NOTHING
    if following == ACTIVE and checks.lagging:
        yield 1, Follower(member, checks.lagging, LAGGING, backup=True)
    if leading == following and leading != NOTHING:
        yield (3 if leading == BACKUP else 0), Follower(member, checks.either, "", leading == BACKUP)
        return
    if following != NOTHING and checks.following:
        yield (3 if following == BACKUP else 0), Follower(member, checks.following, "", following == BACKUP)
    if leading != NOTHING and checks.leading:
        suffix = "" if following == NOTHING else LEADING
        yield (2 if leading == BACKUP else 0), Follower(member, checks.leading, suffix, leading == BACKUP)


def check_backends(cluster: Cluster, load_balancer: str, owner: str, found: Iterable[Follower]) -> list[CheckBackend]:
    """The check backends that servers follow, by name; each has the members that something follows there."""
    members: dict[Check, dict[str, Member]] = {}
    for follower in found:
        members.setdefault(follower.check, {})[follower.member.name] = follower.member
    backends = [
        CheckBackend(
            name=backend_name(cluster, check),
            cluster=cluster.name,
            owner=owner,
            load_balancer=load_balancer,
            check=check.path,
            verify_role=check.verify_role,
            options=check.options,
            servers=tuple(
                CheckServer(member.name, member.address, member.patroni_port, member.ca_file)
                for member in sorted(asked.values(), key=lambda member: member.seq)
            ),
        )
        for check, asked in members.items()
    ]
    return sorted(backends, key=lambda backend: backend.name)


def backend_name(cluster: Cluster, check: Check) -> str:
    """The name of a check backend, the same in every plan.

    ``pg-test-check-replica`` has the timings of the cluster. ``pg-test-check-replica-lag-16MB`` has a limit of the lag,
    ``pg-test-check-leader-1s-500ms-500ms-1-2`` timings of its own, and anything else that differs adds a digest.
    """
    path, _mark, query = check.path.partition("?")
    parts = [cluster.name, "check", path.strip("/")]
    if query:
        plain = _PLAIN_QUERY.fullmatch(query)
        parts.append(f"lag-{plain[1]}" if plain else _digest(query))
    usual = split_options(cluster.options)[0]
    if check.options != usual:
        timings, others = timings_of(check.options), _other_options(check.options)
        parts += [timings[name] for name in TIMINGS if name in timings] or ["haproxy"]
        parts += [] if others == _other_options(usual) else [_digest(others)]
    return "-".join(parts)


def _other_options(options: str) -> str:
    """The options of checks without their timings."""
    for name in TIMINGS:
        options = without_option(options, name)
    return options


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]

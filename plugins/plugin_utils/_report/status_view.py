# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a cluster beside what its load balancers and its Patroni say. Values in, values out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar
from urllib.parse import urlsplit

from ansible_collections.pgsvc.access.plugins.plugin_utils._model.member import Member
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.service import Service

_Value = TypeVar("_Value")

LEADERS = frozenset(("leader", "standby_leader", "master", "primary"))
"""The roles that Patroni's ``GET /cluster`` gives to the member with the leader lock, in all of its releases."""


@dataclass(frozen=True)
class Planned:
    """One load balancer in the plan: its services, and for each cluster the SHA-256 of each planned file, by name."""

    load_balancer: str
    services: tuple[Service, ...]
    digests: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class VirtualAddress:
    """A declared virtual address of a cluster.

    It is on the host of Patroni's leader, or with ``is_shared`` on one of the dedicated load balancers.
    """

    address: str
    is_shared: bool


@dataclass(frozen=True)
class Answer:
    """The facts of one load balancer, as module ``pg_service_info`` returns them; None with the ``error``."""

    facts: Mapping[str, Any] | None
    error: str = ""
    is_reachable: bool = True


@dataclass(frozen=True)
class Place:
    """One service on one load balancer that has answered. ``facts`` are None when it has no file there."""

    load_balancer: str
    service: Service
    facts: Mapping[str, Any] | None

    @property
    def is_running(self) -> bool:
        return self.facts is not None and bool(self.facts["is_running"])

    @property
    def servers(self) -> Sequence[Mapping[str, Any]]:
        return self.facts["servers"] if self.facts else ()

    @property
    def serving(self) -> list[Mapping[str, Any]]:
        """The servers that take new connections now: a backup has its turn when no other server is usable."""
        usable = [server for server in self.servers if server["usable"]]
        active = [server for server in usable if not server["backup"]]
        if active or not usable:
            return active
        return usable if self.facts and self.facts["all_backups"] else usable[:1]

    @property
    def serves(self) -> list[str]:
        """The members behind them."""
        return list(dict.fromkeys(server["member"] for server in self.serving))


@dataclass(frozen=True)
class Known:
    """A member of the inventory with what Patroni says of it, which is empty when it says nothing."""

    member: Member
    patroni: Mapping[str, Any] = field(default_factory=dict)

    @property
    def leads(self) -> bool:
        return self.patroni.get("role") in LEADERS


@dataclass(frozen=True)
class View:
    """All that is known of one cluster.

    ``patroni`` is the answer of ``GET /cluster``, None without one, and ``patroni_error`` the reason. ``strangers`` are
    the names of members that only Patroni knows. ``digests`` has the planned files of the cluster, by load balancer.
    """

    cluster: str
    members: tuple[Known, ...]
    patroni: Mapping[str, Any] | None
    patroni_error: str
    strangers: tuple[str, ...]
    answers: Mapping[str, Answer]
    places: tuple[Place, ...]
    digests: Mapping[str, Mapping[str, str]]
    addresses: tuple[VirtualAddress, ...] = ()

    @property
    def facts(self) -> dict[str, Mapping[str, Any]]:
        """The facts of the load balancers that have answered."""
        return {host: answer.facts for host, answer in self.answers.items() if answer.facts is not None}

    @property
    def leader(self) -> Known | None:
        return next((known for known in self.members if known.leads), None)

    def by_service(self) -> dict[str, list[Place]]:
        found: dict[str, list[Place]] = {}
        for place in self.places:
            found.setdefault(place.service.service, []).append(place)
        return found


def views(
    clusters: Mapping[str, Sequence[Member]],
    planned: Iterable[Planned],
    answers: Mapping[str, Answer],
    addresses: Mapping[str, Sequence[VirtualAddress]] | None = None,
) -> list[View]:
    """A view of each cluster. A planned load balancer without an answer is one that could not be asked."""
    plans = {each.load_balancer: each for each in planned}
    services = {host: _by_cluster(plan.services, lambda service: service.cluster) for host, plan in plans.items()}
    missing = Answer(None, "it was not asked", is_reachable=False)
    own = {host: _own_answers(answers.get(host, missing), services[host]) for host in plans}
    found = (_view(cluster, members, plans, services, own) for cluster, members in clusters.items())
    return [replace(view, addresses=tuple((addresses or {}).get(view.cluster, ()))) for view in found]


def _by_cluster(values: Iterable[_Value], cluster_of: Callable[[_Value], str]) -> dict[str, list[_Value]]:
    found: dict[str, list[_Value]] = {}
    for value in values:
        found.setdefault(cluster_of(value), []).append(value)
    return found


def _own_answers(answer: Answer, clusters: Iterable[str]) -> dict[str, Answer]:
    """The answer of a load balancer for each of its clusters, with the services of this cluster alone."""
    if answer.facts is None:
        return dict.fromkeys(clusters, answer)
    services = _by_cluster(answer.facts["services"], lambda service: str(service["cluster"]))
    return {cluster: Answer({**answer.facts, "services": services.get(cluster, [])}) for cluster in clusters}


def _view(
    cluster: str,
    members: Sequence[Member],
    plans: Mapping[str, Planned],
    services: Mapping[str, Mapping[str, Sequence[Service]]],
    answers: Mapping[str, Mapping[str, Answer]],
) -> View:
    own = {host: answer[cluster] for host, answer in answers.items() if cluster in answer}
    said, error = _patroni(cluster, own.values())
    known, strangers = _matched(members, said)
    places = tuple(
        Place(host, service, _facts_of(service, answer.facts))
        for host, answer in own.items()
        if answer.facts is not None
        for service in services[host][cluster]
    )
    digests = {host: plans[host].digests.get(cluster, {}) for host in own}
    return View(cluster, known, said, error, strangers, own, places, digests)


def _facts_of(service: Service, facts: Mapping[str, Any]) -> Mapping[str, Any] | None:
    return next((each for each in facts["services"] if each["name"] == service.name and each["is_service"]), None)


def _patroni(cluster: str, answers: Iterable[Answer]) -> tuple[Mapping[str, Any] | None, str]:
    """Patroni's words by the first load balancer that got some, or why there are none."""
    errors = []
    for answer in answers:
        said = (answer.facts or {}).get("patroni", {}).get(cluster)
        if said is not None and "error" not in said:
            return said, ""
        if said is not None:
            errors.append(str(said["error"]))
    return None, errors[0] if errors else "no load balancer that asks Patroni has answered"


def _matched(members: Sequence[Member], said: Mapping[str, Any] | None) -> tuple[tuple[Known, ...], tuple[str, ...]]:
    """Members of the inventory with those of Patroni: by the address of the REST API, or else by the name.

    Patroni's names are free, and its addresses may be written in another way than in the inventory.
    """
    left = list(said["members"]) if said else []
    found: dict[str, Mapping[str, Any]] = {}
    for is_same in (_same_api, _same_name):
        for member in members:
            if member.name not in found:
                match = next((each for each in left if is_same(member, each)), None)
                if match is not None:
                    found[member.name] = match
                    left.remove(match)
    known = tuple(Known(member, found.get(member.name, {})) for member in members)
    return known, tuple(str(each.get("name")) for each in left)


def _same_api(member: Member, said: Mapping[str, Any]) -> bool:
    try:
        url = urlsplit(str(said.get("api_url")))
        where = (url.hostname, url.port)
    except ValueError:
        return False
    return where == (member.address, member.patroni_port)


def _same_name(member: Member, said: Mapping[str, Any]) -> bool:
    return said.get("name") == member.name

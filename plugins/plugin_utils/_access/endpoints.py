# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All endpoints of a cluster: host, port, and the kind of access they give (Pigsty, "Service / Access").

Only addresses where something listens are endpoints: a service that is bound to one address of a load balancer is not
listed for its other addresses, and members that delegate their services have direct ports only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ansible_collections.pgsvc.access.plugins.plugin_utils._access import promise as promises
from ansible_collections.pgsvc.access.plugins.plugin_utils._access.names import Names
from ansible_collections.pgsvc.access.plugins.plugin_utils._access.virtual_addresses import ip_address
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.cluster import Cluster
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.member import Member
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.service import Service

KINDS = ("cluster", "vip", "instance", "address", "load_balancer", "multi")
_DIRECT = (("postgres", "direct"), ("pgbouncer", "via pool"))
# pgbouncer passes on the parameters of its first server connection, such as `in_hot_standby`. After a change of roles
# it keeps the old values until a RECONNECT (observed with 1.18).
_STALE = " (a pool may report an outdated role)"
_ANY_IPV4 = frozenset({"*", "0.0.0.0", "::"})
_ANY_IPV6 = frozenset({"::"})


@dataclass(frozen=True)
class Endpoint:
    """One way to connect.

    ``hosts`` are (host, port), more than one for ``multi``; ``name`` is the cluster, instance or load balancer, also if
    the host is an address. ``service`` is a service or, if ``direct``, postgres or pgbouncer. ``target_session_attrs``
    is the parameter of libpq, or empty. ``path`` lists the hops from the client to PostgreSQL.
    """

    cluster: str
    kind: str
    name: str
    hosts: tuple[tuple[str, int], ...]
    service: str
    direct: bool
    access: str
    promise: str
    path: tuple[str, ...]
    target_session_attrs: str = ""

    @property
    def label(self) -> str:
        """A unique name within the cluster, such as ``pg-test-primary`` or ``pg-test-1-address-replica``."""
        infix = {"vip": "-vip", "address": "-address", "load_balancer": "-lb", "multi": "-multi"}.get(self.kind, "")
        who = f"{infix}-{self.name}" if self.kind == "load_balancer" else infix
        stem = self.name if self.kind in ("instance", "address") else self.cluster
        return "-".join(word for word in (f"{stem}{who}", self.service, self.target_session_attrs) if word)


@dataclass(frozen=True)
class Balancer:
    """A load balancer of the cluster: its address and the services that it carries.

    ``name`` is the member's if it is one, and otherwise the host's, as the inventory has it. ``checks`` has the path of
    each health check that the services share, by the name of its backend.
    """

    name: str
    address: str
    services: tuple[Service, ...]
    checks: Mapping[str, str]
    host: str = ""

    def service(self, name: str) -> Service | None:
        return next((service for service in self.services if service.service == name), None)


@dataclass(frozen=True)
class Access:
    """A cluster with its load balancers, names and virtual addresses, which are empty if there is none.

    ``names`` is None if no DNS node serves them. ``vip`` is on the primary, ``balancer_vip`` on one of the dedicated
    load balancers.
    """

    cluster: Cluster
    balancers: tuple[Balancer, ...]
    names: Names | None
    vip: str
    balancer_vip: str = ""

    @property
    def members(self) -> tuple[Member, ...]:
        return self.cluster.members

    @property
    def primary(self) -> Member | None:
        """The member declared as primary, or the first member."""
        primaries = [member for member in self.members if member.role == "primary"]
        return next(iter([*primaries, *self.members]), None)


def endpoints_of(access: Access) -> list[Endpoint]:
    """All endpoints of a cluster, kinds in the order of `KINDS`."""
    found = [
        *_by_cluster_name(access),
        *_by_vip(access, access.vip, "vip", ("VIP",)),
        *_by_balancer_vip(access),
        *_by_instance_name(access),
        *_by_address(access),
        *_by_other_address(access),
        *_by_load_balancer(access),
        *_multi(access),
    ]
    return sorted(found, key=lambda endpoint: KINDS.index(endpoint.kind))


def _by_cluster_name(access: Access) -> Iterator[Endpoint]:
    names, primary = access.names, access.primary
    if names is None or not names.address or primary is None:
        return
    if names.target == "vip":
        yield from _by_vip(access, names.name, "cluster", ("DNS", "VIP"))
        return
    known = {member.address: member for member in access.members}
    member = primary if names.target == "primary" else known.get(names.address)
    carrier = next((one for one in access.balancers if one.address == names.address), None)
    if carrier is None and member is None and names.target == "address" and access.balancers:
        # An address that is not in the inventory is assumed to be in front of the load balancers.
        carrier = access.balancers[0]
        yield from _services(access, "cluster", access.cluster.name, names.name, "", carrier, ("DNS", names.address))
        return
    if carrier is not None:
        yield from _services(access, "cluster", access.cluster.name, names.name, names.address, carrier, ("DNS",))
    if member is not None:
        yield from _direct(access, "cluster", access.cluster.name, names.name, member, ("DNS",))


def _by_vip(access: Access, host: str, kind: str, path: tuple[str, ...]) -> Iterator[Endpoint]:
    """The virtual address can move to any member, and all members carry the same services."""
    primary = access.primary
    if not access.vip or primary is None:
        return
    name = access.cluster.name
    if not access.cluster.provider and access.balancers:
        carriers = [one for one in access.balancers if one.name == primary.name]
        yield from _services(access, kind, name, host, access.vip, (carriers or access.balancers)[0], path)
    for service, how in _DIRECT:
        yield Endpoint(
            cluster=name,
            kind=kind,
            name=name,
            hosts=((host, _port(primary, service)),),
            service=service,
            direct=True,
            access=promises.READ_WRITE,
            promise=f"read-write on the primary, {how}",
            path=(*path, *_stations(service)),
        )


def _by_balancer_vip(access: Access) -> Iterator[Endpoint]:
    """The virtual address can move to any dedicated load balancer, so it has the services that all of them carry."""
    vip = access.balancer_vip
    if not vip or not access.balancers:
        return
    first, *others = access.balancers
    common = tuple(
        service
        for service in first.services
        if all(
            (found := other.service(service.service)) is not None
            and found.port == service.port
            and reachable(vip, found.ip)
            for other in others
        )
    )
    carrier = Balancer(first.name, vip, common, first.checks)
    yield from _services(access, "vip", access.cluster.name, vip, vip, carrier, ("VIP",))


def _by_instance_name(access: Access) -> Iterator[Endpoint]:
    for member in access.members if access.names is not None else ():
        yield from _by_member(access, member, "instance", member.name.lower(), ("DNS",))


def _by_address(access: Access) -> Iterator[Endpoint]:
    for member in access.members:
        yield from _by_member(access, member, "address", member.address, ())


def _by_other_address(access: Access) -> Iterator[Endpoint]:
    """Services that a load balancer binds to an address which is neither its own nor the virtual one."""
    known = {
        access.vip,
        access.balancer_vip,
        *(member.address for member in access.members),
        *(one.address for one in access.balancers),
    }
    seen: set[tuple[str, int]] = set()
    for one in access.balancers:
        for service in one.services:
            for address in service.ip:
                if address in known or address in _ANY_IPV4 or (address, service.port) in seen:
                    continue
                seen.add((address, service.port))
                carrier = Balancer(one.name, address, (service,), one.checks)
                yield from _services(access, "address", address, address, address, carrier, ())


def _by_member(access: Access, member: Member, kind: str, host: str, path: tuple[str, ...]) -> Iterator[Endpoint]:
    carrier = next((one for one in access.balancers if one.name == member.name), None)
    if carrier is not None:
        yield from _services(access, kind, member.name, host, member.address, carrier, path)
    yield from _direct(access, kind, member.name, host, member, path)


def _by_load_balancer(access: Access) -> Iterator[Endpoint]:
    if access.cluster.provider:
        for one in access.balancers:
            yield from _services(access, "load_balancer", one.name, one.address, one.address, one, ())


def _services(
    access: Access, kind: str, name: str, host: str, address: str, carrier: Balancer, path: tuple[str, ...]
) -> Iterator[Endpoint]:
    for service in carrier.services:
        if reachable(address, service.ip):
            promise = promises.of_service(service, access.members, carrier.checks)
            yield Endpoint(
                cluster=access.cluster.name,
                kind=kind,
                name=name,
                hosts=((host, service.port),),
                service=service.service,
                direct=False,
                access=promise.access,
                promise=promise.text,
                path=(*path, *_service_stations(service, access.members)),
            )


def _direct(
    access: Access, kind: str, name: str, host: str, member: Member, path: tuple[str, ...]
) -> Iterator[Endpoint]:
    for service, how in _DIRECT:
        itself = f"{member.name} itself, {how}"
        yield Endpoint(
            cluster=access.cluster.name,
            kind=kind,
            name=name,
            hosts=((host, _port(member, service)),),
            service=service,
            direct=True,
            access=promises.ANY,
            promise=f"{itself} (does not follow the primary)" if kind == "cluster" else itself,
            path=(*path, *_stations(service)),
        )


def _multi(access: Access) -> Iterator[Endpoint]:
    """Several hosts in one URL, which the client tries in turn (libpq 34.1.1.3)."""
    yield from _multi_services(access)
    if len(access.members) < 2:
        return
    for service, how in _DIRECT:
        until = _STALE if service == "pgbouncer" else ""
        hosts = tuple((member.address, _port(member, service)) for member in access.members)
        for attribute, permission, promise in (
            ("primary", promises.READ_WRITE, f"read-write on the primary, {how}{until}"),
            ("prefer-standby", promises.READ_ONLY, f"read-only on a standby, else the primary, {how}{until}"),
        ):
            yield Endpoint(
                cluster=access.cluster.name,
                kind="multi",
                name=access.cluster.name,
                hosts=hosts,
                service=service,
                direct=True,
                access=permission,
                promise=promise,
                path=("the client asks each", *_stations(service)),
                target_session_attrs=attribute,
            )


def _multi_services(access: Access) -> Iterator[Endpoint]:
    names = dict.fromkeys(service.service for one in access.balancers for service in one.services)
    for name in names:
        found = [(one, one.service(name)) for one in access.balancers]
        carriers = [(one, service) for one, service in found if service and reachable(one.address, service.ip)]
        if len(carriers) > 1:
            first, service = carriers[0]
            promise = promises.of_service(service, access.members, first.checks)
            yield Endpoint(
                cluster=access.cluster.name,
                kind="multi",
                name=access.cluster.name,
                hosts=tuple((one.address, service.port) for one, service in carriers),
                service=name,
                direct=False,
                access=promise.access,
                promise=promise.text,
                path=("the first that answers", *_service_stations(service, access.members)),
            )


def reachable(address: str, listening: Iterable[str]) -> bool:
    """Whether a listener on these addresses accepts connections to ``address``; True for a host name or "".

    HAProxy's ``*`` is every IPv4 address, ``::`` every address of both families (manual 4.2, "bind").
    """
    found = ip_address(address)
    words = set(listening)
    if found is None:
        return True
    return str(found) in words or not words.isdisjoint(_ANY_IPV4 if found.version == 4 else _ANY_IPV6)


def _port(member: Member, service: str) -> int:
    return member.pg_port if service == "postgres" else member.pgbouncer_port


def _stations(service: str) -> tuple[str, ...]:
    return ("PostgreSQL",) if service == "postgres" else ("pool", "PostgreSQL")


def _service_stations(service: Service, members: Iterable[Member]) -> tuple[str, ...]:
    return ("HAProxy", *(("pool",) if promises.via(service, members) == "via pool" else ()), "PostgreSQL")

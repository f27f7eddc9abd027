# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The virtual address of a group of dedicated load balancers, bound by keepalived on one of them (VRRP, RFC 5798).

The variables have the names and defaults of Pigsty's node VIP. keepalived elects the host with the highest priority. It
is the sum of the host's rank and of the weights of the checks that pass (``WEIGHTS``): a host with a service that can
serve outranks hosts that have none, then comes a host whose services can all serve, then the host that has the address,
then the rank.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.pgsvc.access.plugins.plugin_utils._access.endpoints import reachable
from ansible_collections.pgsvc.access.plugins.plugin_utils._access.virtual_addresses import (
    AUTO,
    VipReader,
    interface_name,
    ip_address,
)
from ansible_collections.pgsvc.access.plugins.plugin_utils._input import values
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.cluster_settings import ClusterSettings, Setting
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.inventory import Inventory
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import (
    Code,
    Report,
    ValueProblem,
    listed,
    not_allowed,
)
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.load_balancer import LoadBalancerReader

Interface = ipaddress.IPv4Interface | ipaddress.IPv6Interface
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

MASTER, BACKUP = "master", "backup"
#: What a passed check adds to the priority. Each is more than everything below it together, and all are at most 254.
WEIGHTS = {"some": 120, "all": 60, "holds": 30}
MOST_HOSTS = WEIGHTS["holds"]
# Seconds between two advertisements; a host is lost after three of them. VRRP 2 has whole seconds only.
_INTERVALS = {2: 1, 3: 0.5}
_LONGEST_PASSWORD = 8
# The subnets that virtual router IDs are compared in, where an address has no prefix length.
_USUAL_PREFIX = {4: 24, 6: 64}
_ALLOWED = "an IPv4 or IPv6 address that a host can use, such as 10.10.10.99 or 10.10.10.99/24"


@dataclass(frozen=True)
class BalancerHost:
    """One load balancer: where it sends VRRP from, the interface of the address (or ``auto``), and its rank."""

    host: str
    source: str
    interface: str
    rank: int
    stats_socket: str


@dataclass(frozen=True)
class BalancerVip:
    """The virtual address of a group of load balancers.

    ``preempt`` is false if the address stays where it is when a host of a higher rank returns. ``authenticated`` is
    true if there is a password, which is not here.
    """

    group: str
    address: str
    prefix: int
    vrid: int
    preempt: bool
    authenticated: bool
    hosts: tuple[BalancerHost, ...]

    def to_dict(self) -> dict[str, Any]:
        """The settings of keepalived by host, without the password."""
        version = 2 if self.authenticated else 3
        checks = [name for name in WEIGHTS if name != "holds" or not self.preempt]
        return {
            each.host: {
                "group": self.group,
                "ip": self.address,
                "prefix": self.prefix,
                "interface": each.interface,
                "vrid": self.vrid,
                "priority": each.rank,
                "weights": {name: WEIGHTS[name] for name in checks},
                "version": version,
                "interval": _INTERVALS[version],
                "source": each.source,
                "peers": [other.source for other in self.hosts if other is not each],
                "stats_socket": each.stats_socket,
            }
            for each in self.hosts
        }


def address(value: Any) -> Interface:
    """Parse ``10.10.10.99``, ``10.10.10.99/24``, ``fd00::99`` or ``fd00::99/64``."""
    word = values.text(value, "an address").strip()
    try:
        found = ipaddress.ip_interface("" if "%" in word else word)
    except ValueError:
        raise not_allowed(value, "an address", _ALLOWED) from None
    ip, network = found.ip, found.network
    special = ip.is_loopback or ip.is_multicast or ip.is_unspecified or ip.is_reserved or ip.is_link_local
    edge = network.num_addresses > 2 and ip in (network.network_address, network.broadcast_address)
    if special or edge or network.prefixlen == 0:
        raise not_allowed(value, "an address", _ALLOWED)
    return found


def _role(value: Any) -> str:
    word = values.text(value, "a role").strip().lower()
    if word not in (MASTER, BACKUP):
        raise not_allowed(value, "a role in VRRP", f"{MASTER} or {BACKUP}")
    return word


def _source(value: Any) -> Address:
    found = ip_address(values.text(value, "an address").strip())
    if found is None or found.is_unspecified or found.is_multicast:
        raise not_allowed(value, "an address of the host", "an IPv4 or an IPv6 address")
    return found


def password(value: Any) -> str:
    """A password for VRRP 2, which has 8 bytes of it. It is never shown."""
    word = values.secret(value)
    if len(word) > _LONGEST_PASSWORD or not word.isascii() or not all(char.isalnum() or char in "_.-" for char in word):
        raise ValueProblem(
            f"the value (not shown) is not a password for VRRP; allowed: up to {_LONGEST_PASSWORD} letters, digits and "
            "_.-",
            "not-allowed",
        )
    return word


#: Variables that the hosts of a group have to agree on.
SETTINGS: dict[str, Setting] = {
    "vip_address": Setting(address),
    "vip_vrid": Setting(lambda value: values.integer(value, (1, 254), "a virtual router ID")),
    "vip_preempt": Setting(values.boolean, False),
    "vip_auth_pass": Setting(password, "", secret=True),
}
ENABLED: dict[str, Setting] = {"vip_enabled": Setting(values.boolean, False)}
#: Variables that may differ between the hosts of a group.
OF_HOST: dict[str, Setting] = {
    "vip_role": Setting(_role, BACKUP),
    "vip_interface": Setting(interface_name, AUTO),
    "lb_vip_priority": Setting(lambda value: values.integer(value, (1, 254), "a priority")),
    "lb_vip_source": Setting(_source),
}


class BalancerVipReader:
    """Reads the virtual addresses of groups of load balancers and checks them against all others in the inventory."""

    def __init__(
        self, inventory: Inventory, report: Report, balancers: LoadBalancerReader, hosts_of: Mapping[str, Sequence[str]]
    ) -> None:
        self._inventory = inventory
        self._report = report
        self._balancers = balancers
        self._hosts_of = hosts_of

    def read_all(self, groups: Iterable[str]) -> list[BalancerVip]:
        """The virtual addresses of these groups. Groups with the same hosts have the same address."""
        known: dict[frozenset[str], str] = {}
        for group in groups:
            known.setdefault(frozenset(self._hosts(group)), group)
        found = [self.read(group) for group in known.values()]
        return [vip for vip in found if vip is not None]

    def read(self, group: str) -> BalancerVip | None:
        """Read and check the virtual address of a group; None if it has none, or mistakes, which are reported."""
        hosts = self._hosts(group)
        if not hosts:
            return None
        settings = ClusterSettings(self._inventory, self._report, group, hosts)
        if not settings.read(ENABLED)["vip_enabled"]:
            return None
        earlier = len(self._report.problems)
        parsed = settings.read(SETTINGS)
        of_hosts = {host: {name: settings.of_host(host, name, OF_HOST[name]) for name in OF_HOST} for host in hosts}
        for name in ("vip_address", "vip_vrid"):
            if self._inventory.value(hosts[0], name) in (None, ""):
                self._problem(group, "missing, and vip_enabled is true", name, "missing")
        ranks = self._ranks(group, of_hosts)
        vip: Interface | None = parsed["vip_address"]
        if vip is None:
            return None
        sources = self._sources(group, vip, of_hosts)
        self._check_taken(group, vip)
        self._check_vrid(group, vip, parsed["vip_vrid"])
        self._warn(group, vip, hosts)
        if len(self._report.problems) > earlier:
            return None
        return BalancerVip(
            group=group,
            address=str(vip.ip),
            prefix=vip.network.prefixlen,
            vrid=parsed["vip_vrid"],
            preempt=parsed["vip_preempt"],
            authenticated=bool(parsed["vip_auth_pass"]),
            hosts=tuple(
                BalancerHost(
                    host=host,
                    source=str(sources[host]),
                    interface=of_hosts[host]["vip_interface"],
                    rank=ranks[host],
                    stats_socket=self._balancers.read(host).stats_socket or "",
                )
                for host in hosts
            ),
        )

    def _hosts(self, group: str) -> list[str]:
        return [host for host in self._inventory.groups.get(group, ()) if self._balancers.enabled(host)]

    def _ranks(self, group: str, of_hosts: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
        """The rank of each host, the highest for the one that the address is on first."""
        masters = [host for host, settings in of_hosts.items() if settings["vip_role"] == MASTER]
        if len(masters) > 1:
            said = f"{MASTER} on hosts {listed(masters)}; allowed: {MASTER} on one host, {BACKUP} on the others"
            self._problem(group, said, "vip_role", "clash", MASTER)
        if len(of_hosts) > MOST_HOSTS:
            said = f"the group has {len(of_hosts)} hosts; allowed: up to {MOST_HOSTS} hosts with one virtual address"
            self._problem(group, said, "vip_enabled", "not-allowed", len(of_hosts))
        priorities = {host: settings["lb_vip_priority"] for host, settings in of_hosts.items()}
        if any(self._inventory.has(host, "lb_vip_priority") for host in of_hosts):
            self._check_priorities(group, priorities, masters)
            ordered = sorted(of_hosts, key=lambda host: -(priorities[host] or 0))
        else:
            ordered = sorted(of_hosts, key=lambda host: host not in masters)
        return {host: len(ordered) - place for place, host in enumerate(ordered)}

    def _check_priorities(self, group: str, priorities: Mapping[str, int | None], masters: Sequence[str]) -> None:
        first: dict[int, str] = {}
        for host, priority in priorities.items():
            if not self._inventory.has(host, "lb_vip_priority"):
                said = f"missing on host {host}, other hosts of the group have one; allowed: all hosts, or none"
                self._problem(group, said, "lb_vip_priority", "missing")
            elif priority is not None and priority in first:
                said = f"{priority} on hosts {first[priority]} and {host}; allowed: each priority once"
                self._problem(group, said, "lb_vip_priority", "clash", priority)
            elif priority is not None:
                first[priority] = host
        highest = first[max(first)] if first else None
        if len(masters) == 1 and highest not in (None, masters[0]):
            said = f"{MASTER} on host {masters[0]}, but {highest} has the highest lb_vip_priority; allowed: one of both"
            self._problem(group, said, "vip_role", "conflict", MASTER)

    def _sources(
        self, group: str, vip: Interface, of_hosts: Mapping[str, Mapping[str, Any]]
    ) -> dict[str, Address | None]:
        found = {host: settings["lb_vip_source"] or self._own(host, vip) for host, settings in of_hosts.items()}
        has_subnet = vip.network.num_addresses > 1
        users: dict[Address, str] = {}
        for host, source in found.items():
            if source is None:
                if self._inventory.has(host, "lb_vip_source"):
                    continue  # a mistake that is already reported
                said = (
                    f"no IPv{vip.version} address of host {host} is in the inventory, and VRRP needs one for {vip.ip}"
                )
                self._problem(group, f"{said}; allowed: an address of the host", "lb_vip_source", "missing")
            elif source.version != vip.version:
                said = f"{source} of host {host} is not an IPv{vip.version} address, as {vip.ip} is"
                self._problem(group, f"{said}; allowed: one of this kind", "lb_vip_source", "conflict", str(source))
            elif has_subnet and source not in vip.network:
                said = (
                    f"{vip} is in the subnet {vip.network}, host {host} ({source}) is not; allowed: an address of the"
                )
                self._problem(group, f"{said} subnet that all hosts are in", "vip_address", "conflict", str(vip))
            elif source in users:
                said = f"{source} is the address of hosts {users[source]} and {host}; allowed: each address once"
                self._problem(group, said, "lb_vip_source", "clash", str(source))
            else:
                users[source] = host
        return found

    def _own(self, host: str, vip: Interface) -> Address | None:
        names = (host, *self._inventory.values(host, ("pg_address", "ansible_host")).values())
        own = (found for found in map(ip_address, names) if found is not None)
        return next((found for found in own if found.version == vip.version), None)

    def _check_taken(self, group: str, vip: Interface) -> None:
        for host in self._inventory.hosts:
            names = (host, *self._inventory.values(host, ("pg_address", "ansible_host")).values())
            if any(ip_address(name) == vip.ip for name in names):
                self._taken(group, vip, f"the address of host {host}")
        clusters = VipReader(self._inventory, Report(), self._hosts_of)
        for cluster in self._hosts_of:
            found = clusters.address(cluster)
            if found is not None and found.ip == vip.ip:
                self._taken(group, vip, f"the virtual address of cluster {cluster}")
        for host, other, _vrid in self._others(group):
            if other.ip == vip.ip:
                self._taken(group, vip, f"the virtual address of host {host}, which is not in the group")

    def _taken(self, group: str, vip: Interface, user: str) -> None:
        self._problem(group, f"{vip.ip} is {user}; allowed: an unused address", "vip_address", "clash", str(vip))

    def _check_vrid(self, group: str, vip: Interface, vrid: int | None) -> None:
        for host, other, theirs in self._others(group):
            if vrid is not None and theirs == vrid and other.ip != vip.ip and _network(other).overlaps(_network(vip)):
                said = f"{vrid} is the virtual router ID of {other.ip} on host {host}, in the same network"
                self._problem(group, f"{said}; allowed: each ID once in a network", "vip_vrid", "clash", vrid)
                return

    def _others(self, group: str) -> Iterator[tuple[str, Interface, int | None]]:
        """Each host outside of the group that has a node VIP, with it and its ID. Mistakes are not reported here."""
        own = frozenset(self._inventory.groups[group])
        for host in self._inventory.hosts:
            if host in own or not self._inventory.has(host, "vip_enabled"):
                continue
            settings = ClusterSettings(self._inventory, Report(), host, [host])
            if not settings.read(ENABLED)["vip_enabled"]:
                continue
            found = settings.read(SETTINGS)
            if found["vip_address"] is not None:
                yield host, found["vip_address"], found["vip_vrid"]

    def _warn(self, group: str, vip: Interface, hosts: Sequence[str]) -> None:
        if len(hosts) == 1:
            said = f"{hosts[0]} is the only host of the group, so the address {vip.ip} cannot move"
            self._report.warning(group, said, field="vip_enabled", code="empty", value=hosts[0])
        for host in hosts:
            listens = self._balancers.read(host).ip
            if not reachable(str(vip.ip), listens):
                said = f"services on host {host} listen on {listed(listens)} by default, and not on {vip.ip}"
                self._report.warning(group, said, field="pg_service_ip", code="conflict", value=listed(listens))

    def _problem(self, group: str, message: str, field: str, code: Code, value: Any = None) -> None:
        self._report.problem(group, message, field=field, code=code, value=value)


def _network(vip: Interface) -> Any:
    """The subnet of a virtual address; the usual one if it has no prefix length."""
    if vip.network.num_addresses > 1:
        return vip.network
    return ipaddress.ip_network(f"{vip.ip}/{_USUAL_PREFIX[vip.version]}", strict=False)

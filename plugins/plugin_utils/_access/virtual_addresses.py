# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The virtual address of a cluster, bound by vip-manager on the host of Patroni's leader (Pigsty, "Service / Access").

Debian 12 and 13 package vip-manager 1.0.2. It reads Patroni's key ``/<namespace>/<scope>/leader`` through etcd's
API version 2 or from Consul. It announces IPv4 addresses only: after an IPv6 address has moved, other hosts would send
to the old node until their caches expire.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.pgsvc.access.plugins.plugin_utils._input import values
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.cluster_settings import ClusterSettings, Setting
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.inventory import Inventory
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import (
    Report,
    ValueProblem,
    listed,
    not_allowed,
    shown,
)
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.member import Member

AUTO = "auto"
_DCS_TYPES = ("etcd", "consul")
_DCS_PORTS = {"etcd": 2379, "consul": 8500}
_FAMILIES = {4: "inet", 6: "inet6"}  # as `ip -json address show` names them
# An interface name that Linux allows (dev_valid_name), without the characters that are special to YAML or a shell.
_INTERFACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,14}", re.ASCII)
_ENDPOINT = re.compile(r"https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(:[0-9]{1,5})?/?", re.ASCII)
_NAMESPACE = re.compile(r"/?[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*/?", re.ASCII)

# Pigsty's default, which stands for an address that has not been set.
_UNSET_ADDRESS = "127.0.0.1/24"


@dataclass(frozen=True)
class Vip:
    """The virtual address of a cluster and the settings of vip-manager on each member.

    ``interface`` maps each host to its interface (``auto``: found on the host), ``member_names`` to its Patroni name.
    """

    cluster: str
    address: str
    prefix: int
    interface: dict[str, str]
    member_names: dict[str, str]
    trigger_key: str
    settings: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """The configuration of vip-manager by host, without secrets."""
        common = {
            "ip": self.address,
            "netmask": self.prefix,
            "trigger-key": self.trigger_key,
            "dcs-type": self.settings["pg_vip_dcs_type"],
            "dcs-endpoints": list(self.settings["pg_vip_dcs_endpoints"]),
            "interval": self.settings["pg_vip_interval"],
        }
        common.update({key: self.settings[variable] for key, variable in _ETCD.items() if self.settings[variable]})
        return {
            host: {**common, "interface": interface, "trigger-value": self.member_names[host]}
            for host, interface in self.interface.items()
        }


def vip_address(value: Any) -> ipaddress.IPv4Interface:
    """Parse an IPv4 address with the mask of its subnet, such as ``10.10.10.3/24``."""
    word = values.text(value, "an address").strip()
    allowed = "an IPv4 address with the mask of its subnet, such as 10.10.10.3/24"
    if _is_ipv6(word):
        raise ValueProblem(
            f"{shown(value)} is an IPv6 address, and vip-manager announces only IPv4 addresses when they move; "
            f"allowed: {allowed}",
            "not-allowed",
            value,
        )
    if "/" not in word:
        raise ValueProblem(f"{shown(value)} has no mask; allowed: {allowed}", "not-allowed", value)
    try:
        found = ipaddress.IPv4Interface(word)
    except ValueError:
        raise not_allowed(value, "an address with a mask", allowed) from None
    edge = found.network.prefixlen < 31 and found.ip in (found.network.network_address, found.network.broadcast_address)
    special = found.ip.is_loopback or found.ip.is_multicast or found.ip.is_unspecified or found.ip.is_reserved
    if edge or special or found.network.prefixlen == 0:
        raise not_allowed(value, "an address that a host can use", allowed)
    return found


def _is_ipv6(word: str) -> bool:
    return isinstance(ip_address(word.partition("/")[0]), ipaddress.IPv6Address)


def interface_name(value: Any) -> str:
    word = values.text(value, "an interface").strip()
    if not _INTERFACE.fullmatch(word):
        raise not_allowed(value, "an interface", "auto, or the name of a network interface, up to 15 characters")
    return word


def _endpoints(value: Any) -> tuple[str, ...]:
    words = values.word_list(value, "an endpoint")
    for word in words:
        if not _ENDPOINT.fullmatch(word):
            raise not_allowed(word, "an endpoint", "http:// or https://, an address or a name, and a port")
    return tuple(dict.fromkeys(words))


def _namespace(value: Any) -> str:
    word = values.text(value, "a namespace").strip()
    if not _NAMESPACE.fullmatch(word):
        raise not_allowed(value, "a namespace", "the namespace of Patroni's configuration, such as /pg or /service")
    return word.strip("/")


def _dcs_type(value: Any) -> str:
    if value not in _DCS_TYPES:
        raise not_allowed(value, "a store that vip-manager supports", listed(_DCS_TYPES))
    return str(value)


def _file(value: Any) -> str:
    return values.path(value, "a path") if value != "" else ""


ENABLED: dict[str, Setting] = {"pg_vip_enabled": Setting(values.boolean, False)}
ADDRESS: dict[str, Setting] = {"pg_vip_address": Setting(vip_address)}
SETTINGS: dict[str, Setting] = {
    "pg_namespace": Setting(_namespace, "pg"),
    "pg_vip_dcs_type": Setting(_dcs_type, "etcd"),
    "pg_vip_dcs_endpoints": Setting(_endpoints, ()),
    "pg_vip_interval": Setting(lambda value: values.integer(value, (100, 60_000), "a number of milliseconds"), 1000),
    "pg_vip_etcd_user": Setting(values.secret, ""),
    "pg_vip_etcd_password": Setting(values.secret, "", secret=True),
    "pg_vip_consul_token": Setting(values.secret, "", secret=True),
    "pg_vip_etcd_ca_file": Setting(_file, ""),
    "pg_vip_etcd_cert_file": Setting(_file, ""),
    "pg_vip_etcd_key_file": Setting(_file, ""),
}
INTERFACE = Setting(interface_name, AUTO)
_ETCD = {
    "etcd-user": "pg_vip_etcd_user",
    "etcd-ca-file": "pg_vip_etcd_ca_file",
    "etcd-cert-file": "pg_vip_etcd_cert_file",
    "etcd-key-file": "pg_vip_etcd_key_file",
}


class VipReader:
    """Reads the virtual addresses of the clusters and checks them against all other addresses in the inventory."""

    def __init__(self, inventory: Inventory, report: Report, hosts_of: Mapping[str, Sequence[str]]) -> None:
        self._inventory = inventory
        self._report = report
        self._hosts_of = hosts_of
        self._users: dict[Any, list[tuple[str, str]]] | None = None

    def address(self, cluster: str) -> ipaddress.IPv4Interface | None:
        """The virtual address of a cluster; None if it has none or an invalid one, which is reported."""
        settings = ClusterSettings(self._inventory, self._report, cluster, self._hosts_of[cluster])
        if not settings.read(ENABLED)["pg_vip_enabled"]:
            return None
        if self._inventory.value(self._hosts_of[cluster][0], "pg_vip_address") in (None, "", _UNSET_ADDRESS):
            self._report.problem(
                cluster,
                "missing, and pg_vip_enabled is true; a virtual address has a mask, such as 10.10.10.3/24",
                field="pg_vip_address",
                code="missing",
            )
            return None
        found: ipaddress.IPv4Interface | None = settings.read(ADDRESS)["pg_vip_address"]
        return found

    def read(self, cluster: str, members: Sequence[Member]) -> Vip | None:
        """Read and check the virtual address of a cluster and the settings of vip-manager on each member."""
        address = self.address(cluster)
        if address is None:
            return None
        self._check_subnet(cluster, address, members)
        self._check_taken(cluster, address)
        settings = ClusterSettings(self._inventory, self._report, cluster, self._hosts_of[cluster])
        parsed = settings.read(SETTINGS)
        self._check_credentials(cluster, parsed)
        if not parsed["pg_vip_dcs_endpoints"]:
            parsed["pg_vip_dcs_endpoints"] = self._default_endpoints(parsed)
        return Vip(
            cluster=cluster,
            address=str(address.ip),
            prefix=address.network.prefixlen,
            interface={member.host: settings.of_host(member.host, "pg_vip_interface", INTERFACE) for member in members},
            member_names={member.host: member.name for member in members},
            trigger_key=f"/{parsed['pg_namespace']}/{cluster}/leader",
            settings=parsed,
        )

    def _check_subnet(self, cluster: str, address: ipaddress.IPv4Interface, members: Iterable[Member]) -> None:
        for member in members:
            found = ip_address(member.address)
            if found is not None and found not in address.network:
                self._report.problem(
                    cluster,
                    f"{address} is in the subnet {address.network}, instance {member.name} ({found}) is not; allowed:"
                    " an address of the subnet that all members are in",
                    field="pg_vip_address",
                    code="conflict",
                    value=str(address),
                )

    def _check_taken(self, cluster: str, address: ipaddress.IPv4Interface) -> None:
        if self._users is None:
            self._users = self._find_users()
        for owner, user in self._users.get(address.ip, ()):
            if owner != cluster:
                self._taken(cluster, address, user)

    def _find_users(self) -> dict[Any, list[tuple[str, str]]]:
        """What uses each address: (the cluster if it is its virtual address, or "", and the user in words)."""
        found: dict[Any, list[tuple[str, str]]] = {}
        for host in self._inventory.hosts:
            names = (host, *self._inventory.values(host, ("pg_address", "ansible_host")).values())
            for address in dict.fromkeys(map(ip_address, names)):
                if address is not None:
                    found.setdefault(address, []).append(("", f"the address of host {host}"))
        reader = VipReader(self._inventory, Report(), self._hosts_of)  # each cluster's problems are reported with it
        for cluster in self._hosts_of:
            vip = reader.address(cluster)
            if vip is not None:
                found.setdefault(vip.ip, []).append((cluster, f"the virtual address of cluster {cluster}"))
        return found

    def _taken(self, cluster: str, address: ipaddress.IPv4Interface, user: str) -> None:
        self._report.problem(
            cluster,
            f"{address.ip} is {user}; allowed: an unused address",
            field="pg_vip_address",
            code="clash",
            value=str(address),
        )

    def _check_credentials(self, cluster: str, parsed: Mapping[str, Any]) -> None:
        for variable, needed in (
            ("pg_vip_etcd_password", "pg_vip_etcd_user"),
            ("pg_vip_etcd_cert_file", "pg_vip_etcd_key_file"),
            ("pg_vip_etcd_key_file", "pg_vip_etcd_cert_file"),
            ("pg_vip_etcd_cert_file", "pg_vip_etcd_ca_file"),
        ):
            if parsed[variable] and not parsed[needed]:
                self._report.problem(cluster, f"missing; {variable} needs it", field=needed, code="missing")

    def _default_endpoints(self, parsed: Mapping[str, Any]) -> tuple[str, ...]:
        """The hosts of Pigsty's group ``etcd`` (or ``consul``), or localhost if the group is empty."""
        kind = parsed["pg_vip_dcs_type"]
        scheme = "https" if parsed["pg_vip_etcd_ca_file"] else "http"
        hosts = self._inventory.groups.get(kind) or ["127.0.0.1"]
        return tuple(f"{scheme}://{values.with_port(host, _DCS_PORTS[kind])}" for host in hosts)


def ip_address(value: Any) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Parse an address; None if the value is a name."""
    try:
        return ipaddress.ip_address(str(value))
    except ValueError:
        return None


def interface_of(
    addresses: Iterable[Mapping[str, Any]],
    address: str,
    prefix: int,
    wanted: str = AUTO,
    variable: str = "pg_vip_interface",
) -> str:
    """The interface for a virtual address, from the output of ``ip -json address show``. Raises ValueProblem.

    ``wanted`` must exist; with ``auto`` it is the one in the subnet of the address. The virtual address itself is
    ignored, since it may be bound on the wrong interface. ``variable`` is named in messages.
    """
    links = list(addresses)
    if wanted != AUTO:
        names = [str(link["ifname"]) for link in links]
        if wanted not in names:
            raise not_allowed(wanted, "an interface of this host", listed(names))
        return interface_name(wanted)
    vip = ipaddress.ip_interface(f"{address}/{prefix}")
    seen: list[str] = []
    found: list[str] = []
    for link in links:
        for info in link.get("addr_info", ()):
            if info.get("family") != _FAMILIES[vip.version] or info.get("local") == str(vip.ip):
                continue
            own = ipaddress.ip_interface(f"{info['local']}/{info['prefixlen']}")
            if own.version == 6 and own.is_link_local:
                continue
            seen.append(f"{link['ifname']} ({own})")
            if vip.ip in own.network:
                found.append(str(link["ifname"]))
    names = list(dict.fromkeys(found))
    if len(names) != 1:
        what = f"interfaces {listed(names)} are" if names else "no interface is"
        raise ValueProblem(
            f"{what} in the subnet of {vip}; there are {listed(seen)}; allowed: {variable} with the name of one",
            "undecided",
            str(vip),
        )
    return interface_name(names[0])

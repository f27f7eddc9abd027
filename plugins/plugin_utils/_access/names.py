# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The DNS names of clusters and instances, and their addresses (Pigsty, "Service / Access").

As in Pigsty, the name of a cluster is ``<pg_cluster><pg_dns_suffix>``, and the name of an instance is
``<pg_cluster>-<pg_seq>`` without the suffix.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.pgsvc.access.plugins.plugin_utils._access.virtual_addresses import ip_address
from ansible_collections.pgsvc.access.plugins.plugin_utils._input import values
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.cluster_settings import ClusterSettings, Setting
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.inventory import Inventory
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import Report, not_allowed, shown
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.member import Member

TARGETS = ("auto", "primary", "vip", "none")
_SUFFIX = re.compile(r"(\.?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*)?", re.ASCII)
# RFC 1035 2.3.4: a label has up to 63 octets, a name up to 253 when written out. dnsmasq allows underscores too.
_NAME = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*", re.ASCII
)


@dataclass(frozen=True)
class Names:
    """The names of one cluster.

    ``target`` says which address the cluster's name has: ``vip``, ``primary``, ``address`` (a given one) or ``none``.
    ``address`` is empty for ``none``. ``instances`` maps the name of each instance to its address, by ``pg_seq``.
    """

    cluster: str
    name: str
    target: str
    address: str
    instances: dict[str, str]

    def records(self) -> list[tuple[str, str]]:
        """(address, name) of every record, the cluster's first."""
        own = [(self.address, self.name)] if self.address else []
        return own + [(address, name) for name, address in self.instances.items()]

    def to_dict(self) -> dict[str, Any]:
        """The cluster and its records, in types that JSON has."""
        return {
            "name": self.cluster,
            "records": [{"name": name, "address": address} for address, name in self.records()],
        }


def suffix(value: Any) -> str:
    word = values.text(value, "a suffix").strip()
    if not _SUFFIX.fullmatch(word):
        raise not_allowed(value, "a suffix of a name", "letters, digits, '-', '_' and '.', such as .db.example.com")
    return word.lower()


def target(value: Any) -> str:
    """``auto``, ``primary``, ``vip``, ``none``, or an address in its shortest form."""
    word = values.text(value, "a target").strip()
    if word in TARGETS:
        return word
    found = ip_address(word)
    if found is None:
        raise not_allowed(value, "a target for a cluster's name", f"{', '.join(TARGETS)} or an address")
    return str(found)


SETTINGS: dict[str, Setting] = {"pg_dns_suffix": Setting(suffix, ""), "pg_dns_target": Setting(target, "auto")}


class NameReader:
    """Reads the names of the clusters in an inventory and finds names that are used twice."""

    def __init__(self, inventory: Inventory, report: Report, hosts_of: Mapping[str, Sequence[str]]) -> None:
        self._inventory = inventory
        self._report = report
        self._hosts_of = hosts_of

    def read(self, cluster: str, members: Sequence[Member], vip: ipaddress.IPv4Interface | None) -> Names:
        """The names of a cluster. The address of an instance is empty if the inventory has only a host name."""
        settings = self._settings(cluster, self._report)
        wanted = settings["pg_dns_target"]
        if wanted == "vip" and vip is None:
            self._report.problem(
                cluster,
                "'vip' needs pg_vip_enabled and pg_vip_address; allowed: auto, primary, none or an address",
                field="pg_dns_target",
                code="conflict",
                value=wanted,
            )
        addresses = {member.name: self._address(member) for member in members}
        primary = next((member.name for member in members if member.role == "primary"), None)
        kind, address = _resolve(wanted, vip, addresses.get(primary or "", ""))
        return Names(cluster, f"{cluster}{settings['pg_dns_suffix']}".lower(), kind, address, _lower(addresses))

    def check(self, names: Iterable[Names]) -> None:
        """Check the names for DNS: each is a valid DNS name, is used once, and has an address."""
        claims = self._claims()
        for one in names:
            if one.target != "none":
                self._check_name(one.cluster, one.name, claims)
            for name, address in one.instances.items():
                self._check_name(one.cluster, name, claims)
                if not address:
                    self._report.problem(
                        one.cluster,
                        f"instance {name} has a host name as its address, and a DNS record needs an IP address; "
                        "allowed: an IPv4 or IPv6 address in pg_address or ansible_host",
                        field="pg_address",
                        code="missing",
                    )

    def _check_name(self, cluster: str, name: str, claims: Mapping[str, list[tuple[str, str]]]) -> None:
        if not _NAME.fullmatch(name):
            self._report.problem(
                cluster,
                f"{shown(name)} is not a valid DNS name; allowed: parts of up to 63 letters, digits, '-' and '_'",
                field="pg_cluster",
                code="not-allowed",
                value=name,
            )
        others = [(owner, what) for owner, what in claims.get(name, ()) if owner != cluster]
        own = [what for owner, what in claims.get(name, ()) if owner == cluster]
        for owner, what in others:
            self._report.problem(
                cluster,
                f"{shown(name)} is the name of {own[0]} and of {what} of cluster {owner}; allowed: each name once, see"
                " pg_dns_suffix",
                field="pg_cluster",
                code="clash",
                value=name,
            )
        if len(own) > 1:
            self._report.problem(
                cluster,
                f"{shown(name)} is the name of {' and of '.join(own)}; allowed: each name once",
                field="pg_cluster",
                code="clash",
                value=name,
            )

    def _claims(self) -> dict[str, list[tuple[str, str]]]:
        """All names of all clusters; for each, the cluster and which part of it (cluster or instance) has the name."""
        found: dict[str, list[tuple[str, str]]] = {}
        for cluster, hosts in self._hosts_of.items():
            settings = self._settings(cluster, Report())
            if settings["pg_dns_target"] != "none":
                found.setdefault(f"{cluster}{settings['pg_dns_suffix']}".lower(), []).append((cluster, "the cluster"))
            for host in hosts:
                seq = self._inventory.value(host, "pg_seq")
                if seq is not None:
                    found.setdefault(f"{cluster}-{seq}".lower(), []).append((cluster, f"instance {seq}"))
        return found

    def _settings(self, cluster: str, report: Report) -> dict[str, Any]:
        return ClusterSettings(self._inventory, report, cluster, self._hosts_of[cluster]).read(SETTINGS)

    def _address(self, member: Member) -> str:
        known = (member.address, self._inventory.value(member.host, "ansible_host"))
        return next((str(found) for found in map(ip_address, known) if found is not None), "")


def _resolve(wanted: str, vip: ipaddress.IPv4Interface | None, primary: str) -> tuple[str, str]:
    if wanted == "none":
        return "none", ""
    if wanted == "vip" or (wanted == "auto" and vip is not None):
        return "vip", str(vip.ip) if vip else ""
    if wanted in ("auto", "primary"):
        return "primary", primary
    return "address", wanted


def _lower(addresses: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): address for name, address in addresses.items()}

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Members of a cluster: the hosts that have its name in ``pg_cluster``, in the order of ``pg_seq``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.pgsvc.access.plugins.plugin_utils._input import defaults, values
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import (
    Report,
    ValueProblem,
    listed,
    nearest,
    not_allowed,
)


@dataclass(frozen=True)
class Member:
    """One instance: its identity, its address and ports, and how its health is checked with Patroni.

    ``ca_file`` is the CA file on the load balancer that verifies Patroni's certificate; None if checks use plain HTTP.
    """

    host: str
    cluster: str
    seq: int
    role: str
    address: str
    pg_port: int
    pgbouncer_port: int
    patroni_port: int
    weight: int
    offline_query: bool
    ca_file: str | None

    @property
    def name(self) -> str:
        """The instance's name, ``pg-test-1``."""
        return f"{self.cluster}-{self.seq}"

    def port(self, dest: str | int, default_dest: str | int) -> int:
        """The port that ``dest`` of a service means on this instance."""
        meant = default_dest if dest == "default" else dest
        if isinstance(meant, int):
            return meant
        return self.pg_port if meant == "postgres" else self.pgbouncer_port

    def variables(self) -> dict[str, Any]:
        """The variables that selectors see, converted to their types and with defaults filled in."""
        return {
            "pg_cluster": self.cluster,
            "pg_seq": self.seq,
            "pg_role": self.role,
            "pg_weight": self.weight,
            "pg_offline_query": self.offline_query,
            "pg_port": self.pg_port,
            "pgbouncer_port": self.pgbouncer_port,
            "patroni_port": self.patroni_port,
            "pg_address": self.address,
            "inventory_hostname": self.host,
        }


#: Names of the roles in other products.
_OTHER_ROLE_NAMES = {"master": "primary", "leader": "primary", "slave": "replica", "secondary": "replica"}


def _role(value: Any) -> str:
    if value not in defaults.ROLES:
        meant = nearest(_OTHER_ROLE_NAMES.get(str(value), str(value)), defaults.ROLES)
        raise not_allowed(value, f"a role{meant}", listed(defaults.ROLES))
    return str(value)


_PARSERS: dict[str, Callable[[Any], Any]] = {
    "pg_seq": lambda value: values.integer(value, (0, values.COUNTS[1]), "a sequence number"),
    "pg_role": _role,
    "pg_address": values.host_address,
    "pg_port": values.port,
    "pgbouncer_port": values.port,
    "patroni_port": values.port,
    "pg_weight": lambda value: values.integer(value, values.WEIGHTS, "a weight"),
    "pg_offline_query": values.boolean,
    "patroni_ssl_enabled": values.boolean,
    "patroni_ca_file": lambda value: values.path(value, "a path"),
}
VARIABLES = ("pg_cluster", *_PARSERS)


def parse_member(host: str, cluster: str, variables: dict[str, Any], report: Report) -> Member | None:
    """Parse a host's variables (native types, unset ones absent or None); None if one of them is invalid."""
    before = len(report.problems)
    parsed = {name: _parse(host, cluster, name, variables, report) for name in _PARSERS}
    if len(report.problems) > before:
        return None
    tls = parsed["patroni_ssl_enabled"]
    return Member(
        host=host,
        cluster=cluster,
        seq=parsed["pg_seq"],
        role=parsed["pg_role"],
        address=parsed["pg_address"],
        pg_port=parsed["pg_port"],
        pgbouncer_port=parsed["pgbouncer_port"],
        patroni_port=parsed["patroni_port"],
        weight=parsed["pg_weight"],
        offline_query=parsed["pg_offline_query"],
        ca_file=parsed["patroni_ca_file"] if tls else None,
    )


def order_members(cluster: str, members: list[Member], report: Report) -> tuple[Member, ...]:
    """The members in the order of ``pg_seq``. Reports two with the same number, as their names would be the same."""
    by_seq: dict[int, list[Member]] = {}
    for member in members:
        by_seq.setdefault(member.seq, []).append(member)
    for seq, same in by_seq.items():
        if len(same) > 1:
            hosts = listed(sorted(member.host for member in same))
            report.problem(
                cluster,
                f"{seq} is used by {hosts}; allowed: a different number for each member",
                field="pg_seq",
                code="clash",
                value=seq,
            )
    return tuple(sorted(members, key=lambda member: (member.seq, member.host)))


def check_members(cluster: str, members: Sequence[Member], report: Report) -> None:
    """Report two primaries, and two instances at the same address and port.

    A cluster without a primary gets a warning only.
    """
    primaries = listed(member.host for member in members if member.role == "primary")
    if "," in primaries:
        report.problem(
            cluster,
            f"'primary' on hosts {primaries}; allowed: one primary (a failover needs no change of the inventory)",
            field="pg_role",
            code="clash",
            value="primary",
        )
    elif members and not any(member.role == "primary" for member in members):
        report.warning(cluster, "no member is declared as 'primary'", field="pg_role", code="missing")
    for field in ("pg_port", "patroni_port"):
        places: dict[tuple[str, int], list[Member]] = {}
        for member in members:
            places.setdefault((member.address, getattr(member, field)), []).append(member)
        for (address, port), same in places.items():
            if len(same) > 1:
                report.problem(
                    cluster,
                    f"{address} port {port} is used by {listed(member.name for member in same)}; allowed: a different "
                    "address or port for each member (pg_address, pg_port, patroni_port)",
                    field=field,
                    code="clash",
                    value=port,
                )


def _parse(host: str, cluster: str, name: str, variables: dict[str, Any], report: Report) -> Any:
    value = variables.get(name)
    if value is None:
        if name in ("pg_seq", "pg_role"):
            report.problem(
                cluster,
                f"missing on host {host}; every member needs pg_cluster, pg_seq and pg_role",
                field=name,
                code="missing",
            )
            return None
        value = host if name == "pg_address" else defaults.MEMBER[name]
    try:
        return _PARSERS[name](value)
    except ValueProblem as problem:
        report.value_problem(cluster, problem.prefixed(f"on host {host}: "), field=name)
        return None

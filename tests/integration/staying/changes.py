# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that can change about a service and its servers, as a change of inventory variables."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.pgsvc.access.tests.integration.staying.site import (
    CLUSTER,
    MOVED_PORT,
    REST_MOVED,
    REST_TLS,
    SERVED_BY,
    Balancer,
    Site,
)
from ansible_collections.pgsvc.access.tests.support.service import QUICK

RUNTIME, RELOAD = "runtime", "reload"


@dataclasses.dataclass(frozen=True)
class Change:
    """`edit` makes the new site of the old one, `method` is the way in which it reaches HAProxy.

    `before` happens to the cluster first. `leaving` are members that go, `removed` services that go, `readers` the
    roles of members that may answer on services for reading.
    """

    edit: Callable[[Balancer, Site], None]
    method: str
    before: Callable[[Balancer], None] = lambda _balancer: None
    leaving: tuple[int, ...] = ()
    removed: tuple[str, ...] = ()
    readers: frozenset[str] = frozenset({"replica"})
    served: Mapping[str, str] = dataclasses.field(default_factory=lambda: SERVED_BY)


def of_member(seq: int, **variables: Any) -> Callable[[Balancer, Site], None]:
    return lambda _balancer, site: site.members[seq].update(variables)


def of_members(**variables: Any) -> Callable[[Balancer, Site], None]:
    def edit(_balancer: Balancer, site: Site) -> None:
        for member in site.members.values():
            member.update(variables)

    return edit


def of_services(*names: str, **fields: Any) -> Callable[[Balancer, Site], None]:
    """Of these services, or of all."""

    def edit(_balancer: Balancer, site: Site) -> None:
        for name in names or site.services:
            site.services[name].update(fields)

    return edit


def options(old: str, new: str) -> Callable[[Balancer, Site], None]:
    assert not old or old in QUICK
    return of_services(options=QUICK.replace(old, new) if old else f"{QUICK} {new}")


def exchanged_roles(_balancer: Balancer, site: Site) -> None:
    site.members[1]["pg_role"], site.members[2]["pg_role"] = "replica", "primary"


def failed_over(balancer: Balancer) -> None:
    balancer.patroni.failover(f"{CLUSTER}-1", f"{CLUSTER}-2")
    balancer.settle()


def moved(*seqs: int) -> Callable[[Balancer, Site], None]:
    def edit(balancer: Balancer, site: Site) -> None:
        for seq in seqs:
            site.members[seq]["pg_address"] = balancer.second[seq]

    return edit


def tls(balancer: Balancer, site: Site) -> None:
    of_members(patroni_ssl_enabled=True, patroni_port=REST_TLS, patroni_ca_file=str(balancer.tls[0]))(balancer, site)


def patient_before(balancer: Balancer) -> None:
    """A check may take no longer than `inter`, and a TLS handshake takes the stand-in for Patroni long under load."""
    site = balancer.site.copy()
    options("inter 200ms fastinter 100ms downinter 200ms", "inter 1s fastinter 500ms downinter 500ms")(balancer, site)
    balancer.apply(site)
    balancer.settle()


def tls_before(balancer: Balancer) -> None:
    patient_before(balancer)
    site = balancer.site.copy()
    tls(balancer, site)
    balancer.apply(site)
    balancer.settle()


def other_ca(balancer: Balancer, site: Site) -> None:
    copy = balancer.tls[0].with_name("ca-copy.crt")
    copy.write_bytes(balancer.tls[0].read_bytes())
    of_members(patroni_ca_file=str(copy))(balancer, site)


def bind_more(balancer: Balancer, site: Site) -> None:
    site.load_balancer["pg_service_ip"] = [balancer.address, balancer.other_address]


def renamed(_balancer: Balancer, site: Site) -> None:
    site.services = {
        {"replica": "reader", "primary": "writer"}.get(n, n): fields for n, fields in site.services.items()
    }


def added(_balancer: Balancer, site: Site) -> None:
    site.services["standby"] = {"port": 5435, "check": "/read-only-sync", "selector": "[]", "options": QUICK}


def removed(_balancer: Balancer, site: Site) -> None:
    del site.services["offline"]


def member_added(balancer: Balancer, site: Site) -> None:
    balancer.add_member(4, "replica")
    site.members[4] = balancer.member(4)


def member_removed(_balancer: Balancer, site: Site) -> None:
    del site.members[2]


def members_renumbered(_balancer: Balancer, site: Site) -> None:
    site.members = {seq + 10: member for seq, member in site.members.items()}
    site.load_balancer["pg_service_allow_shrink"] = True


CHANGES: dict[str, Change] = {
    "weight": Change(of_member(1, pg_weight=50), RUNTIME),
    "weight of all members": Change(of_members(pg_weight=10), RUNTIME),
    "backup flag, after a failover (roles exchanged)": Change(
        exchanged_roles, RELOAD, before=failed_over, readers=frozenset({"replica", "primary"})
    ),
    "backup flag (a replica becomes offline)": Change(of_member(2, pg_role="offline"), RELOAD),
    "address of the primary": Change(moved(1), RUNTIME),
    "address of all members": Change(moved(1, 2, 3), RUNTIME),
    "`pg_port`": Change(of_members(pg_port=MOVED_PORT), RUNTIME),
    "`pgbouncer_port`": Change(of_members(pgbouncer_port=MOVED_PORT), RUNTIME),
    "`pg_default_service_dest`": Change(
        lambda _balancer, site: site.cluster.update(pg_default_service_dest="postgres"), RUNTIME
    ),
    "`dest` of one service": Change(
        lambda _balancer, site: site.services["replica"].update(dest=str(MOVED_PORT)), RUNTIME
    ),
    "`patroni_port`": Change(of_members(patroni_port=REST_MOVED), RUNTIME),
    "TLS of health checks": Change(tls, RELOAD, before=patient_before),
    "`patroni_ca_file`": Change(other_ca, RELOAD, before=tls_before),
    "TLS of health checks off": Change(
        of_members(patroni_ssl_enabled=False, patroni_port=8008), RELOAD, before=tls_before
    ),
    "`check`": Change(of_services("primary", "default", check="/read-write"), RELOAD),
    "`options`: timings": Change(options("inter 200ms", "inter 250ms"), RELOAD),
    "`options`: `on-marked-down`": Change(options("on-marked-down shutdown-sessions ", ""), RELOAD),
    "`options`: `maxconn`, `maxqueue`": Change(options("", "maxconn 2000 maxqueue 64"), RELOAD),
    "`options`: `slowstart`": Change(options("", "slowstart 30s"), RELOAD),
    "`balance`": Change(of_services(balance="leastconn"), RELOAD),
    "`maxconn` of the service": Change(of_services(maxconn=4000), RELOAD),
    "timeouts": Change(of_services(timeout_client="1h", timeout_server="1h"), RELOAD),
    "`ip`": Change(bind_more, RELOAD),
    "a service renamed": Change(renamed, RELOAD, served={**SERVED_BY, "reader": "replica", "writer": "primary"}),
    "a service added": Change(added, RELOAD),
    "a service removed": Change(removed, RELOAD, removed=("offline",)),
    "a member added": Change(member_added, RUNTIME),
    "a member removed": Change(member_removed, RUNTIME, leaving=(2,)),
    "all members renumbered": Change(members_renumbered, RUNTIME, leaving=(1, 2, 3)),
    "the provider": Change(lambda _balancer, site: site.cluster.update(pg_service_provider="proxy2"), "none"),
}

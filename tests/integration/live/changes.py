# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can change while roles are live, and the change to live roles and back, as a change of inventory variables."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.pgsvc.access.tests.integration.staying.changes import (
    RELOAD,
    RUNTIME,
    Change,
    added,
    bind_more,
    failed_over,
    member_added,
    member_removed,
    moved,
    of_member,
    of_members,
    of_services,
    options,
    patient_before,
    removed,
    renamed,
    tls,
)
from ansible_collections.pgsvc.access.tests.integration.staying.site import (
    MOVED_PORT,
    REST_MOVED,
    SERVED_BY,
    Balancer,
    Site,
)


def with_roles(roles: str) -> Callable[[Balancer, Site], None]:
    return lambda _balancer, site: site.cluster.update(pg_service_roles=roles)


def exchanged_roles(_balancer: Balancer, site: Site) -> None:
    """The inventory says what has happened already."""
    site.members[1]["pg_role"], site.members[2]["pg_role"] = "replica", "primary"


def live(balancer: Balancer) -> None:
    """The site is live and has settled."""
    site = balancer.site.copy()
    site.cluster.update(pg_service_roles="live")
    balancer.apply(site)
    balancer.settle()


def live_and_patient(balancer: Balancer) -> None:
    patient_before(balancer)
    live(balancer)


def live_after_failover(balancer: Balancer) -> None:
    live(balancer)
    failed_over(balancer)


def lag(_balancer: Balancer, site: Site) -> None:
    site.services["replica"].update(lag="16MB", lagging="backup")


def lag_before(balancer: Balancer) -> None:
    site = balancer.site.copy()
    site.cluster.update(pg_service_roles="live")
    lag(balancer, site)
    balancer.apply(site)
    balancer.settle()


def no_lag(_balancer: Balancer, site: Site) -> None:
    del site.services["replica"]["lag"], site.services["replica"]["lagging"]


CHANGES: dict[str, Change] = {
    "declared to live": Change(with_roles("live"), RELOAD),
    "live to declared": Change(with_roles("declared"), RELOAD, before=live),
    "one service to live": Change(of_services("replica", roles="live"), RELOAD),
    "weight": Change(of_member(1, pg_weight=50), RUNTIME, before=live),
    "weight of all members": Change(of_members(pg_weight=10), RUNTIME, before=live),
    "nothing, after a failover": Change(lambda _balancer, _site: None, "none", before=live_after_failover),
    "roles of the inventory exchanged, after a failover": Change(exchanged_roles, "none", before=live_after_failover),
    "a replica becomes offline": Change(of_member(2, pg_role="offline"), RELOAD, before=live),
    "address of the primary": Change(moved(1), RUNTIME, before=live),
    "address of all members": Change(moved(1, 2, 3), RUNTIME, before=live),
    "`pgbouncer_port`": Change(of_members(pgbouncer_port=MOVED_PORT), RUNTIME, before=live),
    "`pg_default_service_dest`": Change(
        lambda _balancer, site: site.cluster.update(pg_default_service_dest="postgres"), RUNTIME, before=live
    ),
    "`patroni_port`": Change(of_members(patroni_port=REST_MOVED), RUNTIME, before=live),
    "TLS of health checks": Change(tls, RELOAD, before=live_and_patient),
    "`check`": Change(of_services("primary", "default", check="/leader"), RELOAD, before=live),
    "`options`: timings": Change(options("inter 200ms", "inter 250ms"), RELOAD, before=live),
    "`options`: `maxconn`, `maxqueue`": Change(options("", "maxconn 2000 maxqueue 64"), RELOAD, before=live),
    "`balance`": Change(of_services(balance="leastconn"), RELOAD, before=live),
    "`lag`": Change(lag, RELOAD, before=live),
    "no `lag` any more": Change(no_lag, RELOAD, before=lag_before),
    "`ip`": Change(bind_more, RELOAD, before=live),
    "a service renamed": Change(
        renamed, RELOAD, before=live, served={**SERVED_BY, "reader": "replica", "writer": "primary"}
    ),
    "a service added": Change(added, RELOAD, before=live),
    "a service removed": Change(removed, RELOAD, before=live, removed=("offline",)),
    "a member added": Change(member_added, RELOAD, before=live),
    "a member removed": Change(member_removed, RELOAD, before=live, leaving=(2,)),
}

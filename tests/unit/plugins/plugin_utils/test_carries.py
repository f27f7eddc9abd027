# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a load balancer goes on carrying, and which of its services may become empty."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.pgsvc.access.tests.unit.plugins.plugin_utils.planning import (
    DELEGATED,
    PROXIES,
    cluster,
    one_service,
    pg_test,
    plan,
    service,
    with_proxies,
)


def test_a_load_balancer_carries_what_it_serves_and_not_what_it_gave_away() -> None:
    """What it carries may not lose too much. A cluster that has moved is not among it, one without services is."""
    hosts = with_proxies(
        cluster("pg-a", "primary", **DELEGATED),
        cluster("pg-b", "primary", first=21, **{**DELEGATED, "pg_default_services": []}),
        cluster("pg-c", "primary", first=31, pg_default_services=[]),
        cluster("pg-d", "primary", first=41, pg_service_targets=["10.10.10.42"], pg_default_services=[service()]),
        cluster("pg-e", "primary", first=51, pg_service_provider="proxy", pg_service_targets=["p1"]),
    )
    hosts["10.10.10.42"] = {**hosts["10.10.10.41"], "pg_seq": 2, "pg_role": "replica"}
    carried = {host: publication.carries for host, publication in plan(hosts, PROXIES).publications.items()}
    assert carried == {
        "p1": ("pg-a", "pg-b", "pg-e"),
        "p2": ("pg-a", "pg-b"),
        "10.10.10.11": (),
        "10.10.10.21": (),
        "10.10.10.31": ("pg-c",),
        "10.10.10.42": ("pg-d",),
    }


def test_two_load_balancers_of_each_cluster_ask_its_patroni() -> None:
    hosts = with_proxies(
        cluster("pg-a", "primary", "replica", "replica"),
        cluster("pg-b", "primary", first=21, **DELEGATED),
        cluster("pg-c", "primary", first=31),
    )

    assert plan(hosts, PROXIES).to_dict()["patroni_askers"] == {
        "10.10.10.11": ["pg-a"],
        "10.10.10.12": ["pg-a"],
        "p1": ["pg-b"],
        "p2": ["pg-b"],
        "10.10.10.31": ["pg-c"],
    }


def test_shrinking_is_allowed_for_each_load_balancer() -> None:
    hosts = pg_test()
    hosts["10.10.10.12"]["pg_service_allow_shrink"] = "true"
    publications = plan(hosts).publications
    assert [publications[host].settings.allow_shrink for host in hosts] == [False, True, False]


# definition of a service, whether it may lose all of its servers
OFFLINE: dict[str, Any] = {
    "name": "offline",
    "selector": "[? pg_role == `offline` || pg_offline_query ]",
    "backup": "[? pg_role == `replica` && !pg_offline_query]",
}
MAY_BE_EMPTY: list[tuple[dict[str, Any], bool]] = [
    (OFFLINE, True),
    ({**OFFLINE, "port": 6438, "balance": "leastconn"}, True),
    ({**OFFLINE, "name": "batch"}, False),
    ({**OFFLINE, "selector": "[? pg_role == 'delayed']"}, False),
    ({**OFFLINE, "backup": None}, False),
    ({"name": "primary"}, True),
    ({"name": "extra"}, False),
]


@pytest.mark.parametrize(("fields", "expected"), MAY_BE_EMPTY)
def test_which_services_may_lose_all_of_their_servers(fields: dict[str, Any], expected: bool) -> None:
    """Those whose members the inventory does not choose: `offline` has none in a cluster of one."""
    assert one_service(**fields).may_be_empty is expected

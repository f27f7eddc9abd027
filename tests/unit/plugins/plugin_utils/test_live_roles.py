# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Live roles: which server of a service follows which health check, and what cannot be told apart."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.pgsvc.access.plugins.plugin_utils._model.service import CheckBackend, Service
from ansible_collections.pgsvc.access.tests.unit.plugins.plugin_utils.planning import (
    Hosts,
    Wrong,
    assert_problems,
    cluster,
    pg_test,
    plan,
    problems,
    service,
)
from ansible_collections.pgsvc.access.tests.unit.plugins.plugin_utils.planning import found as mistakes

LB = "10.10.10.11"
LIVE: dict[str, Any] = {"pg_service_roles": "live"}


def planned(hosts: Hosts) -> tuple[dict[str, Service], dict[str, CheckBackend]]:
    """Services and check backends of the first load balancer, without the name of the cluster."""
    publication = plan(hosts).publications[LB]
    return (
        {each.service: each for each in publication.services},
        {each.name.removeprefix(f"{each.cluster}-check-"): each for each in publication.checks},
    )


def servers(found: Service) -> list[str]:
    """Each server as ``1-leading leader backup``: its name, the check that it follows, and whether it is a backup."""
    lines = []
    for each in found.servers:
        assert each.track is not None
        backend, member = each.track.split("/")
        name, check = (word.removeprefix(f"{found.cluster}-") for word in (each.name, backend))
        assert name.startswith(member.removeprefix(f"{found.cluster}-"))
        lines.append(f"{name} {check.removeprefix('check-')}{' backup' if each.backup else ''}")
    return lines


BUILT_IN: dict[str, list[str]] = {
    "primary": ["1 primary", "2 primary", "3 primary"],
    "replica": ["1 replica", "2 replica", "1-leading leader backup", "2-leading leader backup", "3 read-only backup"],
    "default": ["1 primary", "2 primary", "3 primary"],
    "offline": ["3 replica", "1 replica backup", "2 replica backup"],
}


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_built_in_services(name: str) -> None:
    services, _checks = planned(pg_test(**LIVE))
    assert servers(services[name]) == BUILT_IN[name]
    assert services[name].roles == "live"


def test_the_inventorys_primary_changes_nothing() -> None:
    """A plan with live roles is the same whichever member the inventory calls the primary."""
    before = planned(cluster("pg-test", "primary", "replica", "offline", **LIVE))
    after = planned(cluster("pg-test", "replica", "primary", "offline", **LIVE))
    assert before == after


def test_one_plus_one() -> None:
    """The member that follows serves ``offline`` and ``replica``, whichever it is."""
    services, _checks = planned(cluster("pg-test", "primary", "replica", **LIVE))
    assert servers(services["offline"]) == ["1 replica backup", "2 replica backup"]
    assert servers(services["replica"]) == [
        *("1 replica", "2 replica"),
        *("1-leading leader backup", "2-leading leader backup"),
    ]


def test_one_member() -> None:
    services, checks = planned(cluster("pg-test", "primary", **LIVE))
    assert servers(services["replica"]) == ["1 replica", "1-leading leader backup"]
    assert sorted(checks) == ["leader", "primary", "replica"]


def test_each_check_is_made_once_for_each_member_that_follows_it() -> None:
    _services, checks = planned(pg_test(**LIVE))
    assert {name: [each.name for each in found.servers] for name, found in checks.items()} == {
        "leader": ["pg-test-1", "pg-test-2"],
        "primary": ["pg-test-1", "pg-test-2", "pg-test-3"],
        "read-only": ["pg-test-3"],
        "replica": ["pg-test-1", "pg-test-2", "pg-test-3"],
    }
    assert {found.options for found in checks.values()} == {"inter 3s fastinter 1s downinter 5s rise 3 fall 3"}


# What a service of this check has for a member that is a replica, selected in both roles and a backup while it leads.
SPLIT: dict[str, list[str]] = {
    "/": ["1 primary backup"],
    "/primary": ["1 primary backup"],
    "/read-write": ["1 primary backup"],
    "/leader": ["1 leader backup"],
    "/standby-leader": ["1 standby-leader backup"],
    "/replica": ["1 replica"],
    "/read-only": ["1 replica", "1-leading leader backup"],
    "/sync": ["1 sync"],
    "/synchronous": ["1 sync"],
    "/read-only-sync": ["1 sync", "1-leading leader backup"],
    "/quorum": ["1 quorum"],
    "/read-only-quorum": ["1 quorum", "1-leading leader backup"],
    "/async": ["1 async"],
    "/read-only?lag=16MB": ["1 replica-lag-16MB", "1-leading leader backup"],
}


@pytest.mark.parametrize("check", SPLIT)
def test_how_a_check_is_split(check: str) -> None:
    definition = service(check=check, backup="[?pg_role == 'primary']")
    services, checks = planned(cluster("pg-test", "replica", pg_services=[definition], **LIVE))
    assert servers(services["extra"]) == SPLIT[check]
    paths = {line.split()[1]: checks[line.split()[1]].check for line in SPLIT[check]}
    assert all(path.startswith("/") for path in paths.values())


def test_one_service_may_be_live() -> None:
    hosts = pg_test(pg_services=[service(roles="live", check="/replica")])
    services, checks = planned(hosts)
    assert servers(services["extra"]) == ["1 replica", "2 replica", "3 replica"]
    assert [each.track for each in services["primary"].servers] == [None, None, None]
    assert list(checks) == ["replica"]


def test_one_service_may_be_declared() -> None:
    services, _checks = planned(pg_test(pg_services=[service(roles="declared")], **LIVE))
    assert [each.track for each in services["extra"].servers] == [None, None, None]


NAMES: list[tuple[dict[str, Any], str]] = [
    ({"check": "/replica"}, "replica"),
    ({"check": "/replica", "lag": "16MB"}, "replica-lag-16MB"),
    ({"check": "/replica?replication_state=streaming"}, "replica-31d842b1"),
    (
        {"check": "/replica", "options": "inter 1s fastinter 500ms downinter 2s rise 1 fall 2 weight 100"},
        "replica-1s-500ms-2s-1-2",
    ),
    ({"check": "/replica", "options": "inter 1s"}, "replica-1s"),
    ({"check": "/replica", "options": "weight 10"}, "replica-haproxy"),
]


@pytest.mark.parametrize(("fields", "name"), NAMES)
def test_names_of_check_backends(fields: dict[str, Any], name: str) -> None:
    services, checks = planned(pg_test(pg_services=[service(roles="live", **fields)]))
    assert {line.split()[1] for line in servers(services["extra"])} == {name}
    assert list(checks) == [name]


def test_services_with_one_check_share_it_and_others_do_not() -> None:
    definitions = [
        service(name="a", port=5441, check="/replica"),
        service(name="b", port=5442, check="/replica", options="inter 3s fastinter 1s downinter 5s rise 3 fall 3"),
        service(name="c", port=5443, check="/replica", options="inter 9s fastinter 1s downinter 5s rise 3 fall 3"),
        service(name="d", port=5444, check="/replica?tag_a=b"),
    ]
    _services, checks = planned(pg_test(pg_services=definitions, **LIVE))
    assert [name for name in checks if name.startswith("replica")] == [
        "replica",
        "replica-1ff92de8",
        "replica-9s-1s-5s-3-3",
    ]


def test_a_chain_within_the_limit_then_any_replica_then_the_leader() -> None:
    definition = service(
        check="/read-only", lag="16MB", lagging="backup", backup="[?pg_role == 'primary' || pg_role == 'offline']"
    )
    services, _checks = planned(pg_test(pg_services=[definition], **LIVE))
    assert servers(services["extra"]) == [
        *("1 replica-lag-16MB", "2 replica-lag-16MB"),
        *("1-lagging replica backup", "2-lagging replica backup"),
        *("1-leading leader backup", "2-leading leader backup"),
        "3 read-only-lag-16MB backup",
    ]


def test_options_of_checks_and_of_servers_part() -> None:
    options = "inter 1s rise 2 on-marked-down shutdown-sessions maxconn 10 check-send-proxy send-proxy source 10.0.0.9"
    services, checks = planned(pg_test(pg_services=[service(roles="live", check="/replica", options=options)]))
    assert services["extra"].options == ("on-marked-down shutdown-sessions maxconn 10 send-proxy source 10.0.0.9")
    assert [each.options for each in checks.values()] == ["inter 1s rise 2 check-send-proxy source 10.0.0.9"]


def test_a_preset_and_the_same_options_share_their_checks() -> None:
    """With one passed check enough, both look at the role in Patroni's answer, too."""
    own = "inter 250ms fastinter 100ms downinter 250ms rise 1 fall 2 weight 10"
    services, checks = planned(pg_test(pg_rto="instant", pg_services=[service(check="/primary", options=own)], **LIVE))
    assert servers(services["extra"]) == servers(services["primary"])
    assert {name: found.verify_role for name, found in checks.items()} == {
        "leader": False,
        "primary": True,
        "read-only": False,
        "replica": False,
    }


def test_options_that_differ_in_more_than_timings() -> None:
    """A digest sets them apart, also where a value is that of a timing."""
    options = ["inter 3s rise 3 tcp-ut 3s", "inter 3s rise 3 tcp-ut 3"]
    services = [
        service(name=f"s{n}", port=5440 + n, check="/replica", roles="live", options=words)
        for n, words in enumerate(options)
    ]
    _services, checks = planned(pg_test(pg_services=services))
    assert sorted(name[:13] for name in checks) == ["replica-3s-3-", "replica-3s-3-"]
    assert len(checks) == 2


ROLES = "allowed with roles: live: a tag_ on /replica, /sync, /quorum or /async, or roles: declared"
MISTAKES: list[tuple[dict[str, Any], Wrong]] = [
    (
        {"check": "/health"},
        Wrong(
            "conflict",
            "/health",
            "check",
            says=(
                "'/health' passes whatever the role of a member is, so roles: live cannot tell who leads; allowed: /, "
                "/primary, /master, /read-write, /leader, /standby-leader, /standby_leader, /replica, /read-only, "
                "/sync, /synchronous, /read-only-sync, /read-only-synchronous, /quorum, /read-only-quorum, /async, "
                "/asynchronous, or roles: declared"
            ),
        ),
    ),
    (
        {"check": "/read-only?tag_clonefrom=true"},
        Wrong(
            "conflict",
            "/read-only?tag_clonefrom=true",
            "check",
            says="'/read-only?tag_clonefrom=true' asks for a tag of the leader, too, and Patroni has no check of the "
            f"leader that looks at tags; {ROLES}",
        ),
    ),
    ({"options": "agent-check agent-port 9"}, Wrong("conflict", "agent-check", "options")),
    (
        {"selector": "[?pg_role == 'replica'] | [0]", "check": "/replica"},
        Wrong(
            "undecided",
            None,
            "selector and backup",
            says=(
                "what they make of pg-test-2 while it follows depends on which other member leads; "
                "allowed with roles: live: selectors that look at one member at a time, or roles: declared"
            ),
        ),
    ),
    ({"roles": "liv"}, Wrong("not-allowed", "liv", "roles", says="'liv' is not known; allowed: declared, live")),
    ({"hold": 61}, Wrong("not-allowed", 61, "hold")),
    ({"hold": "10s"}, Wrong("not-allowed", "10s", "hold")),
    ({"lag": "16", "check": "/replica"}, Wrong("not-allowed", "16", "lag")),
    ({"lag": "16mb", "check": "/replica"}, Wrong("not-allowed", "16mb", "lag")),
    ({"lag": "16MB", "check": "/primary"}, Wrong("conflict", "16MB", "lag")),
    ({"lag": "16MB", "check": "/replica?lag=1MB"}, Wrong("conflict", "16MB", "lag")),
    ({"lagging": "backup"}, Wrong("conflict", "backup", "lagging")),
    ({"lagging": "drop"}, Wrong("not-allowed", "drop", "lagging")),
    (
        {"lagging": "backup", "lag": "16MB", "check": "/replica", "roles": "declared"},
        Wrong("conflict", "backup", "lagging"),
    ),
]


@pytest.mark.parametrize(("fields", "wrong"), MISTAKES)
def test_mistakes(fields: dict[str, Any], wrong: Wrong) -> None:
    hosts = pg_test(pg_services=[service(**fields)], **LIVE)
    assert_problems(mistakes(hosts), "pg-test", wrong._replace(service="extra"))


OF_CLUSTERS: list[tuple[dict[str, Any], Wrong]] = [
    (
        {"pg_service_roles": "Live"},
        Wrong("not-allowed", "Live", "pg_service_roles", says="'Live' is not known; allowed: declared, live"),
    ),
    ({"pg_service_hold": 61}, Wrong("not-allowed", 61, "pg_service_hold")),
    ({"pg_service_hold": -1}, Wrong("not-allowed", -1, "pg_service_hold")),
]


@pytest.mark.parametrize(("variables", "wrong"), OF_CLUSTERS)
def test_mistakes_of_a_cluster(variables: dict[str, Any], wrong: Wrong) -> None:
    assert_problems(mistakes(pg_test(**variables)), "pg-test", wrong)


def test_all_mistakes_in_one_message() -> None:
    definitions = [service(check="/health", hold=99), service(name="b", port=5441, lag="1", check="/replica")]
    assert_problems(
        mistakes(pg_test(pg_services=definitions, pg_rto="slow", pg_service_roles="never")),
        "pg-test",
        Wrong("not-allowed", 99, "hold", "extra"),
        Wrong("not-allowed", "1", "lag", "b"),
        Wrong("not-allowed", "never", "pg_service_roles"),
        Wrong("unknown-name", "slow", "pg_rto"),
    )


def test_a_service_with_the_name_of_a_check_backend() -> None:
    found = problems(pg_test(pg_services=[service(name="check-leader")], **LIVE))
    assert found[0].endswith(
        "pg-test-check-leader.cfg would be the file of the health checks /leader of cluster pg-test and of service "
        "check-leader of cluster pg-test; allowed: a different <cluster>-<service> for each service"
    )

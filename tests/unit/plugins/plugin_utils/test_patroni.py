# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The health checks of Patroni: what is accepted as `check`, and what is said of the rest."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.pgsvc.access.plugins.module_utils._publish.shrink import LEADER_CHECKS
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import ValueProblem
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.patroni import ENDPOINTS, GET_ONLY, health_check
from ansible_collections.pgsvc.access.tests.unit.plugins.plugin_utils.planning import one_service

ALL = (
    "allowed: /, /primary, /master, /read-write, /leader, /standby-leader, /standby_leader, /replica, /read-only, "
    "/sync, /synchronous, /read-only-sync, /read-only-synchronous, /quorum, /read-only-quorum, /async, /asynchronous, "
    "/health"
)
STANDBY = "allowed: lag, replication_state, tag_<name>"
GET = (
    "is not a health check of Patroni: it is there for GET only, and HAProxy, which sends OPTIONS, gets 503 from every "
    "member"
)
BYTES = "allowed: a whole number of bytes, or one with B, kB, MB, GB or TB, such as 16MB"
TAG = "allowed: the value that the tag has on the members that may serve, such as true"

ACCEPTED = [
    *ENDPOINTS,
    "/replica?lag=0",
    "/replica?lag=1048576",
    "/replica?lag=16MB&replication_state=streaming&tag_ssd=true&tag_site=a",
    "/replica?lag=1.5GB",
    "/replica?lag=16+MB",
    "/replica?lag=16%20kB",
    "/replica?",
    "/replica?replication_state=in+archive+recovery",
    "/read-only?lag=16MB",
    "/read-only?tag_ssd=true",
    "/sync?lag=1TB",
    "/read-only-sync?lag=1kB",
    "/quorum?lag=100B",
    "/async?lag=10MB",
    "/asynchronous?tag_a=b",
    "/health?tag_ssd=true",
]

REFUSED: list[tuple[Any, str]] = [
    ("/replicas", f"'/replicas' is not a health check of Patroni, did you mean '/replica'?; {ALL}"),
    ("/Primary", f"'/Primary' is not a health check of Patroni, did you mean '/primary'?; {ALL}"),
    ("/replica/", f"'/replica/' is not a health check of Patroni, did you mean '/replica'?; {ALL}"),
    ("//replica", f"'//replica' is not a health check of Patroni, did you mean '/replica'?; {ALL}"),
    ("/readonly?lag=1MB", f"'/readonly' is not a health check of Patroni, did you mean '/read-only'?; {ALL}"),
    ("/standby", f"'/standby' is not a health check of Patroni, did you mean '/standby_leader'?; {ALL}"),
    ("/healthz", f"'/healthz' is not a health check of Patroni, did you mean '/health'?; {ALL}"),
    ("/replica;lag=1MB", f"'/replica;lag=1MB' is not a health check of Patroni, did you mean '/replica'?; {ALL}"),
    ("/%72eplica", f"'/%72eplica' is not a health check of Patroni, did you mean '/replica'?; {ALL}"),
    ("/switchover", f"'/switchover' is not a health check of Patroni; {ALL}"),
    *((path, f"'{path}' {GET}; {ALL}") for path in sorted(GET_ONLY)),
    ("/readiness?lag=1MB", f"'/readiness' {GET}; {ALL}"),
    (
        "/replica?lagg=1MB",
        f"'lagg' is not a parameter of /replica, did you mean 'lag'?; {STANDBY}",
    ),
    ("/replica?Lag=1MB", f"'Lag' is not a parameter of /replica, did you mean 'lag'?; {STANDBY}"),
    ("/replica?mode=apply", f"'mode' is not a parameter of /replica; {STANDBY}"),
    ("/replica?tag_=true", f"'tag_' is not a parameter of /replica; {STANDBY}"),
    ("/health?lag=1MB", "'lag' is not a parameter of /health; allowed: tag_<name>"),
    ("/primary?lag=1MB", "'lag' is not a parameter of /primary; allowed: none"),
    ("/?tag_ssd=true", "'tag_ssd' is not a parameter of /; allowed: none"),
    ("/leader?lag=1MB&tag_a=b", "'lag' is not a parameter of /leader; allowed: none"),
    ("/replica?lag=1MB&lag=2MB", "'lag' is given twice, and Patroni takes the first; allowed: each once"),
    ("/replica?lag", f"'' is not a value of parameter lag; {BYTES}"),
    ("/replica?lag=", f"'' is not a value of parameter lag; {BYTES}"),
    ("/replica?lag=16mb", f"'16mb' is not a value of parameter lag; {BYTES}"),
    ("/replica?lag=010", f"'010' is not a value of parameter lag; {BYTES}"),
    ("/replica?lag=0x10", f"'0x10' is not a value of parameter lag; {BYTES}"),
    ("/replica?lag=-1", f"'-1' is not a value of parameter lag; {BYTES}"),
    ("/replica?lag=10s", f"'10s' is not a value of parameter lag; {BYTES}"),
    (
        "/replica?replication_state=running",
        "'running' is not a value of parameter replication_state; allowed: streaming, or in+archive+recovery",
    ),
    ("/replica?tag_ssd=", f"'' is not a value of parameter tag_ssd; {TAG}"),
]  # fmt: skip


@pytest.mark.parametrize("check", ACCEPTED)
def test_health_checks(check: str) -> None:
    assert one_service(check=check).check == check


@pytest.mark.parametrize(("check", "message"), REFUSED)
def test_what_is_no_health_check(check: str, message: str) -> None:
    with pytest.raises(ValueProblem) as caught:
        health_check(check)
    assert str(caught.value) == message


def test_checks_of_the_leader_are_those_that_the_load_balancer_knows_as_such() -> None:
    """Such a check ignores parameters; both sides need to know which they are."""
    assert {path for path, endpoint in ENDPOINTS.items() if not endpoint.parameters} == LEADER_CHECKS

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The health checks of Patroni: what is accepted as `check`, and what is said of the rest."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.pgsvc.access.plugins.module_utils._publish.shrink import LEADER_CHECKS
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.patroni import ENDPOINTS, GET_ONLY, health_check
from ansible_collections.pgsvc.access.tests.unit.plugins.plugin_utils.planning import Wrong, assert_refused, one_service

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

REFUSED: list[tuple[Any, Wrong]] = [
    (
        "/replicas",
        Wrong(
            "unknown-name",
            "/replicas",
            says=f"'/replicas' is not a health check of Patroni, did you mean '/replica'?; {ALL}",
        ),
    ),
    ("/Primary", Wrong("unknown-name", "/Primary")),
    ("/replica/", Wrong("unknown-name", "/replica/")),
    ("//replica", Wrong("unknown-name", "//replica")),
    ("/readonly?lag=1MB", Wrong("unknown-name", "/readonly")),
    ("/standby", Wrong("unknown-name", "/standby")),
    ("/healthz", Wrong("unknown-name", "/healthz")),
    ("/replica;lag=1MB", Wrong("unknown-name", "/replica;lag=1MB")),
    ("/%72eplica", Wrong("unknown-name", "/%72eplica")),
    ("/switchover", Wrong("unknown-name", "/switchover")),
    *((path, Wrong("not-allowed", path)) for path in sorted(GET_ONLY)),
    ("/readiness?lag=1MB", Wrong("not-allowed", "/readiness", says=f"'/readiness' {GET}; {ALL}")),
    (
        "/replica?lagg=1MB",
        Wrong("unknown-name", "lagg", says=f"'lagg' is not a parameter of /replica, did you mean 'lag'?; {STANDBY}"),
    ),
    ("/replica?Lag=1MB", Wrong("unknown-name", "Lag")),
    ("/replica?mode=apply", Wrong("unknown-name", "mode")),
    ("/replica?tag_=true", Wrong("unknown-name", "tag_")),
    ("/health?lag=1MB", Wrong("unknown-name", "lag")),
    ("/primary?lag=1MB", Wrong("unknown-name", "lag")),
    ("/?tag_ssd=true", Wrong("unknown-name", "tag_ssd")),
    ("/leader?lag=1MB&tag_a=b", Wrong("unknown-name", "lag")),
    (
        "/replica?lag=1MB&lag=2MB",
        Wrong("clash", "lag", says="'lag' is given twice, and Patroni takes the first; allowed: each once"),
    ),
    ("/replica?lag", Wrong("not-allowed", "")),
    ("/replica?lag=", Wrong("not-allowed", "")),
    ("/replica?lag=16mb", Wrong("not-allowed", "16mb", says=f"'16mb' is not a value of parameter lag; {BYTES}")),
    ("/replica?lag=010", Wrong("not-allowed", "010")),
    ("/replica?lag=0x10", Wrong("not-allowed", "0x10")),
    ("/replica?lag=-1", Wrong("not-allowed", "-1")),
    ("/replica?lag=10s", Wrong("not-allowed", "10s")),
    ("/replica?replication_state=running", Wrong("not-allowed", "running")),
    ("/replica?tag_ssd=", Wrong("not-allowed", "")),
]


@pytest.mark.parametrize("check", ACCEPTED)
def test_health_checks(check: str) -> None:
    assert one_service(check=check).check == check


@pytest.mark.parametrize(("check", "wrong"), REFUSED)
def test_what_is_no_health_check(check: str, wrong: Wrong) -> None:
    assert_refused(health_check, check, wrong)


def test_checks_of_the_leader_are_those_that_the_load_balancer_knows_as_such() -> None:
    """Such a check ignores parameters; both sides need to know which they are."""
    assert {path for path, endpoint in ENDPOINTS.items() if not endpoint.parameters} == LEADER_CHECKS

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``pgsql-svc CLUSTER --switchover``: the primary moves under writing clients, and no new connection fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from labtest import services
from labtest.cluster import Cluster
from labtest.crowd import crowd
from labtest.services import overlay
from labtest.waiting import until

#: Fifty clients are enough to meet every moment of a switchover.
CLIENTS = 50


@pytest.fixture(params=["declared", "live"])
def source(request: pytest.FixtureRequest, published: Callable[..., object], pg_test: Cluster) -> Iterator[Path]:
    """An inventory source in which all services hold, which are published; with declared and with live roles."""
    with overlay({"pg-test": {"vars": {"pg_service_hold": 20, "pg_service_roles": request.param}}}) as path:
        published("pg-test", sources=[path])
        services.wait_for_up(pg_test.members, "pg-test-primary", {pg_test.members[0].name})
        yield path


def test_no_new_connection_fails(source: Path, pg_test: Cluster, figures: Callable[[str, object], None]) -> None:
    old, new = pg_test.members[0], pg_test.members[1]
    with crowd([(node.ipv4, 5433) for node in pg_test.members], CLIENTS) as clients:
        until("clients write", clients.taken_by, old.ipv4)
        done = services.pgsql_svc("pg-test", "--switchover", new.name, "--yes", sources=[source])
        until("clients write to the new primary", clients.taken_by, new.ipv4)
    assert done.status == 0, done.output
    assert pg_test.primary() == new
    assert clients.refused == []
    assert {server for _when, server in clients.taken} == {old.ipv4, new.ipv4}
    assert max(clients.taken_by(old.ipv4)) < min(clients.taken_by(new.ipv4))
    for node in pg_test.members:
        assert services.up_servers(node, "pg-test-primary") == {new.name}
    figures("switchover from one command: seconds without writes", round(clients.gap(old.ipv4, new.ipv4), 2))

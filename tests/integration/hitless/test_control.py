# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control: the description's file and a plain reload. It fails where ours must not, or the tests see nothing."""

from __future__ import annotations

from ansible_collections.pgsvc.access.tests.integration.hitless import scenarios
from ansible_collections.pgsvc.access.tests.integration.hitless.balancer import PlainBalancer
from ansible_collections.pgsvc.access.tests.support.service import DEFAULT_SERVER
from ansible_collections.pgsvc.access.tests.support.traffic import Session


def test_reloads_misroute(plain: PlainBalancer) -> None:
    plain.begin_service()
    series = scenarios.reload_series(plain, 5)
    print(series.tally)
    assert series.tally.misrouted() > 0, series.tally


def test_changes_of_servers_reload_and_misroute(plain: PlainBalancer) -> None:
    plain.begin_service()
    series = scenarios.member_series(plain, 5)
    print(series.tally)
    assert series.reloads == 5
    assert series.tally.misrouted() > 0, series.tally


def test_a_session_from_before_a_reload_is_orphaned(plain: PlainBalancer) -> None:
    """One from behind the reload is cut by the failover; the one from before stays with the demoted primary."""
    plain.begin_service()
    bound = scenarios.cut_bound(DEFAULT_SERVER) + 2
    with Session(plain.clients) as orphan:
        plain.change(next(scenarios.heads(plain.declared, 1)))
        plain.settle()
        with Session(plain.clients) as watched:
            assert scenarios.failover(plain, watched, bound) is not None
        assert orphan.ping()
        assert orphan.member == "pg1"


def test_a_start_after_a_failover_misroutes(plain: PlainBalancer) -> None:
    """A demoted primary is busy, and its first check, which HAProxy begins at once, is not answered at once."""
    plain.begin_service()
    plain.patroni.delay("pg1", 0.5)
    tally = scenarios.start_after_failover(plain)
    assert tally.misrouted() > 0, tally
    assert tally.members["pg1"] > 0, tally

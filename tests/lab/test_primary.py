# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The services that follow the primary, 5433 through the pool and 5436 past it, while it changes in every way."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import psycopg
import pytest
from labtest import clients, services
from labtest.clients import Writer
from labtest.cluster import Cluster, FirstPrimary, patroni_stays_dead, ssh
from labtest.waiting import until
from pgsvc_lab import network, nodes
from pgsvc_lab.settings import Node

#: HAProxy marks a server down after `fall 3` checks: the next one is at most `inter 3s` away, the others `fastinter 1s`
#: apart, and each may take `timeout check 3s` where nothing answers.
DOWN_BOUND = 3 + 1 + 1 + 3 * 3
#: The same where a killed Patroni refuses the checks at once. One second for the machines.
CUT_BOUND = 3 + 1 + 1 + 1

Figures = Callable[[str, object], None]
Publish = Callable[..., services.Run]


def _everywhere(members: Sequence[Node]) -> list[tuple[str, int]]:
    return [(node.ipv4, port) for node in members for port in (5433, 5436)]


def _wait_for_writes(running: Sequence[Writer], server: Node, after: float, timeout: float = 60.0) -> None:
    for writer in running:
        until(f"{writer.name} writes to {server.name}", writer.taken_by, server.ipv4, after, timeout=timeout)


def _resumption(running: Sequence[Writer], new: FirstPrimary) -> dict[str, float]:
    """Seconds from the new primary's first 200 on /primary to the first write that it took, for each way there."""
    assert new.node is not None
    address = new.node.ipv4
    return {writer.name: round(min(writer.taken_by(address)) - new.when, 2) for writer in running}


def _assert_only(running: Sequence[Writer], allowed: set[str]) -> None:
    took = {server for writer in running for _each, server in writer.taken}
    assert took <= allowed


def _rows_that_arrived(primary: Node, running: Sequence[Writer]) -> None:
    """Each write that the new primary acknowledged is there."""
    with clients.connect(primary.ipv4, 5432) as connection:
        for writer in running:
            row = connection.execute(
                "SELECT count(*) FROM writes WHERE client = %s AND server = %s", (writer.name, primary.ipv4)
            ).fetchone()
            assert row is not None
            assert row[0] >= len(writer.taken_by(primary.ipv4))


def test_switchover(pg_test: Cluster, figures: Figures) -> None:
    """patronictl switchover: writes resume on the new primary through every node, and no other server takes one."""
    old, candidate = pg_test.members[0], pg_test.members[1]
    with clients.writers(*_everywhere(pg_test.members)) as running, FirstPrimary(pg_test, old) as new:
        _wait_for_writes(running, old, after=0)
        pg_test.patronictl("switchover", "--leader", old.name, "--candidate", candidate.name, "--force", pg_test.name)
        assert new.wait() == candidate
        _wait_for_writes(running, candidate, after=new.when)

    _assert_only(running, {old.ipv4, candidate.ipv4})
    assert not [when for writer in running for when in writer.taken_by(old.ipv4, after=new.when)]
    _rows_that_arrived(candidate, running)
    figures("switchover: seconds from the first /primary 200 to the first write", _resumption(running, new))


def _change_weights(cluster: Cluster, changes: int) -> None:
    """So many changes in a row, and the processes that check the members go on through all of them."""
    workers = [services.worker(each) for each in cluster.members]
    services.playbook("changes", "-e", services.as_json({"kind": "weight", "changes": changes}))
    weights = {member.name: 50 + changes - 1 for member in cluster.members}
    services.wait_for_weights(cluster.members[2], "pg-test-primary", weights)
    assert [services.worker(each) for each in cluster.members] == workers


@pytest.mark.parametrize("changes", [4, pytest.param(20, marks=pytest.mark.full)])
def test_killed_patroni(pg_test: Cluster, published: Publish, figures: Figures, changes: int) -> None:
    """kill -9 of the primary's Patroni leaves a PostgreSQL that takes writes; no service leads to it.

    Nor does a session stay there that was open before a series of changes of the services.
    """
    old = pg_test.members[0]
    published("pg-test")
    session = clients.connect(pg_test.members[2].ipv4, 5436)
    assert clients.ask(session).server == old.ipv4
    _change_weights(pg_test, changes)
    assert clients.ask(session).server == old.ipv4
    with clients.writers(*_everywhere(pg_test.members)) as running, FirstPrimary(pg_test, old) as new:
        _wait_for_writes(running, old, after=0)
        with patroni_stays_dead(old):
            ssh(old, "systemctl kill --kill-who=main --signal=KILL patroni")
            killed = time.monotonic()
            until("the open session is cut", lambda: _is_cut(session), timeout=CUT_BOUND)
            figures("killed Patroni: seconds until an open session is cut", round(time.monotonic() - killed, 2))
            candidate = new.wait()
            _wait_for_writes(running, candidate, after=new.when)

            assert clients.can_write(old.ipv4, 5432), "the old primary should still take writes: that is the danger"
            took = max(when for writer in running for when in writer.taken_by(old.ipv4))
            assert took - killed < DOWN_BOUND
            assert took < new.when, "a write reached the old primary after there was a new one"

    _assert_only(running, {old.ipv4, candidate.ipv4})
    figures("killed Patroni: seconds until the last write on the old primary", round(took - killed, 2))
    figures("killed Patroni: seconds from the first /primary 200 to the first write", _resumption(running, new))
    pg_test.wait_until_whole()
    _rows_that_arrived(candidate, running)


def test_cut_network(pg_test: Cluster, figures: Figures) -> None:
    """The primary's cable is pulled: the others go on without it, and it takes no write when it is back."""
    old = pg_test.members[0]
    left = pg_test.others(old)
    try:
        with clients.writers(*_everywhere(left)) as running, FirstPrimary(pg_test, old) as new:
            _wait_for_writes(running, old, after=0)
            network.set_cable(old, plugged=False)
            cut = time.monotonic()
            candidate = new.wait()
            _wait_for_writes(running, candidate, after=new.when)
    finally:
        network.set_cable(old, plugged=True)
    assert not [when for writer in running for when in writer.taken_by(old.ipv4, after=cut + 1)]
    figures("cut network: seconds from the first /primary 200 to the first write", _resumption(running, new))

    with clients.writers(*_everywhere([old])) as behind:
        _wait_for_writes(behind, candidate, after=0)
    _assert_only(behind, {candidate.ipv4})
    pg_test.wait_until_whole()


def test_lost_node(pg_test: Cluster, figures: Figures) -> None:
    """The primary's machine loses its power: writes resume through the others; booted again, it serves as they do."""
    old = pg_test.members[0]
    left = pg_test.others(old)
    try:
        with clients.writers(*_everywhere(left)) as running, FirstPrimary(pg_test, old) as new:
            _wait_for_writes(running, old, after=0)
            nodes.power_off(old)
            lost = time.monotonic()
            candidate = new.wait()
            _wait_for_writes(running, candidate, after=new.when)
    finally:
        nodes.start(old)
    assert not [when for writer in running for when in writer.taken_by(old.ipv4, after=lost + 1)]
    figures("lost node: seconds from the first /primary 200 to the first write", _resumption(running, new))

    # HAProxy starts with the machine, and with every server down until it has seen it healthy.
    with clients.writers(*_everywhere([old])) as behind:
        _wait_for_writes(behind, candidate, after=0)
    _assert_only(behind, {candidate.ipv4})
    pg_test.wait_until_whole()


def test_rebooted_node(pg_test: Cluster) -> None:
    """An orderly reboot of a replica: its load balancer is back, and what it hands out is right."""
    node = pg_test.members[1]
    started = "systemctl show -p ExecMainStartTimestampMonotonic haproxy"
    before = ssh(node, started)
    with clients.writers(*_everywhere([node])) as running:
        _wait_for_writes(running, pg_test.members[0], after=0)
        ssh(node, "systemctl reboot", check=False)
        until("HAProxy has started anew", lambda: ssh(node, started) != before)
        booted = time.monotonic()
        _wait_for_writes(running, pg_test.members[0], after=booted)
    _assert_only(running, {pg_test.members[0].ipv4})
    pg_test.wait_until_whole()


def _is_cut(session: clients.Connection) -> bool:
    try:
        session.execute("SELECT 1")
    except psycopg.OperationalError:
        return True
    return False

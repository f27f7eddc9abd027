# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One change, with sessions held on every server, connections to every service, and a failover behind it."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections import Counter

from ansible_collections.pgsvc.access.tests.integration.staying.changes import Change
from ansible_collections.pgsvc.access.tests.integration.staying.site import CLUSTER, SERVED_BY, Balancer
from ansible_collections.pgsvc.access.tests.support.haproxy import wait_until
from ansible_collections.pgsvc.access.tests.support.traffic import Session, Tally, Traffic

RATE = 120
"""New connections a second to each service."""
SESSIONS = 4
"""Sessions that are opened through each service."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What clients noticed: `lost` and `misrouted` new connections, `cut` sessions of members that stay.

    `method` is how the change reached HAProxy, `seconds` how long the publish took. The members that held sessions are
    in `holding`, the connections that were made are counted in `connections`, and those behind the failover, with what
    became of them, in `afterwards`.
    """

    method: str
    seconds: float
    connections: int
    lost: int
    misrouted: int
    cut: int
    holding: Counter[str]
    afterwards: Tally

    def __str__(self) -> str:
        return (
            f"{self.method} in {self.seconds:.2f} s; {self.connections} connections: {self.lost} lost,"
            f" {self.misrouted} misrouted; {sum(self.holding.values())} sessions: {self.cut} cut"
        )


def assert_unnoticed(outcome: Outcome, method: str) -> None:
    """No client noticed the change, which reached HAProxy by `method`, or the failover behind it."""
    assert len(outcome.holding) >= 2, outcome.holding
    assert outcome.connections > 300, outcome
    assert (outcome.lost, outcome.misrouted, outcome.cut) == (0, 0, 0), outcome
    assert outcome.method == method
    after = outcome.afterwards
    assert after.answered["primary"] > 10, after
    assert (after.lost, after.misrouted()) == (0, 0), after


def run(balancer: Balancer, change: Change) -> Outcome:
    """Make the change on a load balancer that serves the plain site and has settled."""
    change.before(balancer)
    leaving = {f"{CLUSTER}-{seq}" for seq in change.leaving}
    site = balancer.site.copy()
    change.edit(balancer, site)
    with contextlib.ExitStack() as stack:
        sessions = [
            (name, stack.enter_context(Session(balancer.endpoint(name))))
            for name in balancer.site.services
            for _each in range(SESSIONS)
        ]
        tallies = {
            name: stack.enter_context(Traffic(balancer.endpoint(name), RATE))
            for name in balancer.site.services
            if name not in change.removed
        }
        time.sleep(0.3)
        result = balancer.apply(site)
        time.sleep(1.2)
        cut = [each for name, each in sessions if each.member not in leaving and not each.ping()]
        stack.pop_all().close()
    roles = {name: change.readers if SERVED_BY[name] == "replica" else {"primary"} for name in tallies}
    return Outcome(
        method=result["applied"]["method"],
        seconds=result["took"],
        connections=sum(tally.total for tally in tallies.values()),
        lost=sum(tally.lost for tally in tallies.values()),
        misrouted=sum(tally.misrouted(roles[name]) for name, tally in tallies.items()),
        cut=len(cut),
        holding=Counter(session.member for _name, session in sessions),
        afterwards=after_failover(balancer, change),
    )


def after_failover(balancer: Balancer, change: Change) -> Tally:
    """The primary moves to the third member: connections to a service of the primary once HAProxy has noticed."""
    service = next(n for n in balancer.site.services if change.served.get(n) == "primary" and n != "default")
    primary = next(n for n in balancer.patroni.members if n.endswith("-3"))
    members = dict.fromkeys(balancer.patroni.members, "replica")
    balancer.patroni.role(**{**members, primary: "primary"})
    proxy = f"{CLUSTER}-{service}"

    def settled() -> bool:
        up = [server for server, status in balancer.haproxy.statuses(proxy).items() if status.startswith("UP")]
        return len(up) == 1 and up[0].endswith("3")

    wait_until(settled, timeout=10)
    with Traffic(balancer.endpoint(service), RATE) as tally:
        time.sleep(0.4)
    return tally

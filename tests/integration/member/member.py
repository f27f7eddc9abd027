# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module that takes a member out, run on a real load balancer, and what its clients notice meanwhile."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

from ansible_collections.pgsvc.access.tests.integration.publish.node import Node
from ansible_collections.pgsvc.access.tests.integration.staying.site import CLUSTER, Balancer
from ansible_collections.pgsvc.access.tests.support.haproxy import wait_until
from ansible_collections.pgsvc.access.tests.support.modules import Run
from ansible_collections.pgsvc.access.tests.support.traffic import Session, Tally, Traffic

MEMBER = f"{CLUSTER}-2"
RATE = 120


def set_state(balancer: Node, state: str, member: str = MEMBER, *, check: bool = False, **more: Any) -> dict[str, Any]:
    """Run the module in a process of its own; its result."""
    arguments = {
        "cluster": CLUSTER,
        "member": member,
        "state": state,
        "conf_dir": str(balancer.conf_dir),
        "state_dir": str(balancer.state_dir),
        "master_socket": str(balancer.haproxy.master_socket),
        "stats_socket": str(balancer.haproxy.stats_socket),
        **more,
        "_ansible_check_mode": check,
        "_ansible_diff": True,
    }
    return Run("haproxy_member_state", arguments).result()


def settled(balancer: Node, state: str, member: str = MEMBER) -> dict[str, Any]:
    """The result once nothing is left to wait for."""

    def look() -> dict[str, Any]:
        result = set_state(balancer, state, member)
        return result if result["settled"] else {}

    return wait_until(look, timeout=30, interval=0.3)  # each look is a process


def states(result: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Server to state, by service."""
    assert "services" in result, result
    return {each["service"]: {s["server"]: s["state"] for s in each["servers"]} for each in result["services"]}


def all_states(result: dict[str, Any]) -> set[str]:
    return {state for servers in states(result).values() for state in servers.values()}


def hold(balancer: Balancer, stack: contextlib.ExitStack, service: str, member: str = MEMBER) -> Session:
    """A session with the member, by a service that balances between members."""
    for _each in range(20):
        session = Session(balancer.endpoint(service))
        if session.member == member:
            stack.callback(session.close)
            return session
        session.close()
    raise AssertionError(f"no connection to {service} reached {member}")


@contextlib.contextmanager
def traffic(balancer: Balancer) -> Iterator[dict[str, Tally]]:
    """Connections to every service within the block."""
    with contextlib.ExitStack() as stack:
        yield {name: stack.enter_context(Traffic(balancer.endpoint(name), RATE)) for name in balancer.site.services}


def during(balancer: Balancer, act: Callable[[], Any], seconds: float = 0.5) -> dict[str, Tally]:
    """Connections to every service while something is done, and for a moment behind it."""
    with traffic(balancer) as tallies:
        act()
        time.sleep(seconds)
    return tallies


def reached(tallies: dict[str, Tally], member: str = MEMBER) -> int:
    """How many connections reached the member."""
    return sum(tally.members[member] for tally in tallies.values())


def lost(tallies: dict[str, Tally]) -> int:
    return sum(tally.lost for tally in tallies.values())


def is_serving(balancer: Balancer, member: str = MEMBER) -> bool:
    """Whether the next connections to `replica` reach the member."""
    with Traffic(balancer.endpoint("replica"), RATE) as tally:
        time.sleep(0.2)
    return tally.members[member] > 0

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done to a load balancer while clients use it. The tests judge the outcome, ``make reliability`` shows it."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable, Iterator

from ansible_collections.pgsvc.access.tests.integration.hitless.balancer import PRIMARY, Balancer, Declared
from ansible_collections.pgsvc.access.tests.support.haproxy import wait_until
from ansible_collections.pgsvc.access.tests.support.traffic import Session, Tally, Traffic

RATE = 600
"""New connections a second; the promise is about 500, and a thread that shares its processor needs some slack."""


@dataclasses.dataclass(frozen=True)
class Series:
    """A series of changes: what became of the connections during it, and how often the master reloaded."""

    changes: int
    reloads: int
    tally: Tally


def cut_bound(default_server: str) -> float:
    """Seconds within which a failover is seen: one interval, then `fall` - 1 fast ones (Configuration Manual 5.2)."""
    words = default_server.split()
    times = {word: words[words.index(word) + 1] for word in ("inter", "fastinter", "fall")}
    inter, fastinter = (
        float(text[:-2]) / 1000 if text.endswith("ms") else float(text[:-1])
        for text in (times["inter"], times["fastinter"])
    )
    return inter + (int(times["fall"]) - 1) * fastinter


def heads(start: Declared, times: int) -> Iterator[Declared]:
    """Changes that each need a reload: a listener's limit, a service that comes, the limit, the service goes..."""
    now = start
    for number in range(times):
        if number % 2:
            now = dataclasses.replace(now, beside=not now.beside)
        else:
            now = dataclasses.replace(now, maxconn=now.maxconn + 1)
        yield now


def members(balancer: Balancer, times: int) -> Iterator[Declared]:
    """Changes of servers only. pg1, the primary, keeps its place and changes its weight; the others come and go."""
    pg1, pg2, pg3 = (balancer.line(name) for name in ("pg1", "pg2", "pg3"))
    elsewhere = balancer.line("pg3").replace(":6432", ":5432")
    for number in range(times):
        weight = f"weight {number % 100 + 1}"
        servers = (
            (balancer.line("pg1", weight), pg2, pg3),
            (pg1, pg3),
            (pg1, pg2, pg3),
            (pg1, pg2 + " backup", balancer.line("pg3", weight)),
            (pg1, pg2, elsewhere),
        )[number % 5]
        yield dataclasses.replace(balancer.declared, servers=servers)


def reload_series(balancer: Balancer, times: int, after: Callable[[], None] = lambda: None) -> Series:
    """Changes that need a reload, under traffic to the primary service; `after` is called behind each."""
    return series(balancer, heads(balancer.declared, times), after)


def member_series(balancer: Balancer, times: int, after: Callable[[], None] = lambda: None) -> Series:
    """Changes of members and weights, under traffic to the primary service; `after` is called behind each."""
    return series(balancer, members(balancer, times), after)


def series(balancer: Balancer, changes: Iterable[Declared], after: Callable[[], None]) -> Series:
    """Changes under traffic to the primary service; `after` is called behind each."""
    before, done = balancer.reloads(), 0
    with Traffic(balancer.clients, RATE) as tally:
        for declared in changes:
            balancer.change(declared)
            after()
            done += 1
    return Series(done, balancer.reloads() - before, tally)


def failover(balancer: Balancer, session: Session, patience: float) -> float | None:
    """The primary moves from pg1 to pg2: seconds until the session is cut, None when it outlives `patience`."""
    balancer.patroni.failover("pg1", "pg2")
    began = time.monotonic()
    try:
        return session.wait_cut(patience) - began
    except AssertionError:
        return None


def protected(balancer: Balancer, changes: Iterator[Declared], patience: float) -> float | None:
    """A session is opened, the changes are made, and the primary fails over: see `failover`."""
    with Session(balancer.clients) as session:
        assert (session.member, session.role) == ("pg1", "primary")
        for declared in changes:
            balancer.change(declared)
        return failover(balancer, session, patience)


def by_somebody_else(balancer: Balancer, what: Callable[[], None]) -> Tally:
    """Connections while somebody else does something to HAProxy, until every member has its verdict again."""
    with Traffic(balancer.clients, RATE) as tally:
        what()
        balancer.settle()
        wait_until(lambda: tally.answered.total() > 0)
    return tally


def start_after_failover(balancer: Balancer) -> Tally:
    """HAProxy is dead while the primary moves from pg1 to pg2; connections from its start on, until it has settled."""
    balancer.haproxy.stop(kill=True)
    balancer.patroni.failover("pg1", "pg2")
    with Traffic(balancer.clients, RATE) as tally:
        balancer.haproxy.start()
        balancer.settle("pg2")
        wait_until(lambda: tally.members["pg2"] > 0)
    return tally


def equal_to_files(balancer: Balancer) -> None:
    """The servers of the primary service run as the file on disk says."""
    assert balancer.running() == balancer.on_disk(), PRIMARY

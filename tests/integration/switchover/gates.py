# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module that closes and opens gates, in processes of its own, and Patroni's switchover beside it."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ansible_collections.pgsvc.access.tests.integration.staying.site import CLUSTER, Balancer
from ansible_collections.pgsvc.access.tests.support.modules import Run

OLD, NEW = f"{CLUSTER}-1", f"{CLUSTER}-2"
SERVICES = [f"{CLUSTER}-primary", f"{CLUSTER}-default"]


def begin(balancer: Balancer, state: str, *, check: bool = False, **more: Any) -> Run:
    """Start the module."""
    arguments = {
        "cluster": CLUSTER,
        "services": SERVICES,
        "leader": OLD,
        "state": state,
        "conf_dir": str(balancer.conf_dir),
        "master_socket": str(balancer.haproxy.master_socket),
        "stats_socket": str(balancer.haproxy.stats_socket),
        **more,
        "_ansible_check_mode": check,
    }
    return Run("haproxy_service_gate", arguments)


def gate(balancer: Balancer, state: str, **more: Any) -> dict[str, Any]:
    """Run the module; its result."""
    return begin(balancer, state, **more).result()


@contextmanager
def switching(balancer: Balancer) -> Iterator[list[tuple[int, str]]]:
    """Patroni moves the primary within the block; behind it, the list has its answer."""
    answers: list[tuple[int, str]] = []
    address = balancer.patroni.members[OLD].address

    def ask() -> None:
        opened = http.client.HTTPConnection(address, 8008, timeout=30)
        opened.request("POST", "/switchover", json.dumps({"leader": OLD, "candidate": NEW}))
        response = opened.getresponse()
        answers.append((response.status, response.read().decode()))
        opened.close()

    thread = threading.Thread(target=ask, name="POST /switchover")
    thread.start()
    try:
        yield answers
    finally:
        thread.join()

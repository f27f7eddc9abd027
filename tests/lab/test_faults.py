# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node's HAProxy in trouble during a publish, under a real systemd: frozen, killed, reloaded by somebody else.

Every time the other nodes are done, the words say what is true, and the next run completes.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from labtest import clients, services
from labtest.cluster import Cluster, ssh
from labtest.services import pgsql_svc, wait_for_up
from labtest.waiting import until
from pgsvc_lab.settings import Node

Publish = Callable[..., services.Run]

PORT = 5441
SERVICES: dict[str, Any] = {
    "pg_services": [{"name": "extra", "port": PORT, "dest": "postgres", "check": "/primary", "selector": "[]"}]
}
STATE = "/var/lib/haproxy/pgsvc/pg-test-primary.state"
REST = "/var/lib/haproxy/pgsvc/.pgsvc-rest.pg-test-primary.state.tmp"
WORKER = "$(pgrep --newest --parent $(systemctl show haproxy --property=MainPID --value) haproxy)"
MASTER = "$(systemctl show haproxy --property=MainPID --value)"


@contextmanager
def frozen(node: Node, process: str) -> Iterator[None]:
    pid = ssh(node, f"echo {process}").strip()
    ssh(node, f"kill -STOP {pid}")
    try:
        yield
    finally:
        ssh(node, f"kill -CONT {pid}")


@pytest.mark.parametrize("process", [WORKER, MASTER], ids=["worker", "master"])
def test_frozen(pg_test: Cluster, published: Publish, process: str) -> None:
    """One node's HAProxy does not answer: nothing is written there, and the message says who does not answer."""
    published("pg-test")
    ill, others = pg_test.members[1], pg_test.others(pg_test.members[1])
    before = services.service_files(ill)
    with frozen(ill, process):
        done = pgsql_svc("pg-test", variables=SERVICES)
    assert done.status != 0
    words = re.sub(r"\s+", " ", done.output)
    assert re.search(r"HAProxy at /run/haproxy-master.sock did not answer '[@0-9a-z ]+' within \d+ seconds", words), (
        words
    )
    assert done.recap(ill.ipv4)["failed"] == 1
    wait_for_up(others, "pg-test-extra", {"pg-test-1"})
    assert services.service_files(ill) == before

    published("pg-test", variables=SERVICES)
    wait_for_up([ill], "pg-test-extra", {"pg-test-1"})
    assert clients.can_write(ill.ipv4, PORT)


def test_reloaded_by_somebody_else(pg_test: Cluster, published: Publish) -> None:
    """`systemctl reload haproxy`, again and again while services come and go: every run does what it was to do."""
    node = pg_test.members[1]
    stop = threading.Event()

    def reload() -> None:
        while not stop.wait(0.3):
            ssh(node, "systemctl reload haproxy", check=False)

    thread = threading.Thread(target=reload)
    thread.start()
    try:
        for variables in (SERVICES, {}, SERVICES):
            done = published("pg-test", variables=variables)
            assert done.recap(node.ipv4)["failed"] == 0
            assert ("pg-test-extra.cfg" in services.service_files(node)) == bool(variables)
    finally:
        stop.set()
        thread.join()
    wait_for_up(pg_test.members, "pg-test-extra", {"pg-test-1"})
    assert clients.can_write(node.ipv4, PORT)


def test_killed(pg_test: Cluster, published: Publish) -> None:
    """HAProxy is killed during a publish, and systemd starts it anew: it has the old files or the new ones."""
    node = pg_test.members[1]
    published("pg-test")
    timer = threading.Timer(1.5, ssh, (node, "systemctl kill --signal=KILL haproxy"))
    timer.start()
    done = pgsql_svc("pg-test", variables=SERVICES)
    timer.join()
    failed = done.recap(node.ipv4)["failed"]
    assert (done.status != 0) == bool(failed), done.output
    until("HAProxy is back", lambda: "active" in ssh(node, "systemctl is-active haproxy"))
    published("pg-test", variables=SERVICES)
    wait_for_up(pg_test.members, "pg-test-extra", {"pg-test-1"})
    assert clients.can_write(node.ipv4, PORT)


@pytest.mark.parametrize("command", ["reload", "restart"])
def test_states_of_a_run_that_was_killed_with_its_guard(pg_test: Cluster, published: Publish, command: str) -> None:
    """The carried states are left on disk, as by a control group that is killed: systemd's next start or reload of
    HAProxy, whoever asks for it, begins with servers that are DOWN until they have been checked."""
    published("pg-test")
    node = pg_test.members[1]
    resting = ssh(node, f"cat {STATE}")
    carried = re.sub(r"(pg-test-\d \S+) 0 0", r"\1 2 0", resting)
    assert carried != resting
    ssh(node, f"ln {STATE} {REST} && printf '%s' '{carried}' > {STATE}.new && mv {STATE}.new {STATE}")
    ssh(node, f"flock /etc/haproxy systemctl {command} haproxy")
    assert ssh(node, f"cat {STATE}").strip() == carried.strip(), "a run that is under way needs them"
    ssh(node, f"systemctl {command} haproxy")
    assert ssh(node, f"cat {STATE}; ls {REST} 2>/dev/null", check=False) == resting
    wait_for_up([node], "pg-test-primary", {"pg-test-1"})

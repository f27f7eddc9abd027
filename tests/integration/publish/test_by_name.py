# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Members addressed by name: a verdict belongs to the address that was checked, and not to the name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgsvc.access.tests.integration.publish.node import OWNER, Node
from ansible_collections.pgsvc.access.tests.support.haproxy import HAProxy
from ansible_collections.pgsvc.access.tests.support.patroni import Patroni
from ansible_collections.pgsvc.access.tests.support.service import QUICK, service_file
from ansible_collections.pgsvc.access.tests.support.traffic import Traffic

NAME = "pg-primary"


class Named:
    """A load balancer with one member, which it knows by the name db1. The name is moved by `point`."""

    def __init__(self, haproxy: HAProxy, patroni: Patroni, address: str, hosts: Path) -> None:
        self.node = Node(haproxy, address)
        self.patroni = patroni
        self._hosts = hosts
        self.point("pg1")
        mount = f'mount --bind {hosts} /etc/hosts && exec "$0" "$@"'
        haproxy.prefix = ["unshare", "--mount", "--propagation", "private", "sh", "-c", mount]

    def point(self, member: str) -> None:
        self._hosts.write_text(f"127.0.0.1 localhost\n{self.patroni.members[member].address} db1\n")

    def forget(self) -> None:
        """No name can be resolved any more."""
        self._hosts.write_text("127.0.0.1 localhost\n")

    def publish(self, maxconn: int, options: str = "") -> dict[str, Any]:
        result = self.try_to_publish(maxconn, options)
        assert not result.get("failed"), result["msg"]
        return result

    def try_to_publish(self, maxconn: int, options: str = "") -> dict[str, Any]:
        line = f"server pg1 db1:6432 check port 8008 weight 100{options}"
        text = service_file(
            NAME, f"{self.node.address}:5433", [line], state_dir=self.node.state_dir, default_server=QUICK
        )
        content = text.replace("maxconn 5000", f"maxconn {maxconn}").replace("owner member/pg:", f"owner {OWNER}:")
        prefix = ["nsenter", f"--mount=/proc/{self.node.haproxy.master_pid}/ns/mnt"]
        file = {"name": NAME, "owner": OWNER, "content": content}
        return self.node.begin([file], prefix=prefix).result()

    def server(self) -> tuple[str, str]:
        """The address and the status of the member."""
        (row,) = self.node.haproxy.api.servers_state()
        return row.addr, self.node.haproxy.statuses(NAME)["pg1"]


@pytest.fixture
def named(haproxy: HAProxy, patroni: Patroni, new_address: Callable[[], str], tmp_path: Path) -> Iterator[Named]:
    patroni.add("pg4", new_address(), "primary")
    named = Named(haproxy, patroni, new_address(), tmp_path / "hosts")
    haproxy.start()
    named.publish(5000)
    haproxy.wait_status(NAME, "pg1", "UP")
    yield named


def test_the_verdict_is_carried_while_the_name_stays(named: Named) -> None:
    with Traffic((named.node.address, 5433), 200) as tally:
        assert named.publish(5001)["applied"]["method"] == "reload"
    assert (tally.misrouted(), tally.lost) == (0, 0), tally
    assert named.publish(5001)["changed"] is False


def test_a_name_that_moves_to_a_member_that_passes(named: Named) -> None:
    named.point("pg4")
    with Traffic((named.node.address, 5433), 200) as tally:
        named.publish(5001)
    assert (tally.misrouted(), tally.lost) == (0, 0), tally
    assert named.server() == (named.patroni.members["pg4"].address, "UP")
    assert tally.members["pg4"] > 0, tally


def test_a_name_that_moves_to_a_member_that_fails(named: Named) -> None:
    """It inherits nothing from the member that had the name before."""
    named.point("pg2")
    with Traffic((named.node.address, 5433), 200) as tally:
        named.publish(5001)
    assert tally.misrouted() == 0, tally
    assert named.server() == (named.patroni.members["pg2"].address, "DOWN")


def test_a_name_that_cannot_be_resolved_is_refused(named: Named) -> None:
    """HAProxy would not start from the file; what runs goes on with the address that it knows."""
    before, server = named.node.snapshot(), named.server()
    named.forget()
    result = named.try_to_publish(5001)
    assert result["failed"]
    assert "could not resolve address 'db1'" in result["msg"]
    assert (named.node.snapshot(), named.server()) == (before, server)


def test_haproxy_does_not_start_while_a_name_cannot_be_resolved(named: Named) -> None:
    named.forget()
    named.node.haproxy.stop()
    with pytest.raises(AssertionError, match="could not resolve address 'db1'"):
        named.node.haproxy.start()
    named.node.haproxy.stop()
    named.point("pg1")
    named.node.haproxy.start()
    named.node.haproxy.wait_status(NAME, "pg1", "UP")


def test_with_init_addr_haproxy_starts_without_the_member(named: Named) -> None:
    """Documented: the server has no address until HAProxy is reloaded, or has resolvers that it asks."""
    named.publish(5000, " init-addr last,libc,none")
    named.forget()
    named.node.haproxy.restart()
    assert named.server()[1] != "UP"
    assert named.publish(5001, " init-addr last,libc,none")["changed"]
    named.point("pg1")
    named.publish(5002, " init-addr last,libc,none")
    named.node.haproxy.wait_status(NAME, "pg1", "UP")

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IPv6 from the client to PostgreSQL: addresses of members, listeners of services, names, URLs, and psql."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from labtest import clients, services
from labtest.cluster import Cluster
from labtest.services import ansible_playbook, overlay, pgsql_svc, wait_for_up
from pgsvc_lab import controller, credentials
from pgsvc_lab.settings import node

NETWORK = "fd00:10:10:10::"
NAME_SERVER = node("pg-meta-1")
#: Load balancers listen on their IPv6 address alone, and reach and check the members over IPv6.
SETTINGS = {"pg-test": {"vars": {"pg_address": "{{ lab_ipv6 }}", "pg_service_ip": "{{ lab_ipv6 }}"}}}
SERVICES = ("primary", "replica", "default", "offline")
QUERY = "SELECT json_build_array(pg_is_in_recovery(), host(inet_server_addr()), host(inet_client_addr()))"

pytestmark = pytest.mark.usefixtures("pg_test")


@pytest.fixture(scope="module")
def ipv6() -> Iterator[Path]:
    """An inventory source by which pg-test uses IPv6 only, its names included; these are put back afterwards."""
    with overlay(SETTINGS) as source:
        ansible_playbook("pgsvc.access.access", "-t", "pg_dns", sources=[source])
        yield source
    ansible_playbook("pgsvc.access.access", "-t", "pg_dns_records")


def as_client(tmp_path: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a client on the controller, which asks the lab's name server over IPv6."""
    resolver = tmp_path / "resolv.conf"
    resolver.write_text(f"nameserver {NAME_SERVER.ipv6}\noptions timeout:2 attempts:2\n", encoding="ascii")
    script = 'mount --bind "$1" /etc/resolv.conf && shift && exec "$@"'
    environment = {**os.environ, **controller.environment(), "PGPASSWORD": credentials.passwords()["test"]}
    return subprocess.run(
        controller.inside(["sh", "-c", script, "sh", str(resolver), *command]),
        capture_output=True, text=True, check=False, env=environment, timeout=60,
    )  # fmt: skip


def test_services_names_and_urls(
    pg_test: Cluster, published: Callable[..., object], ipv6: Path, tmp_path: Path
) -> None:
    published("pg-test", sources=[ipv6])
    wait_for_up(pg_test.members, "pg-test-primary", {"pg-test-1"})
    wait_for_up(pg_test.members, "pg-test-replica", {"pg-test-1", "pg-test-2", "pg-test-3"})

    for member in pg_test.members:
        found = services.stats(member)
        addresses = [
            row["addr"] for name in SERVICES for row in found[f"pg-test-{name}"].values() if row["addr"]
        ]  # fmt: skip
        assert len(addresses) > len(SERVICES)
        assert [address for address in addresses if not address.startswith(f"[{NETWORK}")] == []
        answer = clients.who(member.ipv6, 5436)
        assert (answer.server, answer.client) == (pg_test.members[0].ipv6, member.ipv6)
        assert clients.can_write(member.ipv6, 5433)
        with pytest.raises(psycopg.OperationalError, match="Connection refused"):
            clients.who(member.ipv4, 5433)

    for name, address in {"pg-test": pg_test.members[0].ipv6, "pg-test-3": pg_test.members[2].ipv6}.items():
        assert as_client(tmp_path, "getent", "ahostsv6", name).stdout.split()[:1] == [address]
        assert as_client(tmp_path, "getent", "ahostsv4", name).stdout == ""

    asked = ("--urls", "--user", "test", "--db", "test", "--format", "json")
    found_rows = json.loads(pgsql_svc("pg-test", *asked, sources=[ipv6]).stdout)
    rows: list[dict[str, Any]] = [row for row in found_rows if row["access"] in ("read-write", "read-only")]
    assert {row["kind"] for row in rows} >= {"cluster", "address", "multi"}
    assert f"postgresql://test@[{pg_test.members[1].ipv6}]:5433/test" in [row["url"] for row in rows]
    assert [row["label"] for row in rows if "10.10.10." in row["url"] + row["libpq"]] == []
    for row in rows:
        for target in (row["url"], row["libpq"]):
            done = as_client(tmp_path, "psql", "-XAtc", QUERY, "-d", target)
            assert done.returncode == 0, (row["label"], done.stderr)
            in_recovery, server, client = json.loads(done.stdout)
            assert in_recovery is (row["access"] == "read-only"), (row["label"], server)
            if row["service"] in ("default", "offline"):  # the others go through pgbouncer, which uses IPv4 on its node
                assert server.startswith(NETWORK)
                assert client.startswith(NETWORK)

    again = ansible_playbook("pgsvc.access.pgsql", "-l", "pg-test", "-t", "pg_service", sources=[ipv6])
    assert "changed: [" not in again

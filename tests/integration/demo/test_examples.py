# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The other examples, each as its README runs it."""

from __future__ import annotations

import os
import subprocess

from ansible_collections.pgsvc.access.tests.integration.demo.examples import Examples, lines


def test_dedicated_load_balancers_carry_both_clusters(examples: Examples) -> None:
    examples.demo("start", "examples/proxy/inventory.yml")
    proxies = [f"{examples.prefix}{last}" for last in (18, 19)]
    members = [f"{examples.prefix}{last}" for last in (10, 11, 12, 13)]

    said = examples.publish("proxy/inventory.yml", "pg-test")

    assert {host for host, changed in said.changed.items() if changed} == set(proxies)
    for host in proxies:
        files = examples.files(host)
        assert list(files) == ["pg-meta-primary", "pg-test-primary", "pg-test-replica"]
        assert lines(files["pg-test-primary"], "bind") == [f"bind {host}:10013"]
        assert lines(files["pg-meta-primary"], "server") == [
            f"server pg-meta-1 {examples.prefix}10:5432 check port 8008 weight 100"
        ]
    assert [examples.files(host) for host in members] == [{}, {}, {}, {}]
    assert examples.status("proxy/inventory.yml") == {
        "pg-meta-primary": {"pg-meta-1 postgres"},
        "pg-test-primary": {"pg-test-1 postgres"},
        "pg-test-replica": {"pg-test-2 pgbouncer", "pg-test-3 pgbouncer"},
    }
    assert set(examples.publish("proxy/inventory.yml", "pg-meta", proxies[0]).changed.values()) == {0}

    # A port that both clusters ask for is refused before any host is touched.
    inventory = examples.root / "examples/proxy/inventory.yml"
    inventory.write_text(inventory.read_text().replace("port: 10003", "port: 10013"))
    refused = examples.publish("proxy/inventory.yml", "pg-test", code=2).text
    for proxy in proxies:
        assert (
            f"- load balancer {proxy}: port 10013 is used twice: by service primary of cluster pg-meta ({proxy}:10013)"
            f" and by service primary of cluster pg-test ({proxy}:10013)"
        ) in refused
    assert lines(examples.files(proxies[0])["pg-meta-primary"], "bind") == [f"bind {proxies[0]}:10003"]


def test_loose_types_of_an_ini_inventory(examples: Examples) -> None:
    examples.demo("start", "examples/ini/inventory.ini")

    examples.publish("ini/inventory.ini", "pg-test")

    files = examples.files(f"{examples.prefix}11")
    assert lines(files["pg-test-replica"], "server") == [
        f"server pg-test-1 {examples.prefix}11:6433 check port 8008 weight 100 backup",
        f"server pg-test-2 {examples.prefix}12:6433 check port 8008 weight 50",
        f"server pg-test-3 {examples.prefix}13:6433 check port 8008 weight 100",
    ]
    assert lines(files["pg-test-offline"], "server") == [
        f"server pg-test-3 {examples.prefix}13:5432 check port 8008 weight 100",
        f"server pg-test-2 {examples.prefix}12:5432 check port 8008 weight 50 backup",
    ]
    assert lines(files["pg-test-standby"], "bind", "maxconn") == [f"bind {examples.prefix}11:5435", "maxconn 1000"]
    assert set(examples.publish("ini/inventory.ini", "pg-test").changed.values()) == {0}


def test_roles_in_a_larger_playbook(examples: Examples) -> None:
    examples.demo("start", "examples/site/inventory.yml")
    hosts = [f"{examples.prefix}{last}" for last in (11, 12, 21)]
    member, others = hosts[1], [hosts[0], hosts[2]]
    expected = [f"pg-orders-{name}" for name in ("default", "offline", "primary", "replica")]

    def site(*words: str) -> dict[str, int]:
        return examples.playbook("site/inventory.yml", "site/site.yml", "--diff", *words).changed

    # On each host the banner and the services change.
    assert site("--check") == dict.fromkeys(hosts, 2)
    assert [examples.files(host) for host in hosts] == [{}] * 3

    assert site("-l", member) == {member: 2}
    assert list(examples.files(member)) == expected
    assert len(lines(examples.files(member)["pg-orders-primary"], "server")) == 2
    assert [examples.files(host) for host in others] == [{}] * 2

    assert site("-e", "site_strategy=free") == {**dict.fromkeys(others, 2), member: 0}
    assert list(examples.files(hosts[0])) == expected
    assert site("-e", "pg_service_serial=1") == dict.fromkeys(hosts, 0)
    assert examples.status("site/inventory.yml")["pg-audit-primary"] == {"pg-audit-1 pgbouncer"}


def test_pigstys_inventory_is_written_and_validated_and_not_applied(examples: Examples) -> None:
    examples.playbook("pigsty/pigsty.yml", "folders.yml")
    hosts = [f"10.10.10.{last}" for last in (11, 12, 13)]

    said = examples.publish("pigsty/pigsty.yml", "pg-test")
    again = examples.publish("pigsty/pigsty.yml", "pg-test")

    assert said.last == "pgsql-svc: 3 load balancers: 3 written, not applied"
    assert again.last == "pgsql-svc: 3 load balancers: 3 unchanged"
    for host in hosts:
        folder = examples.folder / "example" / host / "conf.d"
        names = sorted(path.name for path in folder.iterdir())
        assert names == [f"pg-test-{name}.cfg" for name in ("default", "offline", "primary", "replica", "standby")]
        assert lines((folder / "pg-test-standby.cfg").read_text(), "bind", "server") == [
            "bind *:5435",
            "server pg-test-1 10.10.10.11:6432 check port 8008 weight 100 backup",
            "server pg-test-2 10.10.10.12:6432 check port 8008 weight 100",
            "server pg-test-3 10.10.10.13:6432 check port 8008 weight 100",
        ]
        check = subprocess.run(["haproxy", "-c", "-f", str(folder)], check=False, capture_output=True, env=os.environ)
        assert check.returncode == 0, check.stderr.decode()

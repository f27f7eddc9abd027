# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""URLs and service files, by psql itself against servers that say who they are."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgsvc.access.tests.integration.access.conftest import (
    Postgres,
    changed,
    pg_test,
    playbook,
    run,
    urls,
)

Write = Callable[[Mapping[str, Any]], Path]
SERVICES = {"primary": 5433, "replica": 5434, "default": 5436, "offline": 5438}
QUIET = {"PGCONNECT_TIMEOUT": "5", "PGSSLMODE": "disable", "PGGSSENCMODE": "disable", "PGSYSCONFDIR": "/nonexistent"}


def psql(target: str, **environment: str) -> str:
    """What the server behind a URL, a connection string or a service says."""
    done = run(["psql", "-XAtc", "SELECT who", "-d", target], **QUIET, **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def members(new_address: Callable[[], str]) -> list[str]:
    return [new_address() for _each in range(3)]


@pytest.fixture
def cluster(members: list[str], postgres: Postgres) -> list[str]:
    """The example cluster with every port of it answered by what belongs there; its first load balancer is down."""
    for number, address in enumerate(members, 1):
        postgres(f"pg-test-{number}", address, 5432, number != 1)
        postgres(f"pool-{number}", address, 6432, number != 1)
        for service, port in SERVICES.items() if number != 1 else ():
            postgres(f"{service}@{number}", address, port, service in ("replica", "offline"))
    return members


def test_every_url_leads_where_its_row_says(cluster: list[str], inventory: Write) -> None:
    groups = pg_test(cluster[0], cluster)
    user, database = "o'dd us@r/", "da ta?base"
    done = urls(inventory(groups), "pg-test", "--user", user, "--db", database, "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    rows = [row for row in json.loads(done.stdout) if row["kind"] in ("address", "multi")]
    dead = cluster[0]
    asked = 0
    for row in rows:
        if not row["direct"] and [host["host"] for host in row["hosts"]] == [dead]:
            continue  # the load balancer that is down
        answers = {psql(row["url"]), psql(row["libpq"])}
        assert answers == {f"{expected(row, cluster)} {user} {database}"}, row
        asked += 1
    assert asked == 3 * 2 + 2 * 4 + 4 + 4


def expected(row: dict[str, Any], members: list[str]) -> str:
    kind = "pg-test" if row["service"] == "postgres" else "pool"
    if not row["direct"]:
        number = 2 if row["kind"] == "multi" else members.index(row["hosts"][0]["host"]) + 1
        return f"{row['service']}@{number}"
    if row["target_session_attrs"]:
        return f"{kind}-{1 if row['target_session_attrs'] == 'primary' else 2}"
    return f"{kind}-{members.index(row['hosts'][0]['host']) + 1}"


def test_a_password_only_when_asked(members: list[str], inventory: Write) -> None:
    path = inventory(pg_test(members[0], members))
    words = ("pg-test", "--user", "u", "--by", "address", "--service", "primary", "--format", "libpq")
    assert "secret" not in urls(path, *words, PGPASSWORD="se cret").stdout
    first = urls(path, *words, "--with-password", PGPASSWORD="se cret").stdout.splitlines()[0]
    assert first == f"host={members[0]} port=5433 user=u password='se cret'"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("pg-tst",), "pg-tst: 'pg-tst' is not a cluster of the inventory, did you mean 'pg-test'?; allowed: pg-test"),
        (
            ("pg-test", "--by", "vip"),
            "pg-test: by: 'vip' is not a way to reach this cluster; allowed: cluster, instance, address, multi",
        ),
    ],
)
def test_mistakes_end_it(members: list[str], inventory: Write, words: tuple[str, ...], message: str) -> None:
    done = urls(inventory(pg_test(members[0], members)), *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.sub(r"\s+", " ", done.stderr).endswith(f"- {message} ")


@pytest.mark.every_core
def test_variables_are_templated_and_overridden(members: list[str], inventory: Write) -> None:
    path = inventory(pg_test(members[0], members, pg_dns_suffix="{{ '.' ~ zone }}", zone="a"))
    words = ("pg-test", "--by", "cluster", "--service", "primary", "--format", "jdbc")
    assert urls(path, *words).stdout == "jdbc:postgresql://pg-test.a:5433/\n"
    assert urls(path, *words, "-e", "zone=b").stdout == "jdbc:postgresql://pg-test.b:5433/\n"


@pytest.mark.every_core
def test_the_service_file(cluster: list[str], inventory: Write, tmp_path: Path) -> None:
    """Written by the role, read by libpq; unchanged the second time; a removed service's section goes."""
    file = tmp_path / "pg_service.conf"
    file.write_text("# mine\n[mine]\nhost=example.com\n", encoding="utf-8")
    play = tmp_path / "play.yml"
    play.write_text(
        json.dumps(
            [
                {
                    "hosts": "infra",
                    "gather_facts": False,
                    "tasks": [{"import_role": {"name": "pgsvc.access.pg_service", "tasks_from": "conf"}}],
                }
            ]
        ),
        encoding="utf-8",
    )
    options = ("-t", "pg_service_conf", "-e", f"pg_service_conf_path={file}", "-e", "pg_service_conf_database=d")
    node = "127.0.0.1"
    path = inventory(pg_test(node, cluster))

    predicted = playbook(path, str(play), *options, "--check", "--diff")
    assert (changed(predicted), file.read_text(encoding="utf-8").count("[")) == (1, 1)
    made = playbook(path, str(play), *options, "--diff")
    assert changed(made) == 1
    assert difference(predicted.stdout) == difference(made.stdout)

    service = {"PGSERVICEFILE": str(file)}
    assert psql("service=pg-test-primary user=u", **service) == "primary@2 u d"
    assert psql("service=pg-test-replica user=u", **service) == "replica@2 u d"
    assert psql("service=pg-test-multi-postgres-primary user=u", **service) == "pg-test-1 u d"
    assert psql("service=pg-test-multi-pgbouncer-prefer-standby user=u", **service) == "pool-2 u d"

    before = file.stat()
    assert changed(playbook(path, str(play), *options)) == 0
    assert file.stat() == before

    one = [{"name": "primary", "port": 5433, "check": "/primary", "selector": "[]"}]
    assert changed(playbook(inventory(pg_test(node, cluster, pg_default_services=one)), str(play), *options)) == 1
    text = file.read_text(encoding="utf-8")
    assert text.startswith("# mine\n[mine]\nhost=example.com\n\n# BEGIN pgsvc.access pg-test")
    assert re.findall(r"^\[(pg-test-(?!multi).*)\]", text, re.MULTILINE) == ["pg-test-primary"]


def difference(output: str) -> list[str]:
    return [line for line in output.splitlines() if line.startswith(("+", "-")) and not line.startswith(("+++", "---"))]

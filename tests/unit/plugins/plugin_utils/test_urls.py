# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forms that endpoints take for clients."""

from __future__ import annotations

import dataclasses
import json

import pytest

from ansible_collections.pgsvc.access.plugins.plugin_utils._access.endpoint_text import as_env, as_json, narrowed, table
from ansible_collections.pgsvc.access.plugins.plugin_utils._access.endpoints import Endpoint
from ansible_collections.pgsvc.access.plugins.plugin_utils._access.urls import (
    Login,
    conninfo,
    jdbc_url,
    login,
    service_sections,
    url,
)
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import PlanError, Report

ONE = Endpoint(
    cluster="pg-test",
    kind="cluster",
    name="pg-test",
    hosts=(("pg-test", 5433),),
    service="primary",
    direct=False,
    access="read-write",
    promise="read-write on the primary, via pool",
    path=("DNS", "VIP", "HAProxy", "pool", "PostgreSQL"),
)
SIX = dataclasses.replace(ONE, kind="address", name="pg-test-1", hosts=(("fd00::1", 5433),))
MULTI = dataclasses.replace(
    ONE,
    kind="multi",
    service="postgres",
    direct=True,
    hosts=(("10.0.0.1", 5432), ("fd00::2", 5433)),
    target_session_attrs="prefer-standby",
)
ODD = Login(user="te st@x:/ü", database="a/b?c#d", sslmode="verify-full")
SECRET = Login(user="u", database="d", password="p@ss'w\\ord")  # noqa: S106


@pytest.mark.parametrize(
    ("endpoint", "who", "libpq", "string", "jdbc"),
    [
        (
            ONE,
            Login(),
            "postgresql://pg-test:5433/",
            "host=pg-test port=5433",
            "jdbc:postgresql://pg-test:5433/",
        ),
        (
            ONE,
            ODD,
            "postgresql://te%20st%40x%3A%2F%C3%BC@pg-test:5433/a%2Fb%3Fc%23d?sslmode=verify-full",
            "host=pg-test port=5433 dbname='a/b?c#d' user='te st@x:/ü' sslmode=verify-full",
            "jdbc:postgresql://pg-test:5433/a%2Fb%3Fc%23d?user=te%20st%40x%3A%2F%C3%BC&sslmode=verify-full",
        ),
        (
            SIX,
            Login(user="u"),
            "postgresql://u@[fd00::1]:5433/",
            "host=fd00::1 port=5433 user=u",
            "jdbc:postgresql://[fd00::1]:5433/?user=u",
        ),
        (
            MULTI,
            Login(database="d"),
            "postgresql://10.0.0.1:5432,[fd00::2]:5433/d?target_session_attrs=prefer-standby",
            "host=10.0.0.1,fd00::2 port=5432,5433 dbname=d target_session_attrs=prefer-standby",
            "jdbc:postgresql://10.0.0.1:5432,[fd00::2]:5433/d?targetServerType=preferSecondary",
        ),
        (
            ONE,
            SECRET,
            "postgresql://u:p%40ss%27w%5Cord@pg-test:5433/d",
            "host=pg-test port=5433 dbname=d user=u password='p@ss\\'w\\\\ord'",
            "jdbc:postgresql://pg-test:5433/d?user=u&password=p%40ss%27w%5Cord",
        ),
    ],
)
def test_forms(endpoint: Endpoint, who: Login, libpq: str, string: str, jdbc: str) -> None:
    assert (url(endpoint, who), conninfo(endpoint, who), jdbc_url(endpoint, who)) == (libpq, string, jdbc)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        (
            "sslmode",
            "requier",
            "'requier' is not an SSL mode of libpq, did you mean 'require'?; allowed: disable, allow, prefer, require,"
            " verify-ca, verify-full",
        ),
        ("user", ["a"], "['a'] is not text; allowed: text"),
        ("password", "a\nb", "the value contains a control character; allowed: one line of printable text"),
    ],
)
def test_a_login_that_is_none(field: str, value: object, message: str) -> None:
    report = Report()
    given = {"user": None, "database": None, "sslmode": None, "password": None, field: value}
    login(given["user"], given["database"], given["sslmode"], given["password"], report)
    assert [str(problem) for problem in report.problems] == [f"login: {field}: {message}"]


def test_no_password_unless_asked() -> None:
    assert "password" not in as_json([ONE, MULTI], Login(user="u", database="d"))


def test_table() -> None:
    assert table([ONE, SIX], Login(user="u", database="d")) == (
        "BY       SERVICE  PROMISE                              URL\n"
        "cluster  primary  read-write on the primary, via pool  postgresql://u@pg-test:5433/d\n"
        "address  primary  read-write on the primary, via pool  postgresql://u@[fd00::1]:5433/d\n"
    )


def test_json_has_every_part() -> None:
    found = json.loads(as_json([MULTI], Login(user="u", database="d", sslmode="require")))
    assert found == [
        {
            "cluster": "pg-test",
            "label": "pg-test-multi-postgres-prefer-standby",
            "kind": "multi",
            "name": "pg-test",
            "service": "postgres",
            "direct": True,
            "hosts": [{"host": "10.0.0.1", "port": 5432}, {"host": "fd00::2", "port": 5433}],
            "user": "u",
            "database": "d",
            "sslmode": "require",
            "target_session_attrs": "prefer-standby",
            "access": "read-write",
            "promise": "read-write on the primary, via pool",
            "path": ["DNS", "VIP", "HAProxy", "pool", "PostgreSQL"],
            "url": url(MULTI, Login(user="u", database="d", sslmode="require")),
            "psycopg": url(MULTI, Login(user="u", database="d", sslmode="require")),
            "libpq": conninfo(MULTI, Login(user="u", database="d", sslmode="require")),
            "jdbc": jdbc_url(MULTI, Login(user="u", database="d", sslmode="require")),
        }
    ]


def test_env_is_safe_in_a_shell() -> None:
    assert as_env([ONE, MULTI], Login(user="$(id)")) == (
        "PG_TEST_PRIMARY_URL=postgresql://%24%28id%29@pg-test:5433/\n"
        "PG_TEST_MULTI_POSTGRES_PREFER_STANDBY_URL="
        "'postgresql://%24%28id%29@10.0.0.1:5432,[fd00::2]:5433/?target_session_attrs=prefer-standby'\n"
    )


def test_env_never_overwrites() -> None:
    twin = dataclasses.replace(ONE, service="pri-mary"), dataclasses.replace(ONE, service="pri_mary")
    with pytest.raises(ValueError, match="two endpoints would both be PG_TEST_PRI_MARY_URL; narrow the list"):
        as_env(twin, Login())


def test_narrowing() -> None:
    report = Report()
    assert narrowed([ONE, SIX, MULTI], ["cluster", "multi"], ["postgres"], report) == [MULTI]
    assert not report.problems
    narrowed([ONE, SIX], ["vip"], ["primry"], report)
    with pytest.raises(PlanError) as caught:
        report.raise_problems()
    assert str(caught.value).splitlines()[1:] == [
        "- pg-test: by: 'vip' is not a way to reach this cluster; allowed: cluster, address",
        "- pg-test: service: 'primry' is not a service or port of this cluster, did you mean 'primary'?;"
        " allowed: primary",
    ]


@pytest.mark.parametrize(
    ("by", "host"),
    [("name", "pg-test"), ("vip", "10.0.0.3"), ("auto", "10.0.0.3"), ("addresses", "10.0.0.1,10.0.0.2")],
)
def test_sections_of_a_service_file(by: str, host: str) -> None:
    vip = dataclasses.replace(ONE, kind="vip", hosts=(("10.0.0.3", 5433),))
    all_of_them = dataclasses.replace(ONE, kind="multi", hosts=(("10.0.0.1", 5433), ("10.0.0.2", 5433)))
    sections = service_sections([ONE, vip, SIX, all_of_them, MULTI], by, Login(database="d"), Report())
    assert sections == [
        {
            "name": "pg-test-primary",
            "comment": "read-write on the primary, via pool",
            "parameters": {"host": host, "port": "5433", "dbname": "d"},
        },
        {
            "name": "pg-test-multi-postgres-prefer-standby",
            "comment": MULTI.promise,
            "parameters": {
                "host": "10.0.0.1,fd00::2",
                "port": "5432,5433",
                "dbname": "d",
                "target_session_attrs": "prefer-standby",
            },
        },
    ]


def test_a_section_holds_no_blanks_around_a_value() -> None:
    report = Report()
    service_sections([SIX], "auto", Login(user=" u"), report)
    assert [str(problem) for problem in report.problems] == [
        "pg-test: user: ' u' begins or ends with a blank, which a service file cannot contain"
    ]

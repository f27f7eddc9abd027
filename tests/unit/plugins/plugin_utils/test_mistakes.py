# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mistakes that people make, one in a row: each is a problem with its kind, its place, its value and what is allowed.

The words of some are in test_bad_input.py. Here every row must be one problem, of the right kind, in the right place.
"""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import Code, Problem, shown
from ansible_collections.pgsvc.access.tests.unit.plugins.plugin_utils.planning import (
    Wrong,
    assert_problems,
    found,
    pg_test,
    service,
)

#: A field of a service, a value that is no such thing, and what kind of mistake that is.
FIELDS: list[tuple[str, Any, Code]] = [
    ("selector", "pg_role=='replica'", "bad-result"),
    ("selector", "[?pg_role='replica']", "bad-expression"),
    ("selector", "[? pg_role in ['a']]", "bad-expression"),
    ("selector", "[*].pg_role", "bad-result"),
    ("selector", "[0].[pg_role]", "bad-result"),
    ("selector", "replica", "bad-result"),
    ("selector", "*", "bad-result"),
    ("selector", "$[?(@.pg_role=='replica')]", "bad-expression"),
    ("selector", "[? pg_weight > '10']", "bad-result"),
    ("selector", "[? pg_role == `primary`", "bad-expression"),
    ("selector", ["[]"], "not-allowed"),
    ("selector", "", "bad-expression"),
    ("backup", "primary", "bad-result"),
    ("backup", True, "not-allowed"),
    ("check", "primary", "not-allowed"),
    ("check", "/primray", "unknown-name"),
    ("check", "http://10.0.0.1:8008/primary", "not-allowed"),
    ("check", "/primary HTTP/1.0", "not-allowed"),
    ("check", "/replicas", "unknown-name"),
    ("check", "/liveness", "not-allowed"),
    ("check", "", "not-allowed"),
    ("dest", "pgbounce", "not-allowed"),
    ("dest", "primary", "not-allowed"),
    ("dest", "5432/tcp", "not-allowed"),
    ("dest", 0, "not-allowed"),
    ("dest", 70000, "not-allowed"),
    ("dest", ["postgres"], "not-allowed"),
    ("balance", "round-robin", "not-allowed"),
    ("balance", "source ip", "not-allowed"),
    ("balance", "uri", "not-allowed"),
    ("maxconn", -1, "not-allowed"),
    ("maxconn", 0, "not-allowed"),
    ("maxconn", 1.5, "not-allowed"),
    ("maxconn", "many", "not-allowed"),
    ("port", "5432-5440", "not-allowed"),
    ("port", "5435,5436", "not-allowed"),
    ("port", 65536, "not-allowed"),
    ("port", 5433.0, "not-allowed"),
    ("ip", "10.10.10", "not-allowed"),
    ("ip", "10.10.10.11/24", "not-allowed"),
    ("ip", "localhost", "not-allowed"),
    ("ip", "", "not-allowed"),
    ("options", "inter=3s", "unknown-name"),
    ("options", {"inter": "3s"}, "not-allowed"),
    ("timeout_client", "24 hours", "not-allowed"),
    ("timeout_client", -5, "not-allowed"),
    ("timeout_server", "1w", "not-allowed"),
    ("on_member_removed", "kill", "not-allowed"),
    ("allbackups", "maybe", "not-allowed"),
    ("name", "a b", "not-allowed"),
    ("name", "x.cfg/../y", "not-allowed"),
    ("names", "x", "unknown-field"),
    ("backups", "[]", "unknown-field"),
]


#: The same, where a part of the value is wrong.
PARTS: list[tuple[str, str, Code, str]] = [
    ("selector", '[? pg_role == "replica"]', "unknown-name", "replica"),
    ("backup", "[? role == 'primary']", "unknown-name", "role"),
    ("check", "/health?lag", "unknown-name", "lag"),
    ("check", "/replica?lag=10mb", "not-allowed", "10mb"),
    ("options", "inter 3 s", "unknown-name", "s"),
    ("options", "maxcon 10", "unknown-name", "maxcon"),
]


@pytest.mark.parametrize(("field", "value", "code"), FIELDS)
def test_fields(field: str, value: Any, code: Code) -> None:
    (problem,) = found(pg_test(pg_services=[service(**{field: value})]))
    name = value if field == "name" else "extra"
    assert_problems([problem], "pg-test", Wrong(code, field if code == "unknown-field" else value, field, name))
    says_what_is_right(problem)


@pytest.mark.parametrize(("field", "value", "code", "part"), PARTS)
def test_parts_of_a_field(field: str, value: str, code: Code, part: str) -> None:
    (problem,) = found(pg_test(pg_services=[service(**{field: value})]))
    assert_problems([problem], "pg-test", Wrong(code, part, field, "extra"))
    says_what_is_right(problem)


#: Something in the place of services.
LISTS: list[tuple[Any, str]] = [
    ({"name": "x"}, "pg_services"),
    ("standby", "pg_services"),
    (["standby"], "pg_services[0]"),
    ([[]], "pg_services[0]"),
    ([None], "pg_services[0]"),
]


@pytest.mark.parametrize(("value", "field"), LISTS)
def test_lists(value: Any, field: str) -> None:
    wrong = value if field == "pg_services" else value[0]
    assert_problems(found(pg_test(pg_services=value)), "pg-test", Wrong("not-allowed", wrong, field))


#: A variable of one member.
MEMBER: list[tuple[str, Any]] = [
    ("pg_role", "master"),
    ("pg_role", "slave"),
    ("pg_role", "Primary"),
    ("pg_seq", "one"),
    ("pg_seq", -1),
    ("pg_seq", 1.5),
    ("pg_weight", 300),
    ("pg_weight", "heavy"),
    ("pg_address", "10.10.10.300"),
    ("pg_address", "a b"),
    ("pg_offline_query", "yep"),
    ("pg_port", "postgres"),
    ("pgbouncer_port", 0),
    ("patroni_port", 80080),
]


@pytest.mark.parametrize(("name", "value"), MEMBER)
def test_variables_of_a_member(name: str, value: Any) -> None:
    hosts = pg_test()
    hosts["10.10.10.12"][name] = value
    (problem,) = found(hosts)
    assert_problems([problem], "pg-test", Wrong("not-allowed", value, name))
    assert problem.message.startswith("on host 10.10.10.12: ")
    says_what_is_right(problem)


MEMBERS = ["10.10.10.11", "10.10.10.12", "10.10.10.13"]
#: A variable of all hosts, its value, the places that the problem names, and what kind of mistake it is.
EVERYWHERE: list[tuple[str, Any, list[str], Code]] = [
    ("patroni_ssl_enabled", "tls", ["pg-test"] * 3, "not-allowed"),
    ("patroni_ca_file", "ca.crt", ["pg-test"] * 3, "not-allowed"),
    ("pg_service_provider", "proxies", ["pg-test"], "unknown-name"),
    ("pg_service_provider", ["proxy"], ["pg-test"], "not-allowed"),
    ("pg_default_service_dest", "pool", ["pg-test"], "not-allowed"),
    ("pg_service_targets", "10.10.10.99", ["pg-test"], "unknown-name"),
    ("pg_rto", "quick", ["pg-test"], "unknown-name"),
    ("pg_service_ip", "eth0", MEMBERS, "not-allowed"),
    ("haproxy_conf_dir", "etc", MEMBERS, "not-allowed"),
    ("haproxy_enabled", "perhaps", MEMBERS, "not-allowed"),
    ("haproxy_client_timeout", "1 day", MEMBERS, "not-allowed"),
    ("haproxy_exporter_port", "x", MEMBERS, "not-allowed"),
    ("haproxy_services", {"web": 1}, MEMBERS, "not-allowed"),
]


@pytest.mark.parametrize(("name", "value", "places", "code"), EVERYWHERE)
def test_variables(name: str, value: Any, places: list[str], code: Code) -> None:
    problems = found(pg_test(**{name: value}))
    assert [(each.code, each.where, each.service, each.field, each.value) for each in problems] == [
        (code, where, "", name, value) for where in places
    ]
    for problem in problems:
        says_what_is_right(problem)


def says_what_is_right(problem: Problem) -> None:
    """The value stands in the message, and so does what is allowed, what was meant, or the position of the mistake."""
    assert shown(problem.value) in problem.message
    assert any(words in problem.message for words in ("; allowed: ", "did you mean", "(position ")), problem.message

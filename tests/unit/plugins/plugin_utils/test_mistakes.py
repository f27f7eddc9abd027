# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mistakes that people make, one in a row: each is a problem with its place, its value and what is allowed.

The words of some are in test_bad_input.py. Here every row must be one problem, in the right place.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import PlanError, Problem, shown
from ansible_collections.pgsvc.access.tests.unit.plugins.plugin_utils.planning import pg_test, plan, service


def found(hosts: dict[str, dict[str, Any]]) -> list[Problem]:
    with pytest.raises(PlanError) as caught:
        plan(hosts)
    return list(caught.value.problems)


#: A field of a service, and a value that is no such thing.
FIELDS: list[tuple[str, Any]] = [
    ("selector", "pg_role=='replica'"),
    ("selector", "[?pg_role='replica']"),
    ("selector", '[? pg_role == "replica"]'),
    ("selector", "[? pg_role in ['a']]"),
    ("selector", "[*].pg_role"),
    ("selector", "[0].[pg_role]"),
    ("selector", "replica"),
    ("selector", "*"),
    ("selector", "$[?(@.pg_role=='replica')]"),
    ("selector", "[? pg_weight > '10']"),
    ("selector", "[? pg_role == `primary`"),
    ("selector", ["[]"]),
    ("selector", ""),
    ("backup", "primary"),
    ("backup", "[? role == 'primary']"),
    ("backup", True),
    ("check", "primary"),
    ("check", "/primray"),
    ("check", "http://10.0.0.1:8008/primary"),
    ("check", "/primary HTTP/1.0"),
    ("check", "/health?lag"),
    ("check", "/replica?lag=10mb"),
    ("check", "/replicas"),
    ("check", "/liveness"),
    ("check", ""),
    ("dest", "pgbounce"),
    ("dest", "primary"),
    ("dest", "5432/tcp"),
    ("dest", 0),
    ("dest", 70000),
    ("dest", ["postgres"]),
    ("balance", "round-robin"),
    ("balance", "source ip"),
    ("balance", "uri"),
    ("maxconn", -1),
    ("maxconn", 0),
    ("maxconn", 1.5),
    ("maxconn", "many"),
    ("port", "5432-5440"),
    ("port", "5435,5436"),
    ("port", 65536),
    ("port", 5433.0),
    ("ip", "10.10.10"),
    ("ip", "10.10.10.11/24"),
    ("ip", "localhost"),
    ("ip", ""),
    ("options", "inter=3s"),
    ("options", "inter 3 s"),
    ("options", "maxcon 10"),
    ("options", {"inter": "3s"}),
    ("timeout_client", "24 hours"),
    ("timeout_client", -5),
    ("timeout_server", "1w"),
    ("on_member_removed", "kill"),
    ("allbackups", "maybe"),
    ("name", "a b"),
    ("name", "x.cfg/../y"),
    ("names", "x"),
    ("backups", "[]"),
]


@pytest.mark.parametrize(("field", "value"), FIELDS)
def test_fields(field: str, value: Any) -> None:
    (problem,) = found(pg_test(pg_services=[service(**{field: value})]))
    assert (problem.where, problem.field) == ("pg-test", field)
    assert problem.service in ("extra", value)
    says_what_is_right(problem, value)


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
    (problem,) = found(pg_test(pg_services=value))
    assert (problem.where, problem.field) == ("pg-test", field)
    assert "; allowed: " in problem.message


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
    assert (problem.where, problem.field) == ("pg-test", name)
    assert problem.message.startswith("on host 10.10.10.12: ")
    says_what_is_right(problem, value)


#: A variable of all hosts, its value, and the place that the problem names.
EVERYWHERE: list[tuple[str, Any, str]] = [
    ("patroni_ssl_enabled", "tls", "pg-test"),
    ("patroni_ca_file", "ca.crt", "pg-test"),
    ("pg_service_provider", "proxies", "pg-test"),
    ("pg_service_provider", ["proxy"], "pg-test"),
    ("pg_default_service_dest", "pool", "pg-test"),
    ("pg_service_targets", "10.10.10.99", "pg-test"),
    ("pg_rto", "quick", "pg-test"),
    ("pg_service_ip", "eth0", "10.10.10.11"),
    ("haproxy_conf_dir", "etc", "10.10.10.11"),
    ("haproxy_enabled", "perhaps", "10.10.10.11"),
    ("haproxy_client_timeout", "1 day", "10.10.10.11"),
    ("haproxy_exporter_port", "x", "10.10.10.11"),
    ("haproxy_services", {"web": 1}, "10.10.10.11"),
]


@pytest.mark.parametrize(("name", "value", "where"), EVERYWHERE)
def test_variables(name: str, value: Any, where: str) -> None:
    problems = found(pg_test(**{name: value}))
    assert len({problem.message.partition(":")[2] for problem in problems}) == 1
    assert where in {problem.where for problem in problems}
    for problem in problems:
        assert problem.field == name
        says_what_is_right(problem, value)


def says_what_is_right(problem: Problem, value: Any) -> None:
    """The value stands in the message, or the word of it that is wrong, and so does what is right."""
    quoted = re.search(r"'([^']*)'|\"([^\"]*)\"", problem.message)
    word = next(filter(None, quoted.groups()), "") if quoted else ""
    assert shown(value) in problem.message or word in (*str(value).split(), problem.field) or word in str(value)
    assert any(words in problem.message for words in ("; allowed: ", "did you mean", "(position ")), problem.message

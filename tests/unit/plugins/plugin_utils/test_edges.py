# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The edges of the core: what of an inventory is templated, and what the publish module is handed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from ansible.errors import AnsibleError

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.dynamic_server import dynamic_words
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.server_line import server_line
from ansible_collections.pgsvc.access.plugins.module_utils._publish.service_file import parse
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.inventory import Inventory
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import Report, shown
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.load_balancer import Listener, report_clashes
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.service import Service
from ansible_collections.pgsvc.access.plugins.plugin_utils._plan.publication import module_arguments
from ansible_collections.pgsvc.access.plugins.plugin_utils._plan.rendering import render_service
from ansible_collections.pgsvc.access.tests.unit.plugins.plugin_utils.planning import pg_test, plan, service

pytestmark = pytest.mark.every_core

LISTENERS = [
    (["*"], ["*"], True),
    (["*"], ["10.0.0.1"], True),
    (["0.0.0.0"], ["10.0.0.1"], True),
    (["*"], ["fd00::1"], False),
    (["*"], ["::"], True),
    (["::"], ["10.0.0.1"], True),
    (["10.0.0.1"], ["10.0.0.2"], False),
    (["10.0.0.1", "10.0.0.3"], ["10.0.0.2", "10.0.0.3"], True),
    (["fd00::1"], ["fd00::1"], True),
    (["fd00::1"], ["fd00::2"], False),
]


@pytest.mark.parametrize(("one", "other", "expected"), LISTENERS)
def test_listeners(one: list[str], other: list[str], expected: bool) -> None:
    def clash(first: list[str], second: list[str], port: int = 5433) -> bool:
        report = Report()
        report_clashes("lb", [Listener("a", tuple(first), 5433), Listener("b", tuple(second), port)], report)
        return len(report.problems) == 1

    assert clash(one, other) is expected
    assert clash(other, one) is expected
    assert not clash(one, other, port=5434)


class Failing(Mapping[str, Any]):
    """A host one of whose values is a template, or a vault, that nobody can read."""

    def __getitem__(self, name: str) -> Any:
        raise AnsibleError(f"{name} is\n undefined\x1b")

    def __iter__(self) -> Any:
        return iter(("bad",))

    def __len__(self) -> int:
        return 1

    def get(self, key: str, default: Any = None) -> Any:
        return Unreadable() if key == "bad" else default


class Unreadable:
    """A vault without its password."""

    def __str__(self) -> str:
        raise AnsibleError("no vault secret\x1b was\n found")


def test_what_cannot_be_read_is_one_line_of_the_report() -> None:
    report = Report()
    inventory = Inventory({"h1": Failing()}, {"all": ["h1"]}, report)
    assert inventory.value("h1", "bad") is None
    assert list(map(str, report.problems)) == ["h1: bad: cannot be templated: no vault secret\\x1b was found"]
    assert inventory.everything("h1") == {"bad": None}
    assert len(report.problems) == 1


def test_a_value_shared_by_hosts_is_looked_at_once() -> None:
    shared = [service()]
    inventory = Inventory({"h1": {"pg_services": shared}, "h2": {"pg_services": shared}}, {}, Report())
    assert inventory.value("h1", "pg_services") is inventory.value("h2", "pg_services")
    assert inventory.hosts == ["h1", "h2"]
    assert inventory.values("h1", ["pg_services", "no_such"]) == {"pg_services": shared}


@pytest.mark.parametrize(
    ("value", "expected"), [("a", "'a'"), ("a\n", r"'a\n'"), ("x" * 99, "'" + "x" * 79 + "…"), (5, "5")]
)
def test_shown(value: Any, expected: str) -> None:
    assert shown(value) == expected


def test_module_arguments() -> None:
    """What a plan says of a load balancer, once through JSON as Ansible hands it on."""
    hosts = pg_test(
        pg_default_services=[service(), service(name="slow", port=5441, on_member_removed="drain")],
        pg_reload="false",
        pg_service_allow_shrink="true",
        haproxy_config_args="-f /etc/haproxy/haproxy.cfg -f /etc/haproxy/conf.d",
        haproxy_conf_dir="//etc/haproxy/conf.d/",
        haproxy_state_dir="/var/lib//haproxy/./pgsvc",
        haproxy_master_socket="/run//haproxy-master.sock",
        haproxy_stats_socket="/run/haproxy/./admin.sock",
    )
    publication = plan(hosts).publications["10.10.10.11"]
    arguments = module_arguments(json.loads(json.dumps(publication.to_dict())))
    files = arguments.pop("files")
    assert arguments == {
        "apply": False,
        "conf_dir": "/etc/haproxy/conf.d",
        "state_dir": "/var/lib/haproxy/pgsvc",
        "config_args": ["-f", "/etc/haproxy/haproxy.cfg", "-f", "/etc/haproxy/conf.d"],
        "master_socket": "/run/haproxy-master.sock",
        "stats_socket": "/run/haproxy/admin.sock",
        "owners": ["member/*"],
        "carries": ["pg-test"],
        "allow_shrink": True,
        "if_present": False,
    }
    assert [(file["name"], file["owner"], file["cut_removed"]) for file in files] == [
        ("pg-test-extra", "member/pg-test", True),
        ("pg-test-slow", "member/pg-test", False),
    ]
    assert [file["content"] for file in files] == [
        render_service(planned, "/var/lib/haproxy/pgsvc") for planned in publication.services
    ]


def test_a_service_survives_json() -> None:
    for planned in plan(pg_test(patroni_ssl_enabled=True)).publications["10.10.10.12"].services:
        assert Service.from_dict(json.loads(json.dumps(planned.to_dict()))) == planned


def test_server_lines_over_tls() -> None:
    hosts = pg_test(patroni_ssl_enabled="yes", pg_weight=0)
    hosts["10.10.10.11"]["pg_address"] = "fd00::1"
    planned = plan(hosts).publications["10.10.10.11"]
    text = render_service(planned.services[0], "/s")
    assert (
        "    server pg-test-1 [fd00::1]:6432 check port 8008 check-ssl verify required ca-file "
        "/pg/cert/ca.crt weight 0\n" in text
    )


@pytest.mark.parametrize("tls", [False, True])
def test_servers_of_every_file_can_be_added_at_run_time(tls: bool) -> None:
    """Nothing in a file that we write makes a new member cost a reload."""
    publication = plan(pg_test(patroni_ssl_enabled=tls)).publications["10.10.10.11"]
    for planned in publication.services:
        file = parse(planned.name, render_service(planned, "/s"))
        for line in file.server_lines:
            words = dynamic_words(server_line(line).words(file.default_server))
            assert "check" in words
            assert ("check-ssl" in words) is tls
            assert not any(word.startswith("no-") for word in words)

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``haproxy_services``: files in Pigsty's shape, and what is said of mistakes."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import PlanError
from ansible_collections.pgsvc.access.plugins.plugin_utils._plan.node_services import node_service_files
from ansible_collections.pgsvc.access.tests.unit.plugins.plugin_utils.planning import Wrong, assert_problems

FIELDS = "name, port, ip, protocol, maxconn, balance, options, default, servers"
UNPRINTABLE = "contains a line break or another unprintable character; allowed: one line of printable text"

GRAFANA: dict[str, Any] = {
    "name": "grafana",
    "port": "3001",
    "protocol": "http",
    "balance": "leastconn",
    "options": ["option httpchk", "http-check send meth GET uri /api/health"],
    "default": "inter 3s rise 3 fall 3 weight 100",
    "servers": [
        {"name": "grafana-1", "ip": "10.10.10.10", "port": 3000, "options": "check"},
        {"name": "grafana-2", "ip": "fd00::1", "port": "3000", "options": "check", "weight": 50, "backup": "true"},
    ],
}
GRAFANA_FILE = """\
#---------------------------------------------------------------------
# service: grafana @ h1:3001
#---------------------------------------------------------------------
# managed by pgsvc.access, owner node: changes made here are overwritten
listen grafana
    bind *:3001
    mode http
    maxconn 5000
    balance leastconn
    option httpchk
    http-check send meth GET uri /api/health
    load-server-state-from-file local
    server-state-file-name /state/grafana.state
    default-server inter 3s rise 3 fall 3 weight 100
    # servers
    server grafana-1 10.10.10.10:3000 check
    server grafana-2 [fd00::1]:3000 check weight 50 backup
"""
# What stands in the file beside what is declared, so that it needs no `defaults`.
OWN = ("retries ", "timeout ")

MISTAKES: list[tuple[Any, Wrong]] = [
    ({}, Wrong("not-allowed", {}, "haproxy_services", says="{} is not a list of services; allowed: a list")),
    (["x"], Wrong("not-allowed", "x", "haproxy_services[0]")),
    ([{"port": 1}], Wrong("missing", None, "name", "haproxy_services[0]", says="missing")),
    ([{"name": "web"}], Wrong("missing", None, "port", "web")),
    ([{"name": "haproxy", "port": 1}], Wrong("not-allowed", "haproxy", "name", "haproxy")),
    (
        [{"name": "web", "port": 1}, {"name": "web", "port": 2}],
        Wrong(
            "clash",
            "web",
            "name",
            "web",
            says="'web' is the name of two services in haproxy_services; allowed: each name once",
        ),
    ),
    (
        [{"name": "web", "port": 1, "sevrers": []}],
        Wrong(
            "unknown-field",
            "sevrers",
            "sevrers",
            "web",
            says=f"'sevrers' is unknown, did you mean 'servers'?; allowed: {FIELDS}",
        ),
    ),
    ([{"name": "web", "port": 1, "protocol": "udp"}], Wrong("not-allowed", "udp", "protocol", "web")),
    ([{"name": "web", "port": 1, "options": ["listen evil"]}], Wrong("not-allowed", "listen evil", "options", "web")),
    (
        [{"name": "web", "port": 1, "options": ['"listen" evil']}],
        Wrong("not-allowed", '"listen" evil', "options", "web"),
    ),
    ([{"name": "web", "port": 1, "options": [""]}], Wrong("not-allowed", "", "options", "web")),
    (
        [{"name": "web", "port": 1, "options": "option httpchk"}],
        Wrong("not-allowed", "option httpchk", "options", "web"),
    ),
    (
        [{"name": "web", "port": 1, "options": ["option tcpka\nlisten evil"]}],
        Wrong(
            "unprintable",
            "option tcpka\nlisten evil",
            "options",
            "web",
            says=f"'option tcpka\\nlisten evil' {UNPRINTABLE}",
        ),
    ),
    ([{"name": "web", "port": 1, "default": "inter 3s # x"}], Wrong("not-allowed", "inter 3s # x", "default", "web")),
    (
        [{"name": "web", "port": 1, "servers": [{"name": "a", "ip": "10.0.0.1"}]}],
        Wrong("missing", None, "port", "web.servers[0]"),
    ),
    ([{"name": "web", "port": 1, "servers": ["a"]}], Wrong("not-allowed", "a", "web.servers[0]")),
    (
        [{"name": "web", "port": 1, "servers": [{"name": "a", "ip": "0.0.0.0", "port": 1}]}],
        Wrong("not-allowed", "0.0.0.0", "ip", "web.servers[0]"),
    ),
]


def files(services: Any, host: str = "h1") -> list[dict[str, Any]]:
    return node_service_files(services, host, "*", "/state", "24h", "24h")


def test_the_file() -> None:
    (file,) = files([GRAFANA])
    assert (file["name"], file["owner"]) == ("grafana", "node")
    lines = [line for line in file["content"].splitlines() if not line.strip().startswith(OWN)]
    assert "\n".join(lines) + "\n" == GRAFANA_FILE


@pytest.mark.parametrize(
    ("fields", "has_state"),
    [
        ({}, True),
        ({"servers": [{"name": "a", "ip": "10.0.0.1", "port": 1}]}, False),
        ({"servers": [{"name": "a", "ip": "10.0.0.1", "port": 1}], "default": "check inter 3s"}, True),
        ({"servers": [], "default": ""}, True),
    ],
)
def test_only_checked_servers_rest_as_down(fields: dict[str, Any], has_state: bool, tmp_path: Path) -> None:
    """A server without a check would stay down for ever; and HAProxy takes every one of these files."""
    (file,) = files([{**GRAFANA, **fields}])
    assert ("load-server-state-from-file local" in file["content"]) is has_state
    config = tmp_path / "web.cfg"
    config.write_text(file["content"])
    checked = subprocess.run(["haproxy", "-c", "-f", config], check=False, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize(("services", "wrong"), MISTAKES)
def test_mistakes(services: Any, wrong: Wrong) -> None:
    with pytest.raises(PlanError) as caught:
        files(services)
    assert_problems(caught.value.problems, "h1", wrong)


def test_every_mistake_at_once() -> None:
    wrong = [{"name": "web", "port": 0, "servers": [{"ip": "x y"}]}, "x"]
    with pytest.raises(PlanError) as caught:
        node_service_files(wrong, "h1", "lo", "state", "soon", "24h")
    assert [(problem.service, problem.field) for problem in caught.value.problems] == [
        ("", "pg_service_ip"),
        ("", "haproxy_state_dir"),
        ("", "haproxy_client_timeout"),
        ("web", "port"),
        ("", "haproxy_services[1]"),
    ]


PUBLIC = "in the file of a service may be read by everybody; allowed: "
SECRETS: list[tuple[dict[str, Any], Wrong]] = [
    (
        {"options": ["stats enable", "stats auth admin:pgsvc-secret"]},
        Wrong(
            "secret",
            field="options",
            says=f"a password of 'stats auth' {PUBLIC}haproxy_admin_password for the statistics page, or a file of your"
            " own with mode 0600",
        ),
    ),
    ({"options": "stats auth admin:pgsvc-secret"}, Wrong("secret", field="options")),
    ({"options": ["stats auth admin:pgsvc-secret\n"]}, Wrong("secret", field="options")),
    ({"options": ["user admin insecure-password pgsvc-secret"]}, Wrong("secret", field="options")),
    (
        {"options": ['http-check send hdr Authorization "Basic pgsvc-secret"']},
        Wrong(
            "secret",
            field="options",
            says=f"a header with a secret {PUBLIC}an environment variable of /etc/default/haproxy in double quotes, "
            'such as "${TOKEN}"',
        ),
    ),
    ({"options": ['tcp-check send "AUTH pgsvc-secret\\r\\n"']}, Wrong("secret", field="options")),
    ({"options": ["http-check send uri /health?token=pgsvc-secret"]}, Wrong("secret", field="options")),
    ({"default": "check user x password pgsvc-secret"}, Wrong("secret", field="default")),
    (
        {"servers": [{"name": "a", "ip": "a", "port": 1, "options": "check user x password pgsvc-secret"}]},
        Wrong("secret", field="options", service="web.servers[0]"),
    ),
]


@pytest.mark.parametrize(("fields", "wrong"), SECRETS)
def test_a_secret_is_refused_and_not_repeated(fields: dict[str, Any], wrong: Wrong) -> None:
    with pytest.raises(PlanError) as caught:
        files([{"name": "web", "port": 1, **fields}])
    assert_problems(caught.value.problems, "h1", wrong._replace(service=wrong.service or "web"))
    assert "pgsvc-secret" not in str(caught.value)


def test_an_item_that_is_no_service_is_not_repeated_when_it_may_hold_a_secret() -> None:
    with pytest.raises(PlanError, match=": a value that may contain a secret is not a mapping of fields") as caught:
        files(["stats auth admin:pgsvc-secret"])
    assert_problems(caught.value.problems, "h1", Wrong("not-allowed", None, "haproxy_services[0]"))


def test_a_secret_of_the_environment(tmp_path: Path) -> None:
    """What the message says to use instead is what HAProxy takes."""
    lines = ["option httpchk", 'http-check send meth GET uri /health hdr Authorization "Basic ${TOKEN}"']
    (file,) = files([{**GRAFANA, "options": lines}])
    config = tmp_path / "web.cfg"
    config.write_text(file["content"])
    command = ["haproxy", "-c", "-f", str(config)]
    checked = subprocess.run(command, check=False, capture_output=True, text=True, env={**os.environ, "TOKEN": "x"})
    assert checked.returncode == 0, checked.stderr

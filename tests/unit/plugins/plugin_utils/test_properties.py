# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Properties of planning, searched by hypothesis and judged by the real haproxy."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import PlanError
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.patroni import ENDPOINTS
from ansible_collections.pgsvc.access.plugins.plugin_utils._plan.node_services import node_service_files
from ansible_collections.pgsvc.access.plugins.plugin_utils._plan.rendering import render_service
from ansible_collections.pgsvc.access.tests.unit.plugins.plugin_utils.planning import Hosts, cluster, plan

DURATIONS = st.one_of(
    st.integers(1, 2**31 - 1).map(str), st.sampled_from(["1ms", "24d", "2147483647ms", "35791m", "596h", "3s"])
)
BIG = st.sampled_from([1, 2, 100, 5000, 10_000_000])
COUNTS = st.sampled_from(["1", "3", "128", "2147483647"])
OPTIONS = st.lists(
    st.one_of(
        *(DURATIONS.map(f"{word} {{}}".format) for word in ("inter", "fastinter", "downinter", "slowstart", "tcp-ut")),
        *(
            COUNTS.map(f"{word} {{}}".format)
            for word in ("rise", "fall", "maxconn", "maxqueue", "minconn", "error-limit")
        ),
        st.integers(0, 256).map("weight {}".format),
        st.sampled_from(
            [
                "on-marked-down shutdown-sessions",
                "on-marked-up shutdown-backup-sessions",
                "observe layer4",
                "on-error sudden-death",
                "send-proxy",
                "send-proxy-v2",
                "check-send-proxy",
                "agent-check agent-port 9 agent-inter 5s",
                "init-addr last,libc,none",
                "resolve-prefer ipv4",
                "source 127.0.0.1",
                "ssl verify none",
                "check-ssl verify none sni str(a.b)",
                "non-stick",
            ]
        ),
    ),
    max_size=6,
    unique_by=lambda option: "verify" if "verify" in option else option.split()[0],  # HAProxy takes each once
).map(" ".join)
ADDRESSES = st.one_of(
    st.ip_addresses(v=4).map(str), st.ip_addresses(v=6).map(str), st.sampled_from(["*", "::", "127.0.0.1", "fd00::1"])
)
SELECTORS = st.sampled_from(
    [
        "[]",
        "[0]",
        "[-1:]",
        "[? pg_role == `primary`]",
        "[? pg_weight > `50`]",
        "[? pg_seq == `9`]",
        "sort_by(@, &pg_seq)[1:]",
    ]
)
DEFINITION: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "name": st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}", fullmatch=True),
        "port": st.one_of(st.integers(1, 65535), st.integers(1, 65535).map(str)),
        "selector": SELECTORS,
    },
    optional={
        "ip": st.one_of(ADDRESSES, st.lists(ADDRESSES, min_size=1, max_size=4)),
        "backup": SELECTORS,
        "dest": st.one_of(st.sampled_from(["default", "postgres", "pgbouncer", "6433"]), st.integers(1, 65535)),
        "check": st.one_of(
            st.sampled_from(list(ENDPOINTS)),
            st.from_regex(
                r"/replica\?tag_[A-Za-z0-9_.~!()*,;:@/?-]{1,30}=[A-Za-z0-9_.~!()*+,;=:@/?-]+", fullmatch=True
            ),
        ),
        "maxconn": BIG,
        "balance": st.sampled_from(
            [
                "roundrobin",
                "static-rr",
                "leastconn",
                "first",
                "source",
                "random",
                "random(9999)",
                "hash src",
                "rdp-cookie(x_-)",
            ]
        ),
        "options": OPTIONS,
        "timeout_client": DURATIONS,
        "timeout_server": DURATIONS,
        "allbackups": st.booleans(),
        "on_member_removed": st.sampled_from(["shutdown-sessions", "drain"]),
    },
)
# Whatever a person might paste: what HAProxy reads as quotes, comments, variables, line ends, and no text at all.
PASTED = st.one_of(
    st.text(max_size=30),
    st.text(alphabet="\n\r\t\v\f\x00\x1b\x85\xa0\u2028\u2029\u3000\ud800\"'\\#${}%[] ab/:-.*", max_size=20),
    st.sampled_from(
        [
            "x\nlisten evil",
            "/x\n    server evil 10.0.0.1:1",
            "fe80::1%\n    server evil 10.0.0.1:1",
            "10.0.0.1 ssl",
            'a"b',
            "${HOME}",
            "a#b",
            "inter 3s\r\nserver evil 1.1.1.1:1",
        ]
    ),
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.lists(st.text(max_size=5), max_size=3),
    st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=2),
)
FIELDS = [
    "name",
    "port",
    "ip",
    "selector",
    "backup",
    "dest",
    "check",
    "maxconn",
    "balance",
    "options",
    "timeout_client",
    "timeout_server",
    "allbackups",
    "on_member_removed",
]
MEMBER = [
    "pg_cluster",
    "pg_seq",
    "pg_role",
    "pg_address",
    "pg_port",
    "pgbouncer_port",
    "patroni_port",
    "pg_weight",
    "pg_offline_query",
    "patroni_ca_file",
    "pg_service_ip",
    "haproxy_client_timeout",
    "haproxy_server_timeout",
    "haproxy_state_dir",
    "haproxy_exporter_port",
    "pg_default_service_dest",
    "pg_service_provider",
    "pg_service_targets",
]
# The first words of the lines that a service's file may have.
DIRECTIVES = {
    "bind",
    "mode",
    "maxconn",
    "balance",
    "option",
    "no",
    "http-check",
    "enabled",
    "hash-type",
    "hash-balance-factor",
    "retries",
    "rate-limit",
    "timeout",
    "default-server",
    "load-server-state-from-file",
    "server-state-file-name",
    "server",
}

bounded = settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])


def rendered(hosts: Hosts) -> dict[str, str] | None:
    """The files of the first load balancer by name; None when the inventory is refused."""
    try:
        planned = plan(hosts)
    except PlanError as error:
        title, *lines = str(error).split("\n")
        assert title.endswith("in the inventory, no host was touched:")
        assert lines
        assert all(line.startswith("- ") and line.isprintable() for line in lines)
        return None
    first = next(iter(planned.publications.values()), None)
    return (
        {service.name: render_service(service, first.settings.state_dir) for service in first.services} if first else {}
    )


def is_one_section(name: str, text: str) -> bool:
    """Whether the file has one section, and nothing but the directives that we write."""
    text.encode()
    lines = [line for line in text.split("\n") if line and not line.lstrip().startswith("#")]
    return (
        lines[0] == f"listen {name}"
        and all(line.startswith("    ") and line.isprintable() for line in lines[1:])
        and {line.split()[0] for line in lines[1:]} <= DIRECTIVES
    )


@settings(bounded, max_examples=8)
@given(st.lists(DEFINITION, min_size=1, max_size=20, unique_by=lambda definition: definition["name"]))
def test_what_is_planned_is_accepted_by_haproxy(tmp_path: Path, definitions: list[dict[str, Any]]) -> None:
    """Many services of one example are judged by one haproxy; those that clash are planned one by one."""
    texts: dict[str, str] = {}
    for definition in definitions:
        found = rendered(cluster("pg-x", "primary", "replica", pg_default_services=[definition], pg_weight=60))
        texts |= found or {}
    # One instance's own port may be the one that was drawn, which is a clash and rightly refused; nothing else is.
    assert len(texts) >= len(definitions) - sum(int(item["port"]) in (5432, 6432, 8008, 9101) for item in definitions)
    config = tmp_path / "haproxy.cfg"
    config.write_text("".join(texts.values()), encoding="utf-8")
    checked = subprocess.run(["haproxy", "-c", "-f", config], check=False, capture_output=True, text=True)
    assert not texts or checked.returncode == 0, checked.stderr


@bounded
@given(st.sampled_from(FIELDS), PASTED)
def test_no_field_injects_a_directive(field: str, value: Any) -> None:
    definition = {"name": "x", "port": 5440, "selector": "[]", field: value}
    found = rendered(cluster("pg-x", "primary", "replica", pg_default_services=[definition]))
    assert found is None or all(is_one_section(name, text) for name, text in found.items())


@bounded
@given(st.sampled_from(MEMBER), PASTED)
def test_no_variable_injects_a_directive(variable: str, value: Any) -> None:
    hosts = cluster("pg-x", "primary", patroni_ssl_enabled=True)
    hosts["10.10.10.11"][variable] = value
    found = rendered(hosts)
    assert found is None or all(is_one_section(name, text) for name, text in found.items())


@bounded
@given(PASTED)
def test_no_host_name_injects_a_directive(name: Any) -> None:
    found = rendered({str(name): {"pg_cluster": "pg-x", "pg_seq": 1, "pg_role": "primary", "pg_address": "10.0.0.1"}})
    assert found is None or all(is_one_section(name, text) for name, text in found.items())


@bounded
@given(st.text(alphabet="[]?*@&|!<>=(){}.,:`'\"\\-0123456789abpg_role\n\x00é", max_size=40))
def test_any_selector_is_understood_or_refused(expression: str) -> None:
    definition = {"name": "x", "port": 5440, "selector": expression}
    found = rendered(cluster("pg-x", "primary", "replica", pg_default_services=[definition]))
    assert found is None or set(found) == {"pg-x-x"}


NODE_FIELDS = ["name", "port", "ip", "protocol", "maxconn", "balance", "options", "default", "servers"]
NODE_SERVER_FIELDS = ["name", "ip", "port", "backup", "weight", "options"]


@bounded
@given(st.booleans(), st.sampled_from(NODE_FIELDS), st.sampled_from(NODE_SERVER_FIELDS), PASTED, st.booleans())
def test_haproxy_services_stay_one_section(
    of_server: bool, field: str, server_field: str, value: Any, in_list: bool
) -> None:
    server: dict[str, Any] = {"name": "a", "ip": "10.0.0.1", "port": 1}
    service: dict[str, Any] = {"name": "web", "port": 5440, "servers": [server]}
    if of_server:
        server[server_field] = value
    else:
        service[field] = [value] if in_list else value
    try:
        (file,) = node_service_files([service], "h1", "*", "/state", "24h", "24h")
    except PlanError as error:
        assert all(line.isprintable() for line in str(error).split("\n"))
        return
    file["content"].encode()
    lines = [line for line in file["content"].split("\n") if line and not line.startswith("#")]
    assert lines[0] == f"listen {file['name']}"
    assert all(line.startswith("    ") and line.isprintable() for line in lines[1:])
    sections = {"listen", "frontend", "backend", "global", "defaults", "peers", "program"}
    assert sections.isdisjoint(line.split()[0] for line in lines[1:])


@settings(bounded, max_examples=20)
@given(st.lists(DEFINITION, min_size=1, max_size=5, unique_by=lambda item: item["name"]), st.randoms())
def test_the_order_of_definitions_does_not_matter(definitions: list[dict[str, Any]], shuffle: Any) -> None:
    for index, definition in enumerate(definitions):
        definition["port"] = 20000 + index
    shuffled = shuffle.sample(definitions, len(definitions))
    hosts = [cluster("pg-x", "primary", "replica", pg_default_services=some) for some in (definitions, shuffled)]
    assert rendered(hosts[0]) == rendered(hosts[1])

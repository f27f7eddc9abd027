# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue: its words, its picture, its URLs and its page."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.pgsvc.access.plugins.filter.catalog import catalog
from ansible_collections.pgsvc.access.plugins.plugin_utils._access.endpoint_text import variable_name
from ansible_collections.pgsvc.access.plugins.plugin_utils._access.endpoints import Endpoint
from ansible_collections.pgsvc.access.plugins.plugin_utils._access.planner import AccessPlanner
from ansible_collections.pgsvc.access.plugins.plugin_utils._access.urls import Login
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.inventory import Inventory
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import Report
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.values import with_port
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.selector import compile_selector
from ansible_collections.pgsvc.access.plugins.plugin_utils._report.catalog_clients import FORMATS, MARKS, templates
from ansible_collections.pgsvc.access.plugins.plugin_utils._report.catalog_picture import picture
from ansible_collections.pgsvc.access.plugins.plugin_utils._report.catalog_words import in_words
from ansible_collections.pgsvc.access.tests.unit.plugins.plugin_utils.planning import (
    DELEGATED,
    PROXIES,
    Hosts,
    cluster,
    pg_test,
    with_proxies,
)

VIP: dict[str, Any] = {"pg_vip_enabled": True, "pg_vip_address": "10.10.10.3/24"}


def page(hosts: Hosts, groups: dict[str, list[str]] | None = None, **options: Any) -> str:
    return catalog(hosts, {"all": list(hosts), **(groups or {})}, **options)


def model_of(text: str) -> dict[str, Any]:
    found = re.search(r'id="data">(.*?)</script>', text, re.DOTALL)
    assert found
    model: dict[str, Any] = json.loads(found[1])
    return model


@pytest.mark.parametrize(
    ("selector", "backup", "words"),
    [
        ("[]", None, "all members"),
        ("[?pg_role=='replica']", "[?pg_role=='primary']", "replicas, else the primary"),
        ("[? pg_role == `replica` ]", '[? "pg_role" == `primary`]', "replicas, else the primary"),
        (
            "[]",
            "[? pg_role == `primary` || pg_role == `offline` ]",
            "all other members, else the primary and offline members",
        ),
        ("[? pg_role == 'delayed']", None, "delayed members"),
        ("[?pg_seq > `2`]", None, "those of [?pg_seq > `2`]"),
        ("[?pg_seq > `2`]", "[]", "those of [?pg_seq > `2`], else all members"),
    ],
)
def test_selectors_in_words(selector: str, backup: str | None, words: str) -> None:
    assert in_words(compile_selector(selector), compile_selector(backup) if backup else None) == words


def test_the_selectors_of_the_default_services_have_words() -> None:
    uses = [definition["uses"] for definition in model_of(page(pg_test()))["definitions"]]
    assert len(uses) == 4
    assert [words for words in uses if "pg_" in words] == []


def drawn(hosts: Hosts, groups: dict[str, list[str]] | None = None) -> dict[str, Any]:
    """The picture of the first cluster: the texts of the boxes, and the lines as pairs of them."""
    report = Report()
    inventory = Inventory(hosts, {"all": list(hosts), **(groups or {})}, report)
    made = picture(AccessPlanner(inventory, report).survey([]).accesses[0])
    texts = [node[5] for node in made["nodes"]]
    lines: dict[str, list[tuple[str, str]]] = {"solid": [], "dashed": []}
    for start, end, is_dashed in made["edges"]:
        lines["dashed" if is_dashed else "solid"].append((texts[start], texts[end]))
    return {"nodes": [(node[0], node[5], node[6]) for node in made["nodes"]], **lines, "size": made["size"]}


def test_a_picture_of_members_that_are_load_balancers() -> None:
    one = {"name": "readers", "port": 5440, "selector": "[]", "backup": "[?pg_role=='primary']", "check": "/read-only"}
    hosts = cluster("pg-test", "primary", "delayed", pg_default_services=[one], **VIP)

    found = drawn({**hosts, "infra": {}}, {"infra": ["infra"]})

    assert found["nodes"] == [
        ("clients", "Clients", ""),
        ("name", "pg-test", "DNS name of the VIP"),
        ("vip", "10.10.10.3", "VIP, at the primary"),
        ("name", "10.10.10.11, …", "each address or name"),
        ("balancer", "pg-test-1", "10.10.10.11"),
        ("balancer", "pg-test-2", "10.10.10.12"),
        ("service", "readers", "port 5440"),
        ("primary", "pg-test-1", "primary"),
        ("delayed", "pg-test-2", "delayed"),
    ]
    assert found["dashed"] == [("10.10.10.3", "pg-test-2"), ("readers", "pg-test-1")]
    assert ("10.10.10.3", "pg-test-1") in found["solid"]
    assert ("readers", "pg-test-2") in found["solid"]


def test_a_picture_of_dedicated_load_balancers() -> None:
    hosts = with_proxies(pg_test(**DELEGATED, **VIP))

    found = drawn(hosts, PROXIES)

    assert [node for node in found["nodes"] if node[0] in ("vip", "balancer")] == [
        ("vip", "10.10.10.3", "VIP, direct ports only"),
        ("balancer", "p1", "dedicated"),
        ("balancer", "p2", "dedicated"),
    ]
    assert [line for line in found["solid"] if line[0] == "10.10.10.3"] == []


def test_a_picture_does_not_grow_with_load_balancers() -> None:
    hosts = {**pg_test(**DELEGATED), **{f"p{number}": {} for number in range(40)}}
    found = drawn(hosts, {"proxy": [f"p{number}" for number in range(40)]})
    assert ("balancer", "40 load balancers", "see the table of ports") in found["nodes"]
    assert found["size"][1] < 300


def filled(endpoint: Endpoint, template: str) -> str:
    """As the page does it."""
    ports = [str(port) for _host, port in endpoint.hosts]
    parts = (
        ",".join(with_port(host, port) for host, port in endpoint.hosts),
        ",".join(host for host, _port in endpoint.hosts),
        ports[0] if len(set(ports)) == 1 else ",".join(ports),
        endpoint.label,
        variable_name(endpoint),
    )
    for mark, part in zip(MARKS, parts, strict=True):
        template = template.replace(mark, part)
    return template


PRINTABLE = st.text(st.characters(exclude_categories=["C", "Z"]) | st.sampled_from(" '\"\\%0123456789"), max_size=12)


@given(
    hosts=st.lists(
        st.tuples(st.sampled_from(["10.0.0.1", "db-1.example", "fd00::1"]), st.sampled_from([5432, 5433])), min_size=1
    ),
    attributes=st.sampled_from(["", "primary", "prefer-standby"]),
    who=st.builds(Login, user=PRINTABLE, database=PRINTABLE, sslmode=st.sampled_from(["", "verify-full"])),
)
def test_a_filled_template_is_what_the_command_prints(
    hosts: list[tuple[str, int]], attributes: str, who: Login
) -> None:
    endpoint = Endpoint("1pg", "multi", "1pg", tuple(hosts), "primary", False, "any", "p", (), attributes)
    made = templates(endpoint, who)
    assert {name: filled(endpoint, made[name]) for name in FORMATS} == {
        name: write(endpoint, who) for name, (_title, write) in FORMATS.items()
    }


def test_the_same_input_gives_the_same_bytes() -> None:
    hosts = {**pg_test(), **cluster("pg-meta", "primary", first=21)}
    backwards = dict(reversed(hosts.items()))
    assert page(hosts) == page(hosts)
    assert page(backwards) == page(hosts)


def test_no_password_is_on_the_page() -> None:
    secrets: dict[str, Any] = {
        "pg_users": [{"name": "dbuser", "password": "S3cret.1"}],
        "pg_vip_etcd_user": "vip",
        "pg_vip_etcd_password": "S3cret.2",
        "pg_vip_consul_token": "S3cret.3",
        "haproxy_admin_password": "S3cret.4",
        "ansible_become_password": "S3cret.5",
    }
    assert "S3cret" not in page(pg_test(**VIP, **secrets), user="app", status={"clusters": []})


def test_the_policy_names_what_is_on_the_page() -> None:
    text = page(pg_test())
    policy = re.search(r'Security-Policy" content="([^"]+)"', text)
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert policy
    digests = [base64.b64encode(hashlib.sha256(part.encode()).digest()).decode() for part in (style, script)]
    assert policy[1].replace("&#39;", "'") == (
        f"default-src 'none'; style-src 'sha256-{digests[0]}'; script-src 'sha256-{digests[1]}'; base-uri 'none'; "
        "form-action 'none'"
    )
    assert re.findall(r"(?:src|href)=\"(?!#)[^\"]*", text) == []


def test_data_cannot_end_its_element() -> None:
    text = page(pg_test(), status={"clusters": [_status("</script>\u2028<!--&")]})
    assert text.count("</script>") == 2
    assert model_of(text)["clusters"][0]["status"]["findings"][0]["text"] == "</script>\u2028<!--&"


def _status(text: str) -> dict[str, Any]:
    finding = {"severity": "warning", "code": "no_leader", "text": text, "fix": ""}
    return {"cluster": "pg-test", "health": "warning", "members": [], "services": [], "findings": [finding]}


def test_warnings_stand_with_their_cluster() -> None:
    hosts = {**pg_test(pg_weigth=1), **cluster("pg-meta", "primary", first=21)}
    warnings = {one["name"]: one["warnings"] for one in model_of(page(hosts))["clusters"]}
    assert warnings == {
        "pg-meta": [],
        "pg-test": ["pg-test: pg_weigth: is not a variable of services; did you mean 'pg_weight'?"],
    }


def test_ports_of_a_load_balancer() -> None:
    hosts = with_proxies(pg_test(**DELEGATED))
    hosts["p1"]["haproxy_services"] = [
        {"name": "web", "port": 8080, "servers": [{"name": "a", "ip": "10.0.0.1", "port": 80}]}
    ]
    found = model_of(page(hosts, PROXIES))["balancers"]
    assert found["p1"] == {
        "address": "p1",
        "ports": [[8080, "web", ""], [9101, "statistics", ""], [10013, "primary", "pg-test"]],
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"clusters": ["pg-tset"]}, "'pg-tset' is not a cluster of the inventory, did you mean 'pg-test'?"),
        ({"status": {"cluster": []}}, "status: {'cluster': []} is not a report; allowed: what pgsql-svc --status"),
        ({"status": "[]"}, "status: [] is not a report"),
        ({"sslmode": "on"}, "is not an SSL mode of libpq"),
        ({"user": "a\nb"}, "unprintable"),
        ({"title": "a\nb"}, "unprintable"),
    ],
)
def test_mistakes(options: dict[str, Any], message: str) -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        page(pg_test(), **options)
    assert message in str(caught.value)


def test_services_of_one_port_at_several_addresses() -> None:
    services = [{"name": "primary", "port": 5433, "selector": "[]", "ip": f"10.0.0.{number}"} for number in (1, 2)]
    variables: list[dict[str, Any]] = [
        {"pg_service_provider": "proxy", "pg_default_services": [service]} for service in services
    ]
    hosts = with_proxies(pg_test(**variables[0]), cluster("pg-meta", "primary", first=21, **variables[1]))
    found = model_of(page(hosts, PROXIES, clusters=["pg-test"]))
    assert [name["name"] for name in found["clusters"]] == ["pg-test"]
    uses = [[5433, "primary", "pg-meta"], [5433, "primary", "pg-test"], [9101, "statistics", ""]]
    assert found["balancers"]["p2"]["ports"] == uses

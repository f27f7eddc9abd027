# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The roles with variables that are not what they should be: one message, nothing touched, no secret anywhere.

A role ends before its first task on the host, so that it runs here as it is.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.pgsvc.access.plugins.plugin_utils._access import (
    balancer_addresses,
    names,
    virtual_addresses,
)
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.role_settings import (
    ROLES,
    SettingsError,
    read_settings,
)
from ansible_collections.pgsvc.access.tests.conftest import ROOT

ENTRY = {"haproxy": "main", "lb_vip": "main", "pg_dns": "server", "pg_service": "conf", "pg_vip": "main"}
# What the plans check, or a filter of the role.
ELSEWHERE = {
    *virtual_addresses.SETTINGS, *virtual_addresses.ENABLED, *virtual_addresses.ADDRESS, "pg_vip_interface",
    *balancer_addresses.SETTINGS, *balancer_addresses.ENABLED, *balancer_addresses.OF_HOST,
    *names.SETTINGS, "pg_dns_group", "pg_dns_clusters",
    "haproxy_services", "pg_service_clusters", "pg_service_serial",
    *(f"pg_service_conf_{name}" for name in ("by", "clusters", "database", "sslmode", "user")),
}  # fmt: skip
CONFIDENTIAL = "pgsvc-secret"
WHOLE = object()

HIDDEN = "the value (not shown) is too long or not text, or contains a line break"

#: By role every mistake at once, with the part of the value that is wrong where it is not the whole, and what is said
#: of some. A blank or a line break would be another directive.
MISTAKES: dict[str, dict[str, tuple[Any, Any, str]]] = {
    "haproxy": {
        "haproxy_clean": ("perhaps", WHOLE, "'perhaps' is not a truth value; allowed: true or false"),
        "haproxy_reload": (2, WHOLE, ""),
        "haproxy_conf_dir": ("etc/haproxy", WHOLE, "'etc/haproxy' is not a path"),
        "haproxy_state_dir": ("/var/lib/ha proxy", WHOLE, ""),
        "haproxy_config_args": (["-f", "/etc/haproxy\nUser=root"], "/etc/haproxy\nUser=root", ""),
        "haproxy_master_socket": ("/run/m.sock,mode,666", WHOLE, "'/run/m.sock,mode,666' is not the path of a socket"),
        "haproxy_stats_socket": ("/run/x mode 666 level admin #", WHOLE, ""),
        "haproxy_maxconn": ("many", WHOLE, ""),
        "haproxy_hard_stop_after": ("1h\n    stats socket /tmp/x", WHOLE, ""),
        "haproxy_client_timeout": ("24h\nlisten x", WHOLE, ""),
        "haproxy_server_timeout": ("1 day", WHOLE, ""),
        "haproxy_global_options": (
            ["nbthread 1", "listen x"], "listen x", "'listen x' is not a directive of the global section",
        ),
        "haproxy_exporter_port": (70000, WHOLE, ""),
        "haproxy_admin_username": ("ad:min", WHOLE, ""),
        "haproxy_admin_password": (f"{CONFIDENTIAL}\r\n", None, HIDDEN),
        "haproxy_services": ([{"name": "a", "port": 0}], 0, "service a: port: 0 is not a port"),
        "pg_service_ip": ("nowhere", WHOLE, ""),
    },
    "lb_vip": {
        "vip_enabled": ("perhaps", WHOLE, "'perhaps' is not a truth value; allowed: true or false"),
        "vip_auth_pass": (f"{CONFIDENTIAL}\n", None, HIDDEN),
        "lb_vip_package": ("keepalived --option", WHOLE, "'keepalived --option' is not a package"),
    },
    "pg_dns": {
        "pg_dns_purge": ("perhaps", WHOLE, ""),
        "pg_dns_hosts_dir": ("/etc/hosts.d\naddress=/#/10.0.0.1", WHOLE, ""),
        "pg_dns_listen": (["10.0.0.1", "eth0"], "eth0", "'eth0' is not an address to listen on"),
        "pg_dns_port": ("53\nlog-queries", WHOLE, ""),
        "pg_dns_forwarders": (["10.0.0.1#0"], "0", "0 is not a port"),
        "pg_dns_serve_etc_hosts": ("perhaps", WHOLE, ""),
    },
    "pg_service": {
        "pg_service_conf_path": ("pg_service.conf", WHOLE, "'pg_service.conf' is not a path"),
        "pg_service_conf_purge": ("perhaps", WHOLE, ""),
    },
    "pg_vip": {
        "pg_cluster": ("pg-test\nExecStart=x", WHOLE, "'pg-test\\nExecStart=x' is not a cluster name"),
        "pg_vip_package": ("vip-manager --option", WHOLE, "'vip-manager --option' is not a package"),
        "pg_vip_binary": ("/bin/sh -c x\nUser=root", WHOLE, ""),
        "pg_vip_etcd_password": (f"{CONFIDENTIAL}\n", None, HIDDEN),
        "pg_vip_consul_token": (f"{CONFIDENTIAL}\x00", None, ""),
    },
}  # fmt: skip


def run(folder: Path, role: str, variables: dict[str, Any], *options: str, validate: bool = False) -> tuple[int, str]:
    """Run an entry point of a role on this machine, with variables of the play: how it ended, and what was said.

    In check mode, should it not end where it must. `validate` lets Ansible check the types first.
    """
    (folder / "variables.json").write_text(json.dumps(variables))
    imported = {"name": f"pgsvc.access.{role}", "tasks_from": ENTRY[role], "rolespec_validate": validate}
    play = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "vars_files": [str(folder / "variables.json")],
        "tasks": [{"name": "Run the role", "ansible.builtin.import_role": imported}],
    }
    (folder / "play.yml").write_text(json.dumps([play]))
    command = ["ansible-playbook", "--check", *options, str(folder / "play.yml")]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    output = done.stdout + done.stderr
    assert "Traceback" not in output
    return done.returncode, output


@pytest.mark.parametrize(
    "role", [pytest.param(role, marks=[pytest.mark.every_core] if role == "haproxy" else []) for role in MISTAKES]
)
def test_every_mistake_in_one_message(role: str, tmp_path: Path) -> None:
    mistakes = MISTAKES[role]
    code, output = run(tmp_path, role, {name: value for name, (value, *_rest) in mistakes.items()}, "-vvv", "--diff")
    assert code == 2, output
    assert (
        f"{len(mistakes)} problems in the variables of role pgsvc.access.{role}, which has changed nothing:" in output
    )
    for name, (_value, _wrong, text) in mistakes.items():
        label = "localhost: " if name == "haproxy_services" else f"localhost: {name}: "
        assert f"\n- {label}{text}" in output
    assert CONFIDENTIAL not in output


@pytest.mark.parametrize("role", MISTAKES)
def test_every_mistake_is_found_once(role: str) -> None:
    mistakes = MISTAKES[role]
    given = {name: value for name, (value, *_rest) in mistakes.items()}
    with pytest.raises(SettingsError) as caught:
        read_settings(role, "localhost", given.get)
    places = {"haproxy_services": ("a", "port")}
    found = [(each.code, each.where, each.service, each.field, each.value) for each in caught.value.problems]
    expected = [
        ("not-allowed", "localhost", *places.get(name, ("", name)), value if wrong is WHOLE else wrong)
        for name, (value, wrong, _text) in mistakes.items()
    ]
    assert sorted(found, key=str) == sorted(expected, key=str)


SECRETS = {role: [name for name, setting in settings.items() if setting.secret] for role, settings in ROLES.items()}
BAD_SECRETS = {
    "line break": f"{CONFIDENTIAL}\n",
    "mapping": {CONFIDENTIAL: CONFIDENTIAL},
    "template": f"{{{{ nothing ~ '{CONFIDENTIAL}' }}}}",
}


# What Ansible itself says of a mapping or a template depends on its release; a line break is refused by the role alone.
@pytest.mark.parametrize(
    "kind",
    [pytest.param(kind, marks=[pytest.mark.every_core] if kind != "line break" else []) for kind in BAD_SECRETS],
)
@pytest.mark.parametrize("role", sorted(filter(SECRETS.get, SECRETS)))
def test_no_output_holds_a_secret(role: str, kind: str, tmp_path: Path) -> None:
    variables = dict.fromkeys(SECRETS[role], BAD_SECRETS[kind])
    code, output = run(tmp_path, role, variables, "-vvv", "--diff")
    assert code == 2, output
    assert all(f"- localhost: {name}: " in output for name in variables)
    code, validated = run(tmp_path, role, variables, "-vvv", "--diff", validate=True)
    assert code == 2, validated
    assert CONFIDENTIAL not in output + validated


@pytest.mark.every_core
def test_an_undefined_variable_is_a_problem_like_others(tmp_path: Path) -> None:
    variables = {"haproxy_conf_dir": "{{ nothing }}/haproxy", "haproxy_maxconn": "many"}
    _code, output = run(tmp_path, "haproxy", variables)
    assert "2 problems in the variables of role pgsvc.access.haproxy" in output
    assert "- localhost: haproxy_conf_dir: cannot be templated: " in output


def test_a_host_that_is_no_load_balancer_needs_nothing_else(tmp_path: Path) -> None:
    code, output = run(tmp_path, "haproxy", {"haproxy_enabled": "no", "haproxy_maxconn": "many"})
    assert code == 0, output
    assert "ok=1 " in output


def test_a_listener_on_a_port_that_is_taken(tmp_path: Path) -> None:
    _code, output = run(tmp_path, "haproxy", {"haproxy_services": [{"name": "web", "port": 9101}]})
    assert (
        "- load balancer localhost: port 9101 is used twice: by haproxy_exporter_port (*:9101) and by web of"
        " haproxy_services (*:9101)"
    ) in output


@pytest.mark.parametrize("role", ROLES)
def test_every_variable_is_checked(role: str) -> None:
    defaults = yaml.safe_load((ROOT / "roles" / role / "defaults/main.yml").read_text())
    assert set(defaults) - ELSEWHERE - set(ROLES[role]) == set()
    shared = {name: defaults[name] for name in ROLES[role] if name in defaults}
    assert {name: ROLES[role][name].default for name in shared} == shared


@pytest.mark.parametrize("role", ROLES)
def test_nothing_is_templated_unchecked(role: str) -> None:
    """Tasks and templates use the checked variables (`_<role>.<variable>`); but for secrets and what a plan takes."""
    allowed = {*ELSEWHERE, *(name for name, setting in ROLES[role].items() if setting.secret)}
    folders = ("tasks", "templates", "vars")
    texts = [path.read_text() for path in (ROOT / "roles" / role).rglob("*") if path.parent.name in folders]
    expressions = "\n".join(re.findall(r"{[{%].*?[%}]}", "\n".join(texts), re.DOTALL))
    used = set(re.findall(r"(?<![\w.'])(?:haproxy|pg)_[a-z_]+(?![\w:])", expressions))
    assert used - allowed - {"haproxy_service_files"} == set()

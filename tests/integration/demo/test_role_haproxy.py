# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role haproxy without a systemd: its files as it renders them, read by the real binary, and its documents."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = pytest.mark.xdist_group("role-haproxy")

CASES: dict[str, dict[str, Any]] = {
    "default": {},
    "conf.d": {"haproxy_conf_dir": "/etc/haproxy/conf.d/"},
    "slashes": {"haproxy_conf_dir": "//etc//haproxy/./"},
    "percent": {"haproxy_conf_dir": "/etc/haproxy/100%n"},
    "arguments": {"haproxy_config_args": "-f /etc/haproxy -f /srv/more"},
    "text": {"haproxy_maxconn": "2000", "haproxy_exporter_port": "9102", "haproxy_hard_stop_after": "5m"},
    "secret": {"haproxy_admin_password": "it's $HOME #1 \\ \"x: {# %s"},
    "global": {"haproxy_global_options": ["nbthread 1", "tune.bufsize 32768"]},
    "EL": {"haproxy_stats_socket": "/run/pgsvc/admin.sock"},
    "EL, own folder": {"haproxy_conf_dir": "/etc/haproxy"},
}
# What is found on a host of Debian and of Enterprise Linux (tests/unit/plugins/module_utils/test_installation.py).
DEBIAN: dict[str, Any] = {
    "binary": "/usr/sbin/haproxy",
    "conf_dir": "/etc/haproxy",
    "master_socket": "/run/haproxy-master.sock",
    "option_variables": ["EXTRAOPTS"],
    "has_log_socket": True,
}
EL = {**DEBIAN, "conf_dir": "/etc/haproxy/conf.d", "option_variables": ["OPTIONS"], "has_log_socket": False}
ARGUMENTS = {
    "default": "-f /etc/haproxy",
    "conf.d": "-f /etc/haproxy/haproxy.cfg -f /etc/haproxy/conf.d",
    "slashes": "-f /etc/haproxy",
    "percent": "-f /etc/haproxy/haproxy.cfg -f /etc/haproxy/100%%n",
    "arguments": "-f /etc/haproxy -f /srv/more",
    "EL": "-f /etc/haproxy/haproxy.cfg -f /etc/haproxy/conf.d",
    "EL, own folder": "-f /etc/haproxy",
}


@pytest.fixture(scope="module")
def rendered(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each case with the role's two templates, rendered by Ansible with the role's own variables."""
    role, folder = checkout / "roles/haproxy", tmp_path_factory.mktemp("rendered")
    plays = []
    for name, variables in CASES.items():
        (folder / name).mkdir()
        tasks: list[dict[str, Any]] = [
            {"pgsvc.access.role_settings": {"role": "haproxy"}, "register": "_haproxy_checked"},
            *(
                {
                    "ansible.builtin.copy": {
                        "content": f"{{{{ lookup('ansible.builtin.template', '{role}/templates/{template}') }}}}",
                        "dest": f"{folder}/{name}/{template}",
                    }
                }
                for template in ("haproxy.cfg", "pgsvc.conf")
            ),
        ]
        plays.append(
            {
                "hosts": "localhost",
                "connection": "local",
                "gather_facts": False,
                "vars": {"_haproxy_found_before": EL if name.startswith("EL") else DEBIAN},
                "vars_files": [f"{role}/defaults/main.yml", f"{role}/vars/main.yml"],
                "tasks": [
                    {**task, "vars": {key: _unsafe(value) for key, value in variables.items()}} for task in tasks
                ],
            }
        )
    playbook = folder / "render.yml"
    playbook.write_text(yaml.dump(plays).replace("'!unsafe ", "!unsafe '"))
    done = subprocess.run(["ansible-playbook", str(playbook)], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def _unsafe(value: Any) -> Any:
    """A text that is not to be read as a template, marked so that `yaml.dump` can be mended to say it."""
    return f"!unsafe {value}" if isinstance(value, str) else value


@pytest.mark.every_core
@pytest.mark.parametrize("case", CASES)
def test_base_configuration_is_accepted_without_a_warning(rendered: Path, case: str) -> None:
    command = ["haproxy", "-c", "-f", str(rendered / case / "haproxy.cfg")]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.returncode, [line for line in done.stderr.splitlines() if "NOTICE" not in line]) == (0, [])


@pytest.mark.every_core
@pytest.mark.parametrize("case", ARGUMENTS)
def test_unit_starts_checks_and_reloads_with_the_same_arguments(rendered: Path, case: str) -> None:
    lines = (rendered / case / "pgsvc.conf").read_text().splitlines()
    options = "OPTIONS" if case.startswith("EL") else "EXTRAOPTS"
    assert [line for line in lines if line.startswith("Exec") and "/usr/bin/flock" not in line] == [
        f"ExecStartPre=/bin/mkdir -p {'/run/pgsvc' if case == 'EL' else '/run/haproxy'}",
        "ExecStart=",
        f"ExecStart=/usr/sbin/haproxy -Ws {ARGUMENTS[case]} -p /run/haproxy.pid"
        f" -S /run/haproxy-master.sock,mode,600 ${options}",
        "ExecReload=",
        f"ExecReload=/usr/sbin/haproxy -Ws {ARGUMENTS[case]} -c ${options}",
        "ExecReload=/bin/kill -USR2 $MAINPID",
    ]
    assert f"Environment={options}=" in lines
    log = "BindReadOnlyPaths=-/dev/log:/var/lib/haproxy/dev/log"
    assert (log in lines) is case.startswith("EL"), "HAProxy writes to the log from within its chroot"


@pytest.mark.every_core
def test_loose_types_and_secrets_arrive_as_they_are_meant(rendered: Path) -> None:
    text = (rendered / "text/haproxy.cfg").read_text()
    for line in ("    maxconn 2000\n", "    bind *:9102\n", "    hard-stop-after 5m\n"):
        assert line in text
    secret = (rendered / "secret/haproxy.cfg").read_text()
    assert "    stats auth 'admin:it'\\''s $HOME #1 \\ \"x: {# %s'\n    stats admin if TRUE\n" in secret


@pytest.mark.every_core
def test_admin_page_takes_no_commands_without_a_password(rendered: Path) -> None:
    text = (rendered / "default/haproxy.cfg").read_text()
    assert "stats auth" not in text
    assert "stats admin" not in text


def test_defaults_argument_specs_and_readme_agree(checkout: Path) -> None:
    role = checkout / "roles/haproxy"
    defaults = yaml.safe_load((role / "defaults/main.yml").read_text())
    options = yaml.safe_load((role / "meta/argument_specs.yml").read_text())["argument_specs"]["main"]["options"]

    assert {name: option["default"] for name, option in options.items()} == defaults

    rows = re.findall(r"^\| `(haproxy_\w+)` \| (\w+) \| `([^`]*)` \|", (role / "README.md").read_text(), re.MULTILINE)
    assert [(name, kind) for name, kind, _default in rows] == [(name, options[name]["type"]) for name in defaults]
    assert {name: yaml.safe_load(default) for name, _kind, default in rows} == defaults

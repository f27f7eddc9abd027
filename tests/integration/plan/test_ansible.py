# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action and the filters through the real ansible-playbook: typed, templated, vaulted and wrong values."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.pgsvc.access.plugins.filter import haproxy_service_files, plan, services

pytestmark = pytest.mark.every_core

INVENTORY = """\
all:
  children:
    pg_test:
      vars:
        pg_cluster: pg-test
        pg_default_service_dest: "{{ wanted_dest }}"
        wanted_dest: postgres
        secret_rack: !vault |
          $ANSIBLE_VAULT;1.1;AES256
<body>
        site: { rack: "{{ secret_rack }}", tags: [ssd, !unsafe "{{ kept }}"] }
        broken: "{{ no_such_variable }}"
        pg_services:
          - { name: own, port: "{{ 5430 + 5 }}", ip: "{{ inventory_hostname }}", selector: "[? site.rack == 'b']" }
          - { name: tagged, port: 5439, selector: "[? starts_with(pg_role, 'rep') && contains(site.tags, 'ssd')]" }
          - { name: keys, port: 5440, selector: "[? contains(keys(@), 'broken')]", backup: "[? pg_role == `primary`]" }
      hosts:
        10.10.10.11: { pg_seq: 1, pg_role: primary }
        10.10.10.12: { pg_seq: "2", pg_role: replica, pg_weight: "{{ 25 * 2 }}" }
        10.10.10.13: { pg_seq: 3, pg_role: replica, pg_offline_query: "true" }
"""
PLAY = """\
- hosts: all
  gather_facts: false
  tasks:
    - pgsvc.access.pg_service_plan:
      run_once: true
      register: planned
    - ansible.builtin.copy:
        dest: "{{ playbook_dir }}/seen.json"
        content: "{{ seen | to_json }}"
      vars:
        seen:
          action: "{{ planned.load_balancers }}"
          plan: "{{ hostvars | pgsvc.access.plan(groups=groups, clusters=['pg-test'] | map('string')) }}"
          services: "{{ hostvars | pgsvc.access.services('pg-test', groups, load_balancer='10.10.10.12') }}"
      delegate_to: localhost
      connection: local
      run_once: true
"""


def vaulted(folder: Path, text: str) -> str:
    """`text`, encrypted, as an inventory has it."""
    (folder / "password").write_text("secret")
    command = ["ansible-vault", "encrypt_string", "--vault-password-file", "password", text]
    made = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout
    return "\n".join(line for line in made.splitlines()[2:] if line.strip())


def run(folder: Path, play: str, inventory: str, **environment: str) -> subprocess.CompletedProcess[str]:
    (folder / "play.yml").write_text(play)
    (folder / "inventory.yml").write_text(inventory)
    command = ["ansible-playbook", "-i", "inventory.yml", "play.yml"]
    if (folder / "password").exists():
        command += ["--vault-password-file", "password"]
    return subprocess.run(
        command, cwd=folder, check=False, capture_output=True, text=True, env={**os.environ, **environment}
    )


def documented(module: Any) -> list[dict[str, Any]]:
    """The tasks of a plugin's EXAMPLES."""
    tasks: list[dict[str, Any]] = yaml.safe_load(module.EXAMPLES)
    return tasks


def test_action_and_filters_agree(tmp_path: Path) -> None:
    made = run(tmp_path, PLAY, INVENTORY.replace("<body>", vaulted(tmp_path, "b")))
    assert made.returncode == 0, made.stdout + made.stderr
    assert "DEPRECATION" not in made.stdout + made.stderr
    seen = json.loads((tmp_path / "seen.json").read_text())
    action = {host: json.loads(text) if isinstance(text, str) else text for host, text in seen["action"].items()}
    assert action == seen["plan"]["load_balancers"]
    assert seen["services"] == action["10.10.10.12"]["services"]
    found = {service["service"]: service for service in seen["services"]}
    assert list(found) == ["primary", "replica", "default", "offline", "own", "tagged", "keys"]
    assert (found["own"]["port"], found["own"]["ip"]) == (5435, ["10.10.10.12"])
    assert [server["port"] for server in found["own"]["servers"]] == [5432, 5432, 5432]
    assert [server["weight"] for server in found["own"]["servers"]] == [100, 50, 100]
    assert [server["name"] for server in found["tagged"]["servers"]] == ["pg-test-2", "pg-test-3"]
    assert [server["backup"] for server in found["keys"]["servers"]] == [True, False, False]
    assert [(server["name"], server["backup"]) for server in found["offline"]["servers"]] == [
        ("pg-test-3", False),
        ("pg-test-2", True),
    ]


def test_documented_examples_run(tmp_path: Path) -> None:
    tasks = [task for module in (plan, services, haproxy_service_files) for task in documented(module)]
    play = yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": tasks}], sort_keys=False)
    made = run(tmp_path, play, INVENTORY.replace("<body>", vaulted(tmp_path, "b")))
    assert made.returncode == 0, made.stdout + made.stderr
    for line in (
        "10.10.10.13: pg-test-primary, pg-test-replica, pg-test-default, pg-test-offline, ",
        "pg-test-tagged on port 5439: pg-test-2, pg-test-3",
        "server grafana-1 10.10.10.10:3000 check",
    ):
        assert line in made.stdout
    assert "DEPRECATION" not in made.stdout + made.stderr


WRONG = (
    INVENTORY.replace("wanted_dest: postgres", "unwanted_dest: postgres")
    .replace("pg_role: primary", "pg_role: primry")
    .replace("<body>", "          " + "61" * 20)
)
FILTER = "{{ hostvars | pgsvc.access.plan(groups=groups) }}"


@pytest.mark.parametrize(
    "task",
    [
        {"pgsvc.access.pg_service_plan": {}, "run_once": True},
        {"ansible.builtin.debug": {"msg": FILTER}, "run_once": True},
    ],
    ids=["action", "filter"],
)
def test_mistakes_are_one_message(tmp_path: Path, task: dict[str, Any]) -> None:
    """Those of templates and vaults stand beside those of values, and nowhere is a traceback."""
    made = run(tmp_path, yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": [task]}]), WRONG)
    said = made.stdout + made.stderr
    assert made.returncode == 2, said
    assert "problems in the inventory, no host was touched:" in said
    assert (
        "pg-test: pg_role: on host 10.10.10.11: 'primry' is not a role, did you mean 'primary'?; "
        "allowed: primary, replica, offline, standby, delayed"
    ) in said
    assert "10.10.10.11, 10.10.10.12, 10.10.10.13: pg_default_service_dest: " in said
    assert "wanted_dest" in said
    assert "Traceback" not in said
    assert "Unexpected failure" not in said


def test_arguments_of_the_wrong_type(tmp_path: Path) -> None:
    task = {"pgsvc.access.pg_service_plan": {"clusters": {"a": 1}}, "run_once": True}
    made = run(tmp_path, yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": [task]}]), WRONG)
    assert "{'a': 1} is not clusters; allowed: one, or a list of them" in made.stdout + made.stderr
    assert "Traceback" not in made.stdout + made.stderr

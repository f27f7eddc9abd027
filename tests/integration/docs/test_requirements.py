# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plugins that need jmespath, and no others, say so in their documentation."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.pgsvc.access.tests.conftest import ROOT

FILTERS = {
    "catalog": "hostvars | pgsvc.access.catalog(groups=groups)",
    "endpoints": "hostvars | pgsvc.access.endpoints(cluster='pg-test', groups=groups)",
    "haproxy_service_files": "[] | pgsvc.access.haproxy_service_files(host='localhost')",
    "plan": "hostvars | pgsvc.access.plan(groups=groups)",
    "services": "hostvars | pgsvc.access.services(cluster='pg-test', groups=groups)",
    "vip_interface": "[] | pgsvc.access.vip_interface(address='10.10.10.3', prefix=24)",
}
# Arguments with which a module ends before it touches the host, unless it was refused earlier.
MODULES: dict[str, dict[str, Any]] = {
    "haproxy_member_state": {"cluster": "pg-test", "member": "pg-test-1", "state": "ready", "conf_dir": "relative"},
    "haproxy_publish": {"owners": [], "conf_dir": "relative"},
    "haproxy_service_gate": {
        "cluster": "pg-test",
        "services": [],
        "leader": "pg-test-1",
        "state": "open",
        "conf_dir": "relative",
    },
    "haproxy_unit_info": {"drop_in": "relative"},
    "patroni_switchover": {"url": "nowhere", "leader": "pg-test-1"},
    "pg_access_plan": {"what": "names"},
    "pg_dns_records": {"clusters": [], "path": "/nowhere/hosts"},
    "pg_service_conf": {"clusters": [], "path": "/nowhere/pg_service.conf"},
    "pg_service_info": {"conf_dir": "relative"},
    "pg_service_plan": {},
    "pg_service_status": {"plan": "planned", "facts": "none"},
    "pg_switchover_check": {"plan": "planned", "facts": "none", "cluster": "pg-test"},
    "pg_switchover_report": {"move": {}, "done": {}, "closed": "none", "followed": [], "opened": "none"},
    "role_settings": {"role": "pg_service"},
    "unit_config": {"unit": "none", "files": []},
}


def documented(kind: str, names: list[str]) -> set[str]:
    """Those whose documentation names what requirements.txt asks for."""
    (wanted,) = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if line.startswith("jmespath")]
    command = ["ansible-doc", "--json", "-t", kind, *(f"pgsvc.access.{name}" for name in names)]
    shown = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    found = {name: shown[f"pgsvc.access.{name}"]["doc"].get("requirements", []) for name in names}
    return {name for name, lines in found.items() if any(line.startswith(wanted) for line in lines)}


def test_plugins_that_need_jmespath_say_so(tmp_path: Path) -> None:
    (tmp_path / "shadow").mkdir()
    (tmp_path / "shadow" / "jmespath.py").write_text("raise ImportError('not installed')\n")
    tasks = [
        {"ansible.builtin.set_fact": {"_found": f"{{{{ {call} }}}}"}, "register": name}
        for name, call in FILTERS.items()
    ] + [{f"pgsvc.access.{name}": arguments, "register": name} for name, arguments in MODULES.items()]
    said = ", ".join(f"'{name}': {name}.msg | default('')" for name in [*FILTERS, *MODULES])
    file = {"content": f"{{{{ {{{said}}} | to_json }}}}", "dest": str(tmp_path / "said.json")}
    play: dict[str, Any] = {"hosts": "localhost", "connection": "local", "gather_facts": False}
    play["tasks"] = [{**task, "ignore_errors": True} for task in tasks] + [{"ansible.builtin.copy": file}]
    (tmp_path / "play.yml").write_text(yaml.safe_dump([play]))

    done = subprocess.run(
        ["ansible-playbook", str(tmp_path / "play.yml")],
        env={**os.environ, "PYTHONPATH": str(tmp_path / "shadow")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    messages = json.loads((tmp_path / "said.json").read_text())
    need = {name for name, message in messages.items() if "jmespath is missing on the controller" in message}
    assert need == documented("filter", list(FILTERS)) | documented("module", list(MODULES))


def test_every_filter_and_module_is_tried() -> None:
    assert sorted(FILTERS) == sorted(path.stem for path in (ROOT / "plugins" / "filter").glob("[!_]*.py"))
    assert sorted(MODULES) == sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("[!_]*.py"))

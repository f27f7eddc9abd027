# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module leaves in the system's log."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible.module_utils import basic

from ansible_collections.pgsvc.access.plugins.modules import pg_service_conf
from ansible_collections.pgsvc.access.tests.support.invocation import ASK

pytestmark = pytest.mark.every_core


def test_the_systems_log_gets_no_secret(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    section = {"name": "a-primary", "parameters": {"host": "10.10.10.3", "password": "s3cret"}}
    arguments = {"path": str(tmp_path / "file"), "clusters": [{"name": "a", "sections": [section]}], **ASK}
    monkeypatch.setattr(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode())
    monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)
    logged: list[str] = []
    monkeypatch.setattr(
        basic.AnsibleModule, "log", lambda _self, text, log_args=None: logged.append(f"{text}{log_args}")
    )
    with pytest.raises(SystemExit):
        pg_service_conf.main()
    assert "password=s3cret" in (tmp_path / "file").read_text(encoding="utf-8")
    said = capsys.readouterr().out
    assert json.loads(said)["invocation"]["module_args"]["clusters"][0]["sections"][0]["parameters"] == {
        "host": "10.10.10.3",
        "password": "********",
    }
    assert "10.10.10.3" in "".join(logged)
    assert "s3cret" not in said + "".join(logged)

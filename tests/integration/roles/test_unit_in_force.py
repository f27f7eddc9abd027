# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role haproxy without its tag ``haproxy_config``: the unit that is in force counts, not the variables."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from ansible_collections.pgsvc.access.tests.conftest import ROOT

FOUND = {"config_args": ["-f", "/other"], "master_socket": "/run/found.sock", "installed": True}
SETTINGS = {"haproxy_conf_dir": "/other", "haproxy_config_args": [], "haproxy_master_socket": "/run/wanted.sock"}
IN_FORCE = "-Ws -f /etc/haproxy/haproxy.cfg -f /etc/haproxy/conf.d -p /run/haproxy.pid -S /run/old.sock,mode,600"


@pytest.mark.every_core
@pytest.mark.parametrize(
    ("arguments", "socket", "config_args"),
    [
        (IN_FORCE, "/run/old.sock", ["-f", "/etc/haproxy/haproxy.cfg", "-f", "/etc/haproxy/conf.d"]),
        ("-Ws -f /etc/haproxy $EXTRAOPTS", "/run/wanted.sock", None),
    ],
    ids=["unit of the role", "unit of the package"],
)
def test_socket_and_arguments(arguments: str, socket: str, config_args: list[str] | None) -> None:
    variables: dict[str, Any] = {
        "_haproxy_service": {"arguments": arguments},
        "_haproxy_settings": SETTINGS,
        "_haproxy_found": FOUND,
        "asked": "{{ [_haproxy_publish_socket, _haproxy_publish_args if _haproxy_in_force else None] }}",
    }
    command = ["ansible", "localhost", "-m", "debug", "-a", "var=asked", "-e", f"@{ROOT}/roles/haproxy/vars/main.yml"]
    done = subprocess.run([*command, "-e", json.dumps(variables)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout.partition("=>")[2])["asked"] == [socket, config_args]

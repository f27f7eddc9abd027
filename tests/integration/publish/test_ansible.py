# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module as Ansible runs it, packed and sent, and the examples of its documentation."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.pgsvc.access.plugins.modules import haproxy_publish
from ansible_collections.pgsvc.access.tests.integration.publish.node import Node, statuses
from ansible_collections.pgsvc.access.tests.support import binaries

pytestmark = pytest.mark.every_core

BIN = Path(sys.executable).parent


@pytest.fixture
def haproxy_binary() -> Path:
    """One release: what is told to HAProxy does not depend on who runs the module."""
    return binaries.binary(binaries.VERSIONS[0])


def ad_hoc(node: Node, files: list[dict[str, Any]], *flags: str) -> dict[str, Any]:
    """`ansible localhost -m pgsvc.access.haproxy_publish`; the result of the one host."""
    done = subprocess.run(
        [
            *(str(BIN / "ansible"), "localhost", "-c", "local", "-i", "localhost,"),
            *("-e", f"ansible_python_interpreter={sys.executable}"),
            *("-m", "pgsvc.access.haproxy_publish", "-a", json.dumps(node.arguments(files)), *flags),
        ],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
    head, _arrow, said = done.stdout.rpartition("=> ")
    assert head, done.stdout + done.stderr
    result: dict[str, Any] = json.loads(said)
    return result


def test_changed_then_unchanged_then_refused(node: Node) -> None:
    files = [node.service("a", 5440)]

    foreseen, created, unchanged = ad_hoc(node, files, "--check"), ad_hoc(node, files), ad_hoc(node, files)
    refused = ad_hoc(node, [node.service("haproxy", 5441)])

    assert (foreseen["changed"], created["changed"], unchanged["changed"]) == (True, True, False)
    assert foreseen == created
    assert statuses(unchanged) == {"a": "unchanged"}
    assert refused["rolled_back"] is False
    assert refused["msg"].startswith("files: 'haproxy' cannot be the name of a service file")
    assert node.proxies() == {"a"}


def test_the_examples_of_the_documentation(node: Node) -> None:
    """Each as it stands, but with this load balancer's folders, sockets and addresses."""
    places = node.arguments([])
    tasks = [task.get("pgsvc.access.haproxy_publish", {}) for task in yaml.safe_load(haproxy_publish.EXAMPLES)]
    first, later, now, gone = (task for task in tasks if "owners" in task)
    first["files"][0]["content"] = first["files"][0]["content"].replace("*:6433", f"{node.address}:6433")
    files = [node.service("pg-test-primary", 5433)]
    assert later["files"] == "{{ files }}"

    results = [
        node.publish(**{**places, **first}),
        node.publish(**{**places, **later, "files": files}),
        node.publish(**{**places, **now}),
        node.publish(**{**places, **gone, "conf_dir": places["conf_dir"]}),
    ]

    assert [statuses(result) for result in results] == [
        {"app-db": "created"},
        {"pg-test-primary": "created"},
        {"pg-test-primary": "unchanged"},
        {"pg-test-primary": "removed"},
    ]
    assert [result["applied"]["method"] for result in results] == ["reload", "none", "reload", "reload"]
    assert node.proxies() == {"app-db"}

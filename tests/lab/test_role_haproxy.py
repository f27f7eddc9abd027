# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role haproxy under a real systemd: each tag alone, and configurations that HAProxy does not take."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from labtest import services
from labtest.cluster import ssh
from labtest.services import Run, as_json
from pgsvc_lab import controller
from pgsvc_lab.settings import COLLECTION, LAB_SOURCE, node

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy import unit, unit_file
from ansible_collections.pgsvc.access.plugins.module_utils._host import systemd

NODE = node("proxy-1")
TAGS = ("haproxy", "haproxy_install", "haproxy_config", "haproxy_launch", "haproxy_reload")
FILES = ("/etc/haproxy/haproxy.cfg", "/etc/systemd/system/haproxy.service.d/pgsvc.conf")
KEEP = {"haproxy_reload": False}

#: What changes, by how a running HAProxy comes to it.
CHANGES: dict[str, dict[str, Any]] = {
    "reload": {"haproxy_client_timeout": "23h", "haproxy_stats_socket": "/run/haproxy/other.sock"},
    "restart": {"haproxy_conf_dir": "/etc/haproxy/conf.d", "haproxy_master_socket": "/run/haproxy-other.sock"},
}


@dataclass(frozen=True)
class Process:
    """The running master: its process id and the time of its last reload."""

    pid: str
    loaded: str

    def since(self, before: Process) -> str:
        """What was done to it."""
        if self.pid != before.pid:
            return "restart"
        return "none" if self.loaded == before.loaded else "reload"


def process() -> Process:
    said = ssh(NODE, "systemctl show haproxy --property=MainPID --value; stat --format=%y /run/haproxy.pid")
    return Process(*said.splitlines())


def role(variables: Mapping[str, Any], *options: str) -> Run:
    """Run the role on the node with these variables over those of the lab."""
    return services.run(
        [
            str(controller.tool("ansible-playbook")), *services.inventories(), "-l", NODE.ipv4, *options,
            "-e", as_json(variables), str(LAB_SOURCE / "balancers.yml"),
        ]
    )  # fmt: skip


def changed(variables: Mapping[str, Any], *options: str) -> int:
    """How many tasks changed something; the run must succeed."""
    done = role(variables, *options)
    assert done.status == 0, done.output
    return done.recap(NODE.ipv4)["changed"]


def said(done: Run) -> str:
    """The message of the task that failed, on one line."""
    assert done.status == 2, done.output
    return re.sub(r"\s+", " ", done.output)


def runs(tags: Sequence[str], *, alone: bool) -> Sequence[str]:
    """The tags of each run."""
    return tags if alone else [",".join(tags)]


def files() -> str:
    return ssh(NODE, f"sha256sum {' '.join(FILES)}; ls -A /etc/haproxy {FILES[1].rpartition('/')[0]}")


@pytest.fixture(autouse=True)
def explicit_gathering(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANSIBLE_GATHERING", "explicit")


@pytest.fixture(scope="module", autouse=True)
def as_it_was() -> Iterator[None]:
    """The node has the lab's own configuration after the tests, and HAProxy runs with it: a second run shows it."""
    yield
    changed({})
    assert changed({}) == 0


@pytest.mark.parametrize(
    ("way", "alone"),
    [
        pytest.param("reload", True, id="reload"),
        pytest.param("restart", False, id="restart"),
        pytest.param("restart", True, id="restart, one by one", marks=pytest.mark.full),
    ],
)
def test_each_tag_alone(way: str, alone: bool) -> None:
    """A tag that writes nothing leaves a change of the variables alone; one that applies nothing leaves it on disk.

    `alone` says whether the tags that have nothing to do run one by one, or in one run.
    """
    variables = CHANGES[way]
    before, earlier = process(), files()
    for tag in runs(("haproxy_install", "haproxy_launch", "haproxy_reload"), alone=alone):
        assert changed(variables, "-t", tag) == 0, tag
    assert (process(), files()) == (before, earlier)

    assert changed({**variables, **KEEP}, "-t", "haproxy_config") > 0
    assert process() == before
    assert files() != earlier
    assert changed({**variables, **KEEP}, "-t", "haproxy_launch") == 0
    assert changed(variables, "-t", "haproxy_reload", "--check") == 1

    assert changed(variables, "-t", "haproxy_launch" if way == "reload" else "haproxy_reload") == 1
    after = process()
    assert after.since(before) == way
    for tag in runs(TAGS, alone=alone):
        assert changed(variables, "-t", tag) == 0, tag
    assert process() == after

    assert changed({}, "-t", "haproxy_config", "--check") == changed({}, "-t", "haproxy_config") > 0
    assert process().since(after) == way
    assert changed({}, "-t", "haproxy_config") == 0


def test_systemd_reads_the_recorded_units_likewise() -> None:
    """The collection reads a package's unit from its files; what systemd makes of it is the same."""
    recorded = sorted((COLLECTION / "tests/unit/plugins/module_utils/units").iterdir())
    folder, names = "/run/systemd/system", " ".join(f"recorded-{path.name}" for path in recorded)
    script = [
        *(f"cat >{folder}/recorded-{path.name} <<'END'\n{path.read_text()}END" for path in recorded),
        "systemctl daemon-reload",
        *(f"systemctl show --property={unit.PROPERTIES} recorded-{path.name}; echo ==" for path in recorded),
        f"cd {folder} && rm {names} && systemctl daemon-reload",
    ]
    shown = ssh(NODE, "\n".join(script)).split("==\n")[:-1]
    for path, text in zip(recorded, shown, strict=True):
        loaded = unit.read(systemd.parse(text))
        assert loaded is not None, path.name
        assert loaded.command == unit_file.read([path.read_text()]).expanded(), path.name

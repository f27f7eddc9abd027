# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-ins for Patroni in the sandbox answer a switchover as Patroni does (patroni/api.py, POST /switchover)."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ansible_collections.pgsvc.access.tests.support.fixtures import private_address

LOGIN = "postgres:sandbox"


class Members:
    """A cluster of three, whose second member is a synchronous standby, and a cluster of one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.addresses = {name: private_address() for name in ("pg-1", "pg-2", "pg-3", "one-1")}
        self.described = []
        for name, role in zip(self.addresses, ("primary", "sync", "replica", "primary"), strict=True):
            address = self.addresses[name]
            (folder / address).mkdir()
            (folder / address / "role").write_text(f"{role}\n")
            ports = {"postgres": 5432}
            self.described.append(
                {"cluster": name[:-2], "address": address, "name": name, "patroni_port": 8008, "ports": ports}
                | {"login": LOGIN}
            )

    def ask(self, name: str, method: str, path: str, body: str = "", login: str = "") -> tuple[int, str]:
        headers = {"Authorization": f"Basic {base64.b64encode(login.encode()).decode()}"} if login else {}
        with contextlib.closing(http.client.HTTPConnection(self.addresses[name], 8008, timeout=10)) as connection:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, response.read().decode()

    def switchover(self, name: str, login: str = LOGIN, **request: str) -> tuple[int, str]:
        return self.ask(name, "POST", "/switchover", json.dumps(request), login)

    def is_primary(self, name: str) -> bool:
        return self.ask(name, "OPTIONS", "/primary")[0] == 200

    def primaries(self) -> list[str]:
        return [name for name in ("pg-1", "pg-2", "pg-3") if self.is_primary(name)]

    def roles(self) -> dict[str, str]:
        status, body = self.ask("pg-3", "GET", "/cluster")
        assert status == 200
        return {member["name"]: member["role"] for member in json.loads(body)["members"]}


@pytest.fixture
def members(checkout: Path, tmp_path: Path) -> Iterator[Members]:
    members = Members(tmp_path)
    command = [sys.executable, str(checkout / "examples/sandbox/members.py"), str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(json.dumps(members.described))
        process.stdin.close()
        process.stdin = None
        assert process.stdout.readline() == "ready\n"
        yield members
        process.terminate()


@pytest.mark.parametrize(
    ("member", "login", "request_", "answer"),
    [
        ("pg-1", "", {"leader": "pg-1"}, (401, "not authenticated")),
        ("pg-1", "postgres:wrong", {"leader": "pg-1"}, (401, "not authenticated")),
        ("pg-1", LOGIN, {"candidate": "pg-2"}, (400, "Switchover could be performed only from a specific leader")),
        ("pg-1", LOGIN, {"leader": "pg-1", "candidate": "pg-1"}, (400, "Switchover target and source are the same")),
        ("pg-1", LOGIN, {"leader": "pg-2"}, (412, "leader name does not match")),
        ("pg-2", LOGIN, {"leader": "pg-1", "candidate": "pg-4"}, (412, "candidate does not exists")),
        (
            "pg-3",
            LOGIN,
            {"leader": "pg-1", "candidate": "pg-3"},
            (412, "candidate name does not match with sync_standby"),
        ),
        (
            "one-1",
            LOGIN,
            {"leader": "one-1"},
            (412, "switchover is not possible: cluster does not have members except leader"),
        ),
    ],
)
def test_what_is_refused(
    members: Members, member: str, login: str, request_: dict[str, str], answer: tuple[int, str]
) -> None:
    assert members.switchover(member, login, **request_) == answer
    assert members.primaries() == ["pg-1"]


def test_the_old_primary_leads_until_the_end_and_there_is_one_switchover_at_a_time(members: Members) -> None:
    assert members.roles() == {"pg-1": "leader", "pg-2": "sync_standby", "pg-3": "replica"}
    with ThreadPoolExecutor() as pool:
        moving = [pool.submit(members.switchover, name, leader="pg-1", candidate="pg-2") for name in ("pg-3", "pg-1")]
        while not all(each.done() for each in moving):  # one of them at every moment
            assert members.is_primary("pg-1") or members.is_primary("pg-2")
            assert not (members.is_primary("pg-2") and members.is_primary("pg-1"))
    done, refused = sorted(each.result() for each in moving)
    assert done == (200, 'Successfully switched over to "pg-2"')
    # The second one comes while the first is under way, or after it on a busy machine.
    assert refused in ((503, "failed to write failover key into DCS"), (412, "leader name does not match"))
    assert members.primaries() == ["pg-2"]
    assert members.roles() == {"pg-1": "sync_standby", "pg-2": "leader", "pg-3": "replica"}

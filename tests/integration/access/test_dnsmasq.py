# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records, written by the role's entry point and served by a dnsmasq with the role's own settings."""

from __future__ import annotations

import re
import socket
import struct
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment

from ansible_collections.pgsvc.access.plugins.plugin_utils._model.role_settings import read_settings
from ansible_collections.pgsvc.access.tests.conftest import ROOT
from ansible_collections.pgsvc.access.tests.integration.access.conftest import changed, free_port, pg_test, playbook

Write = Callable[[Mapping[str, Any]], Path]
MEMBERS = ["10.20.30.11", "10.20.30.12", "10.20.30.13"]
VIP = {"pg_vip_enabled": True, "pg_vip_address": "10.20.30.3/24"}
_A, _AAAA = 1, 28


class Dnsmasq:
    """A running dnsmasq that reads one folder of records."""

    def __init__(self, folder: Path, address: str, port: int) -> None:
        self.folder = folder
        self._to = (address, port)

    def ask(self, name: str, kind: int = _A) -> list[str]:
        """The addresses of a name (RFC 1035 4.1). An empty list: it has none of this kind, or is not known."""
        labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
        query = struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0) + labels + struct.pack("!BHH", 0, kind, 1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(5)
            client.sendto(query, self._to)
            answer = client.recv(4096)
        count = struct.unpack("!H", answer[6:8])[0]
        rest = answer[len(query) :]
        found = []
        for _each in range(count):
            length = struct.unpack("!H", rest[10:12])[0]
            family = socket.AF_INET if kind == _A else socket.AF_INET6
            found.append(socket.inet_ntop(family, rest[12 : 12 + length]))
            rest = rest[12 + length :]
        return found

    def becomes(self, name: str, expected: list[str]) -> None:
        """Wait until a name has these addresses: the folder is watched, which takes a moment."""
        deadline = time.monotonic() + 10
        while (seen := self.ask(name)) != expected:
            assert time.monotonic() < deadline, f"{name} is {seen}, not {expected}"
            time.sleep(0.02)


@pytest.fixture
def readable() -> Iterator[Path]:
    """A folder that dnsmasq, which gives up being root, can read; pytest closes its own to all but root."""
    with tempfile.TemporaryDirectory(prefix="pgsvc-dns-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def dnsmasq(readable: Path, tmp_path: Path, new_address: Callable[[], str]) -> Iterator[Dnsmasq]:
    folder = readable / "hosts.d"
    folder.mkdir(mode=0o755)
    address = new_address()
    port = free_port(address)
    template = (ROOT / "roles/pg_dns/templates/pgsvc.conf").read_text(encoding="utf-8")
    variables = {"pg_dns_hosts_dir": str(folder), "pg_dns_port": port, "pg_dns_listen": [address]}
    checked = read_settings("pg_dns", "dns", variables.get)
    settings = tmp_path / "dnsmasq.conf"
    environment = Environment(trim_blocks=True, autoescape=False)  # noqa: S701  not HTML
    settings.write_text(environment.from_string(template).render(_pg_dns_settings=checked), encoding="utf-8")
    command = ["dnsmasq", "--keep-in-foreground", f"--conf-file={settings}", "--no-resolv", "--pid-file"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        server = Dnsmasq(folder, address, port)
        try:
            _wait_until_it_answers(server, process)
            yield server
        finally:
            process.terminate()


def _wait_until_it_answers(server: Dnsmasq, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            server.ask("nobody")
        except OSError:
            assert process.poll() is None, process.stderr.read() if process.stderr else ""
            assert time.monotonic() < deadline, "dnsmasq does not answer"
            time.sleep(0.05)
        else:
            return


def write(inventory: Path, dnsmasq: Dnsmasq, *options: str) -> int:
    """Run the entry point; how many tasks changed something."""
    return changed(records(inventory, dnsmasq, *options))


def records(inventory: Path, dnsmasq: Dnsmasq, *options: str) -> subprocess.CompletedProcess[str]:
    folder = ("-e", f"pg_dns_hosts_dir={dnsmasq.folder}")
    return playbook(inventory, "pgsvc.access.access", "-t", "pg_dns_records", *folder, *options)


def test_names_follow_the_inventory(dnsmasq: Dnsmasq, inventory: Write) -> None:
    node = "127.0.0.1"
    assert write(inventory(pg_test(node, MEMBERS, **VIP)), dnsmasq, "--check") == 1
    assert list(dnsmasq.folder.iterdir()) == []

    assert write(inventory(pg_test(node, MEMBERS, **VIP)), dnsmasq) == 1
    dnsmasq.becomes("pg-test", ["10.20.30.3"])
    assert [dnsmasq.ask(f"pg-test-{number}") for number in (1, 2, 3)] == [[address] for address in MEMBERS]
    assert dnsmasq.ask("pg-test", _AAAA) == []

    assert write(inventory(pg_test(node, MEMBERS, **VIP)), dnsmasq) == 0

    # Without the virtual address the name is the primary's, and a member that is gone takes its name along.
    assert write(inventory(pg_test(node, MEMBERS[:2])), dnsmasq) == 1
    dnsmasq.becomes("pg-test", ["10.20.30.11"])
    assert dnsmasq.ask("pg-test-3") == []

    assert write(inventory(pg_test(node, MEMBERS[:2], pg_dns_suffix=".db.lab")), dnsmasq) == 1
    dnsmasq.becomes("pg-test.db.lab", ["10.20.30.11"])
    assert dnsmasq.ask("pg-test") == []


def test_records_of_others_stay(dnsmasq: Dnsmasq, inventory: Write) -> None:
    node = "127.0.0.1"
    other = {"pg-meta": {"hosts": {"fd00::21": {"pg_seq": 1, "pg_role": "primary"}}, "vars": {"pg_cluster": "pg-meta"}}}
    (dnsmasq.folder / "mine").write_text("10.20.30.99 mine\n", encoding="utf-8")
    write(inventory(pg_test(node, MEMBERS)), dnsmasq)
    dnsmasq.becomes("pg-test", ["10.20.30.11"])

    write(inventory({**other, "infra": {"hosts": {node: {}}}}), dnsmasq)
    assert dnsmasq.ask("pg-test") == ["10.20.30.11"]
    assert dnsmasq.ask("pg-meta-1", _AAAA) == ["fd00::21"]
    assert dnsmasq.ask("mine") == ["10.20.30.99"]

    # One cluster of several: -l touches its block only.
    write(inventory({**pg_test(node, MEMBERS, pg_dns_target="10.20.30.50"), **other}), dnsmasq, "-l", "pg-meta")
    assert dnsmasq.ask("pg-test") == ["10.20.30.11"]

    write(inventory(pg_test(node, MEMBERS)), dnsmasq, "-e", "pg_dns_purge=true")
    dnsmasq.becomes("pg-meta", [])
    assert dnsmasq.ask("mine") == ["10.20.30.99"]


def test_names_that_are_taken_are_refused(dnsmasq: Dnsmasq, inventory: Write) -> None:
    node = "127.0.0.1"
    clash = {"x": {"hosts": {"10.20.30.31": {"pg_seq": 1, "pg_role": "primary"}}, "vars": {"pg_cluster": "pg-test-1"}}}
    refused = records(inventory({**pg_test(node, MEMBERS), **clash}), dnsmasq)
    assert refused.returncode == 2
    said = re.sub(r"\s+", " ", refused.stdout + refused.stderr)
    assert (
        "'pg-test-1' is the name of instance 1 and of the cluster of cluster pg-test-1; allowed: each name once" in said
    )
    assert list(dnsmasq.folder.iterdir()) == []

    (dnsmasq.folder / "pg-test").write_text("10.20.30.77 pg-test\n", encoding="utf-8")
    refused = records(inventory(pg_test(node, MEMBERS)), dnsmasq)
    assert refused.returncode == 2
    assert "pg-test is 10.20.30.77 in line 1 of" in refused.stdout
    assert [path.name for path in dnsmasq.folder.iterdir()] == ["pg-test"]

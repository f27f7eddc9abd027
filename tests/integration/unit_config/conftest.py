# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real services, HAProxy and dnsmasq, with a stand-in for systemd."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ansible_collections.pgsvc.access.plugins.module_utils._host import systemd
from ansible_collections.pgsvc.access.tests.integration.unit_config.service import HAProxyService, Service
from ansible_collections.pgsvc.access.tests.support.fixtures import haproxy_binary, new_address

__all__ = ["haproxy_binary", "new_address"]


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the service has its files; `systemctl` and `journalctl` are stand-ins for this one unit."""
    # Not tmp_path: the paths of UNIX sockets have to be short.
    folder = Path(tempfile.mkdtemp(prefix="pgsvc-"))
    folder.chmod(0o755)
    programs = folder / "bin"
    programs.mkdir()
    stand_in = f"exec {sys.executable} {Path(__file__).parents[2]}/support/systemctl.py {folder}"
    (programs / "systemctl").write_text(f'#!/bin/sh\n{stand_in} "$@"\n')
    (programs / "journalctl").write_text(f'#!/bin/sh\n[ "$1" = --sync ] || {stand_in} journal "$@"\n')
    for program in programs.iterdir():
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    monkeypatch.setattr(systemd, "_BOOTED", folder)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def haproxy(folder: Path, haproxy_binary: Path, new_address: Callable[[], str]) -> Iterator[HAProxyService]:
    service = HAProxyService(folder, haproxy_binary, new_address())
    yield service
    service.stop()


@pytest.fixture
def dnsmasq(folder: Path, new_address: Callable[[], str]) -> Iterator[Service]:
    etc = folder / "etc/dnsmasq.d"
    etc.mkdir(parents=True)
    address = new_address()
    (folder / "dnsmasq.service").write_text(
        f"ExecStart={shutil.which('dnsmasq')} -k --conf-file=/dev/null --conf-dir={etc} --pid-file --user=root"
        f" --listen-address={address} --bind-interfaces --no-resolv\n"
    )
    service = Service(folder, folder / "dnsmasq.service", "simple", address)
    yield service
    service.stop()

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where this host's HAProxy has its service files and its sockets, if the variables do not say it."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Optional

import pytest

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy import layout
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.layout import Command, Layout
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.unit import Unit
from ansible_collections.pgsvc.access.plugins.module_utils._publish.request import places

FOLDERS: dict[str, Optional[str]] = {
    "-f /etc/haproxy/haproxy.cfg": None,
    "-f /etc/haproxy/haproxy.cfg -f /etc/haproxy/conf.d": "/etc/haproxy/conf.d",
    "-f /etc/haproxy": "/etc/haproxy",
    "-f /etc/haproxy/": "/etc/haproxy",
    "-f /etc/haproxy -f /srv/more": "/etc/haproxy",
    "-f /srv/one -f /srv/two": "/srv/two",
    "-C /srv -f one": "/srv/one",
    "-- /srv/a.cfg /srv/one": "/srv/one",
    "": None,
}


@pytest.mark.parametrize("arguments", FOLDERS)
def test_the_folder_of_the_service_files(arguments: str) -> None:
    assert layout.folder(Command(("haproxy", *arguments.split())).startup()) == FOLDERS[arguments]


def test_what_a_path_is_decides_if_it_exists(tmp_path: Path) -> None:
    (tmp_path / "folder.cfg").mkdir()
    (tmp_path / "file").touch()
    command = Command(("haproxy", "-f", str(tmp_path / "folder.cfg"), "-f", "file"), str(tmp_path))
    assert layout.folder(command.startup()) == str(tmp_path / "folder.cfg")


MASTER_SOCKETS: dict[str, Optional[str]] = {
    "-Ws -S /run/m.sock -f /a": "/run/m.sock",
    "-Ws -f /a -S /run/m.sock,mode,600": "/run/m.sock",
    "-S unix@/run/m.sock,uid,0": "/run/m.sock",
    "-S 127.0.0.1:9999": None,
    "-f -S": None,
    "-S": None,
    "-Ws": None,
}


@pytest.mark.parametrize("arguments", MASTER_SOCKETS)
def test_the_master_socket(arguments: str) -> None:
    assert Command(("haproxy", *arguments.split())).master_socket() == MASTER_SOCKETS[arguments]


ADMIN_SOCKETS: dict[str, Optional[str]] = {
    # Debian, Enterprise Linux and Pigsty, in this order. Enterprise Linux has no level, which means operator.
    "global\n  chroot /var/lib/haproxy\n  stats socket /run/haproxy/admin.sock mode 660 level admin\n": (
        "/run/haproxy/admin.sock"
    ),
    "global\n    chroot      /var/lib/haproxy\n    stats socket /var/lib/haproxy/stats\n": None,
    "global\n    stats socket /var/run/haproxy.sock mode 600 level admin\ndefaults\n": "/var/run/haproxy.sock",
    "global\n  stats socket unix@/run/a level operator\n  stats socket 'unix@/run/b' level admin\n": "/run/b",
    "global\n  stats socket ipv4@127.0.0.1:9999 level admin\nglobal\n  stats socket /run/c level admin\n": "/run/c",
    "defaults\nglobal\ndefaults\n  stats socket /run/haproxy/admin.sock level admin\n": None,
    "global\n  # stats socket /run/haproxy/admin.sock level admin\n  stats socket /run/a level user # admin\n": None,
    "": None,
}


@pytest.mark.parametrize("text", ADMIN_SOCKETS)
def test_the_socket_of_the_runtime_api(text: str) -> None:
    assert layout.admin_socket_in(text) == ADMIN_SOCKETS[text]


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host with neither a process nor a unit, whose default sockets are in this folder."""
    monkeypatch.setattr(layout, "MASTER_SOCKET", str(tmp_path / "master.sock"))
    monkeypatch.setattr(layout, "STATS_SOCKET", str(tmp_path / "admin.sock"))
    monkeypatch.setattr(layout, "show", lambda _unit: None)
    return tmp_path


def default(host: Path) -> Layout:
    return Layout("/etc/haproxy", str(host / "master.sock"), str(host / "admin.sock"))


def test_nothing_is_known(host: Path) -> None:
    assert layout.find(None, None, None) == default(host)


def test_what_is_given_is_taken(host: Path) -> None:
    assert layout.find("/a", "/b", "/c") == Layout("/a", "/b", "/c")


def test_the_given_arguments_say_the_folder(host: Path) -> None:
    assert layout.find(None, None, None, ["-f", "/etc/base.cfg", "-f", "/srv/services"]).conf_dir == "/srv/services"


def test_a_unit_that_does_not_run(host: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pigsty's layout: a folder, and the socket of the Runtime API in a place of its own."""
    base = host / "haproxy.cfg"
    base.write_text("global\n    stats socket /var/run/haproxy.sock mode 600 level admin\n")
    words = ("/usr/sbin/haproxy", "-Ws", "-f", str(base), "-f", str(host / "conf.d"), "-S", "/run/m.sock")
    monkeypatch.setattr(layout, "show", lambda _unit: Unit(False, None, words, {}, "/"))
    assert layout.find(None, None, None) == Layout(str(host / "conf.d"), "/run/m.sock", "/var/run/haproxy.sock")
    (host / "admin.sock").touch()
    assert layout.find(None, None, None).stats_socket == str(host / "admin.sock")


@pytest.fixture
def master(host: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process with arguments of HAProxy that listens on the default socket."""
    script = (
        "import socket, sys\ns = socket.socket(socket.AF_UNIX)\ns.bind(sys.argv[-1])\ns.listen()\nprint(flush=True)\n"
        "sys.stdin.read()"
    )
    command = ["python3", "-c", script, "-f", "services", "-S", str(host / "master.sock")]
    (host / "services").mkdir()
    with subprocess.Popen(command, cwd=host, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.communicate()


def test_a_master_that_listens_is_asked_before_systemd(
    host: Path, master: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_unit: str) -> None:
        raise AssertionError("systemd was asked")

    monkeypatch.setattr(layout, "show", fail)
    (host / "admin.sock").touch()
    assert layout.find(None, None, None) == Layout(
        str(host / "services"), str(host / "master.sock"), str(host / "admin.sock")
    )


def test_the_unit_decides_if_the_running_process_loads_no_folder(
    host: Path, master: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its unit was changed, and it was not restarted yet: the message about this comes later."""
    (host / "services").rmdir()
    (host / "services").touch()
    monkeypatch.setattr(layout, "show", lambda _unit: Unit(True, master.pid, ("haproxy", "-f", "/srv/new"), {}, "/"))
    assert layout.find(None, None, None).conf_dir == "/srv/new"


def test_a_socket_on_which_nobody_listens(host: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(host / "master.sock"))
    assert os.path.lexists(host / "master.sock")
    assert layout.find(None, None, None) == default(host)


def test_the_places_of_a_call(host: Path) -> None:
    given = {"conf_dir": None, "master_socket": "/run//m.sock", "stats_socket": None, "state_dir": "/var/lib/x/"}
    assert places(given) == {
        "conf_dir": Path("/etc/haproxy"),
        "master_socket": "/run/m.sock",
        "stats_socket": str(host / "admin.sock"),
        "state_dir": Path("/var/lib/x"),
    }

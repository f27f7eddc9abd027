# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How packages of distributions start HAProxy, read from their recorded units (``units/``), and what follows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy import installation, unit_file
from ansible_collections.pgsvc.access.plugins.module_utils._host import os_release, selinux, systemd
from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import PublishError

UNITS = Path(__file__).parent / "units"
SOCKET, PIDS = "/run/haproxy-master.sock", "-p /run/haproxy.pid"


@dataclass(frozen=True)
class Started:
    """What a unit says: its arguments, the folder for services, the variables for options, and whether it logs."""

    arguments: str
    conf_dir: str
    variables: str
    has_log_socket: bool = False


DEBIAN = f"-Ws -f /etc/haproxy/haproxy.cfg {PIDS} -S {SOCKET}"
EL = f"-Ws -f /etc/haproxy/haproxy.cfg -f /etc/haproxy/conf.d {PIDS}"
EXPECTED: dict[str, Started] = {
    "debian-11": Started(DEBIAN, "/etc/haproxy", "EXTRAOPTS"),
    "debian-12": Started(DEBIAN, "/etc/haproxy", "EXTRAOPTS", True),
    "debian-13": Started(DEBIAN, "/etc/haproxy", "EXTRAOPTS", True),
    "debian-sid": Started(DEBIAN, "/etc/haproxy", "EXTRAOPTS", True),
    "ubuntu-22.04": Started(DEBIAN, "/etc/haproxy", "EXTRAOPTS", True),
    "ubuntu-24.04": Started(DEBIAN, "/etc/haproxy", "EXTRAOPTS", True),
    "ubuntu-26.04": Started(DEBIAN, "/etc/haproxy", "EXTRAOPTS", True),
    "el-8": Started(EL, "/etc/haproxy/conf.d", "OPTIONS"),
    "el-9": Started(EL, "/etc/haproxy/conf.d", "OPTIONS"),
    "el-10": Started(EL, "/etc/haproxy/conf.d", "OPTIONS"),
    "pigsty-3": Started("-Ws -f /etc/haproxy/", "/etc/haproxy", "OPTIONS"),
    "pigsty-4": Started(
        f"-Ws -f /etc/haproxy/haproxy.cfg -f /etc/haproxy/conf.d -S {SOCKET}", "/etc/haproxy/conf.d", "EXTRAOPTS"
    ),
}


def read(name: str, root: Path, *drop_ins: str) -> unit_file.UnitFile:
    """A recorded unit, with its environment files in `root` instead of `/etc`."""
    text = (UNITS / f"{name}.service").read_text().replace("=-/etc/", f"=-{root}/")
    return unit_file.read([text, *drop_ins])


def test_every_recorded_unit_is_in_the_table() -> None:
    assert {path.stem for path in UNITS.iterdir()} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_unit_as_it_is_installed(name: str, tmp_path: Path) -> None:
    unit, expected = read(name, tmp_path), EXPECTED[name]
    found = installation.describe(unit, "/var/lib/haproxy", os_release.read(""))
    assert unit.expanded() == ("/usr/sbin/haproxy", *expected.arguments.split())
    assert (found.conf_dir, " ".join(found.option_variables)) == (expected.conf_dir, expected.variables)
    assert found.master_socket == SOCKET  # of the unit, or the default
    assert found.has_log_socket is expected.has_log_socket


# What an administrator has changed: a unit, its environment file, drop-ins, and the folder and socket that follow.
CHANGED: dict[str, tuple[str, str, list[str], str, str]] = {
    "options of EL": (
        "el-9", 'OPTIONS="-f /srv/more -S /run/m.sock,mode,600"\n', [], "/srv/more", "/run/m.sock",
    ),
    "folder of EL": ("el-10", "CFGDIR=/srv/haproxy.d\n", [], "/srv/haproxy.d", SOCKET),
    "options of Debian": ("debian-13", "EXTRAOPTS=-f /srv/more -S unix@/run/m.sock\n", [], "/srv/more", "/run/m.sock"),
    "configuration of Debian": ("debian-12", "CONFIG=/etc/haproxy\n", [], "/etc/haproxy", SOCKET),
    "no file": ("debian-12", "EXTRAOPTS=-S 127.0.0.1:9999\n", [], "/etc/haproxy", SOCKET),
    "another command": (
        "debian-12", "",
        ["[Unit]\nExecStart=/b\n[Service]\nExecStart=\n", "[Service]\nExecStart=-/a \\\n -f /a.cfg \\\n#\n -f /c%%d"],
        "/c%d", SOCKET,
    ),
    "another variable": (
        "pigsty-4", "", ["[Service]\nEnvironment=\nEnvironment='EXTRAOPTS=-S /run/x.sock' A=b\n"],
        "/etc/haproxy/conf.d", "/run/x.sock",
    ),
    "no environment file": (
        "el-8", "CFGDIR=/srv/haproxy.d\n", ["[Service]\nEnvironmentFile=\n"], "/etc/haproxy/conf.d", SOCKET,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CHANGED)
def test_a_unit_that_was_changed(case: str, tmp_path: Path) -> None:
    name, environment, drop_ins, conf_dir, master_socket = CHANGED[case]
    for folder in ("default", "sysconfig"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "haproxy").write_text(environment)
    found = installation.describe(read(name, tmp_path, *drop_ins), "/var/lib/haproxy", os_release.read(""))
    assert (found.conf_dir, found.master_socket) == (conf_dir, master_socket)


def test_the_own_drop_in_is_disregarded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the second run would take what the first one has written for the choice of the host."""
    fragment, theirs, own = tmp_path / "haproxy.service", tmp_path / "theirs.conf", tmp_path / "pgsvc.conf"
    fragment.write_text((UNITS / "el-10.service").read_text())
    theirs.write_text("[Service]\nEnvironment=OPTIONS=-dr\n")
    own.write_text("[Service]\nExecStart=\nExecStart=/usr/sbin/haproxy -Ws -f /own -S /run/own.sock\n")
    shown = {"FragmentPath": [str(fragment)], "DropInPaths": [f"{own} {theirs}"]}
    monkeypatch.setattr(systemd, "properties", lambda *_arguments: shown)
    assert unit_file.show("haproxy", own).expanded() == ("/usr/sbin/haproxy", *EL.split(), "-dr")
    assert "/own" in unit_file.show("haproxy", theirs).expanded()


def test_a_host_without_systemd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(systemd, "properties", lambda *_arguments: None)
    found = installation.describe(unit_file.show("haproxy", Path("/x")), "/var/lib/haproxy", os_release.read(""))
    assert (found.binary, found.conf_dir, found.master_socket) == ("/usr/sbin/haproxy", "/etc/haproxy", SOCKET)
    assert found.option_variables == ()


@pytest.mark.parametrize(
    ("families", "name"),
    [("ID=debian", "debian-13"), ("ID=ubuntu\nID_LIKE=debian", "ubuntu-24.04"), ("ID=rhel", "el-10"),
     ("ID=almalinux\nID_LIKE='rhel centos fedora'", "el-10")],
)  # fmt: skip
def test_before_the_package_is_installed(families: str, name: str, tmp_path: Path) -> None:
    """Check mode shows the files that a run writes after it has installed the package."""
    distribution = os_release.read(families)
    before = installation.describe(unit_file.read([]), "/var/lib/haproxy", distribution)
    assert before == installation.describe(read(name, tmp_path), "/var/lib/haproxy", distribution)


RELEASES: dict[str, tuple[str, str]] = {
    'ID="rocky"\nID_LIKE="rhel centos fedora"\nPRETTY_NAME="Rocky Linux 9.4 (Blue Onyx)"\n': (
        "Rocky Linux 9.4 (Blue Onyx)", " (https://github.com/haproxy/wiki/wiki/Packages lists newer packages for ",
    ),
    'NAME="Red Hat Enterprise Linux"\nID="rhel"\nVERSION_ID="8.10"\n': (
        "Red Hat Enterprise Linux", " (https://github.com/haproxy/wiki/wiki/Packages lists newer packages for ",
    ),
    'PRETTY_NAME="Ubuntu 22.04.4 LTS"\nID=ubuntu\nID_LIKE=debian\n': (
        "Ubuntu 22.04.4 LTS", " (https://haproxy.debian.net has newer packages for Ubuntu)",
    ),
    'PRETTY_NAME="Debian GNU/Linux 11 (bullseye)"\nID=debian\n': (
        "Debian GNU/Linux 11 (bullseye)", " (the backports of Debian and https://haproxy.debian.net have newer ",
    ),
    "# nothing\nID='arch\n": ("this host", ", and run this again"),
}  # fmt: skip


@pytest.mark.parametrize("text", RELEASES)
def test_where_a_newer_package_comes_from(text: str) -> None:
    name, source = RELEASES[text]
    message = installation.too_old("2.4.22", os_release.read(text))
    assert message.startswith(
        f"HAProxy 2.4.22 of {name} is too old; pgsvc.access works with HAProxy 2.6 and later. "
        f"Install a newer package{source}"
    )
    assert message.endswith(", and run this again. Nothing was configured")


@pytest.mark.parametrize(
    ("banner", "reason"),
    [
        ("HA-Proxy version 1.8.27-493ce0b 2020/11/06", "HAProxy 1.8.27-493ce0b of this host is too old"),
        ("HAProxy version 2.4.22-f8e3218 2023/02/14", "HAProxy 2.4.22-f8e3218 of this host is too old"),
        ("nginx version: 1.22", "does not print a version of HAProxy"),
    ],
)
def test_a_program_that_cannot_be_used(banner: str, reason: str, tmp_path: Path) -> None:
    program = tmp_path / "haproxy"
    program.write_text(f"#!/bin/sh\necho '{banner}'\n")
    program.chmod(0o755)
    unit = unit_file.read([f"[Service]\nExecStart={program} -Ws -f /etc/haproxy\n"])
    with pytest.raises(PublishError, match=reason):
        installation.describe(unit, "/var/lib/haproxy", os_release.read(""))


@pytest.mark.parametrize(("value", "allowed"), [("0 0", False), ("1 1", True), (None, True)])
def test_the_boolean_of_selinux(
    value: str | None, allowed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selinux, "ROOT", tmp_path)
    if value is not None:
        (tmp_path / "booleans").mkdir()
        (tmp_path / "booleans" / "haproxy_connect_any").write_text(value)
    found = installation.describe(unit_file.read([]), "/var/lib/haproxy", os_release.read(""))
    assert found.may_connect is allowed

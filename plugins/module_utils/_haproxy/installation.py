# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HAProxy as a package installed it on this host: what a configuration of it has to respect."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Optional

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy import layout, unit_file, version
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.layout import Command
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.unit_file import UnitFile
from ansible_collections.pgsvc.access.plugins.module_utils._host import os_release, selinux
from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import PublishError
from ansible_collections.pgsvc.access.plugins.module_utils._host.light_dataclass import dataclass
from ansible_collections.pgsvc.access.plugins.module_utils._host.os_release import Distribution

BINARY = "/usr/sbin/haproxy"
_LOG_SOCKET = "/dev/log"
_CONNECT_ANY = "haproxy_connect_any"
_TIMEOUT = 30  # seconds

# What a package will install, for check mode before it is installed, by the family of the distribution.
_EXPECTED = {
    "debian": UnitFile(
        (BINARY, "-Ws", "-f", "/etc/haproxy/haproxy.cfg", "$EXTRAOPTS"), {}, ("/dev/log:/var/lib/haproxy/dev/log",)
    ),
    "rhel": UnitFile(
        (BINARY, "-Ws", "-f", "/etc/haproxy/haproxy.cfg", "-f", "/etc/haproxy/conf.d", "$OPTIONS"), {}, ()
    ),
}
# Where a newer HAProxy comes from, by the family of the distribution.
_NEWER = {
    "ubuntu": "https://haproxy.debian.net has newer packages for Ubuntu",
    "debian": "the backports of Debian and https://haproxy.debian.net have newer packages",
    "rhel": "https://github.com/haproxy/wiki/wiki/Packages lists newer packages for Enterprise Linux",
}


@dataclass(frozen=True)
class Installation:
    """What is installed. `version` is empty if HAProxy is not.

    `option_variables` are the variables with which the unit adds options to the command. `has_log_socket`: the unit
    gives HAProxy a socket of the system's log within its chroot. `may_connect`: SELinux lets HAProxy use any port.
    """

    binary: str
    version: str
    conf_dir: str
    master_socket: str
    option_variables: tuple[str, ...]
    has_log_socket: bool
    may_connect: bool


def find(unit: str, own: Path, chroot: str) -> Installation:
    """What is installed on this host, by the files of `unit` without the drop-in `own`.

    Raises `PublishError` if HAProxy is too old.
    """
    return describe(unit_file.show(unit, own), chroot, os_release.distribution())


def describe(unit: UnitFile, chroot: str, distribution: Distribution) -> Installation:
    """The same for a unit that has been read; an empty one stands for that of a package to be installed."""
    if not unit.command:
        unit = next((_EXPECTED[family] for family in distribution.families if family in _EXPECTED), unit)
    words = unit.expanded()
    command = Command(words or (BINARY,))
    return Installation(
        binary=command.words[0],
        version=_checked_version(command.words[0], distribution),
        conf_dir=layout.folder(command.startup()) or layout.CONF_DIR,
        master_socket=command.master_socket() or layout.MASTER_SOCKET,
        option_variables=unit.option_variables(),
        has_log_socket=unit.binds(chroot + _LOG_SOCKET),
        may_connect=selinux.boolean(_CONNECT_ANY) is not False,
    )


def _checked_version(binary: str, distribution: Distribution) -> str:
    """The version of the program as it prints it; empty if it is not installed. Raises `PublishError`."""
    if shutil.which(binary) is None:
        return ""
    try:
        done = subprocess.run(  # pylint: disable=ansible-bad-function  # run_command is a method of modules
            [binary, "-v"], check=False, capture_output=True, text=True, errors="replace", timeout=_TIMEOUT
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PublishError(f"{binary} -v cannot be run: {error}") from error
    text = version.in_banner(done.stdout)
    found = version.parse(text) if text else None
    if text is None or found is None:
        raise PublishError(f"{binary} -v does not print a version of HAProxy")
    if found < version.OLDEST:
        raise PublishError(too_old(text, distribution))
    return text


def too_old(text: str, distribution: Distribution) -> str:
    """The message about a version that is too old for this collection."""
    source = _source(distribution)
    return (
        f"HAProxy {text} of {distribution.name} is too old; {version.NEEDED}. Install a newer package"
        f"{f' ({source})' if source else ''}, and run this again. Nothing was configured"
    )


def _source(distribution: Distribution) -> Optional[str]:
    return next((_NEWER[family] for family in distribution.families if family in _NEWER), None)

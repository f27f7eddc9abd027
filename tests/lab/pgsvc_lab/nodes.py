# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machines: their file systems, their boot and their end."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import socket
import subprocess
import time
import uuid
from contextlib import suppress
from pathlib import Path

from . import cgroups, credentials, network, roots, settings
from .settings import NODES, STATE, Node
from .steps import LabError, Log

_DISK = STATE / "nodes"
#: All changes of all nodes are in memory: databases and etcd do not wait for a disk, and nothing is left on it.
_DISK_SIZE = "6g"
_BOOT_SECONDS = 60.0
_SHUTDOWN_SECONDS = 30.0


def mount(log: Log) -> None:
    """Mount the file systems of all nodes, spares too: a boot is then possible from every mount namespace.

    A release that only a spare runs may not be built.
    """
    _DISK.mkdir(parents=True, exist_ok=True)
    if not os.path.ismount(_DISK):
        log.run(["mount", "--types", "tmpfs", "--options", f"size={_DISK_SIZE},mode=0755", "pgsvc-lab", _DISK])
    for node in NODES:
        if node.release.root.is_dir() and not is_mounted(node):
            _mount_root(log, node)
            _personalise(log, node)


def is_mounted(node: Node) -> bool:
    return os.path.ismount(node.root)


def _mount_root(log: Log, node: Node) -> None:
    for part in ("upper", "work", "root"):
        (node.folder / part).mkdir(parents=True, exist_ok=True)
    layers = f"lowerdir={node.release.root},upperdir={node.folder}/upper,workdir={node.folder}/work"
    log.run(["mount", "--types", "overlay", "--options", layers, "pgsvc-lab", node.root])


def _personalise(log: Log, node: Node) -> None:
    """Name, known names, login key, machine id and certificate: what a new machine gets from its installer."""
    etc = node.root / "etc"
    (etc / "hostname").write_text(f"{node.name}\n", encoding="ascii")
    (etc / "hosts").write_text(hosts(), encoding="ascii")
    (etc / "machine-id").write_text(f"{uuid.uuid4().hex}\n", encoding="ascii")
    login = node.root / "home" / settings.ADMIN
    (login / ".ssh").mkdir(mode=0o700)
    shutil.copy(credentials.SSH_KEY.with_suffix(".pub"), login / ".ssh/authorized_keys")
    owner = login.stat()
    for path in (login / ".ssh", login / ".ssh/authorized_keys"):
        os.chown(path, owner.st_uid, owner.st_gid)
    credentials.install_certificate(log, node)


def hosts() -> str:
    """A hosts file with every node's name, so that the lab does not depend on the DNS that is tested in it."""
    return "127.0.0.1 localhost\n::1 localhost\n" + "".join(f"{node.ipv4} {node.name}\n" for node in NODES)


def start(node: Node) -> None:
    """Power on. Returns at once; `wait_for_ssh` tells when the node can be used."""
    if is_running(node):
        return
    groups = cgroups.create(node)
    join = "".join(f"echo $$ > {shlex.quote(str(group / 'cgroup.procs'))}; " for group in groups)
    machine = shlex.join(
        [
            "systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit", f"--machine={node.namespace}",
            f"--hostname={node.name}", f"--directory={node.root}",
            f"--network-namespace-path=/run/netns/{node.namespace}",
            "--resolv-conf=off", "--timezone=off", "--link-journal=no", "--console=pipe",
            "--capability=CAP_NET_ADMIN",  # vip-manager binds addresses; the namespace is the lab's own
        ]
    )  # fmt: skip
    with (node.folder / "console.log").open("ab") as console:
        subprocess.run(
            # In a session of its own and nobody's child: the machine outlives this program.
            # A reboot ends systemd-nspawn with status 133, for a unit file to start it again; here it is this loop.
            ["setsid", "--fork", "sh", "-c", f"{join} while :; do {machine}; [ $? = 133 ] || break; done"],
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=subprocess.STDOUT,
            check=True,
            # Debian 13's systemd refuses the mixed layout of a hybrid host; the unified one suits both releases.
            env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
        )


def is_running(node: Node) -> bool:
    return bool(cgroups.processes(node))


def _greets(node: Node) -> bool:
    try:
        with network.inside(), socket.create_connection((node.ipv4, 22), timeout=2) as connection:
            return connection.recv(64).startswith(b"SSH-")
    except OSError:
        return False


def wait_for_ssh(node: Node, timeout: float = _BOOT_SECONDS) -> None:
    """Until sshd greets. Raises LabError with the end of the console."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if _greets(node):
            return
        time.sleep(0.1)
    console = (node.folder / "console.log").read_text(encoding="utf-8", errors="replace").splitlines()
    raise LabError(
        f"{node.name} does not answer on port 22 after {timeout:.0f} s; its console:\n" + "\n".join(console[-20:])
    )


def stop(node: Node) -> None:
    """Shut the node down in order; what does not end in time is cut off."""
    for supervisor in _supervisors(node):
        with suppress(ProcessLookupError):
            os.kill(supervisor, signal.SIGTERM)
    deadline = time.monotonic() + _SHUTDOWN_SECONDS
    while is_running(node) and time.monotonic() < deadline:
        time.sleep(0.1)
    power_off(node)


def power_off(node: Node) -> None:
    """Cut the power: no process of the node gets to say goodbye. Its disk stays."""
    cgroups.kill(node)


def _supervisors(node: Node) -> list[int]:
    """The systemd-nspawn processes of the node, which live outside the machine."""
    return [process for process in cgroups.processes(node) if _name(process) == "systemd-nspawn"]


def _name(process: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{process}/comm").read_text(encoding="ascii").strip()
    return ""


def wipe(log: Log, node: Node) -> None:
    """A new disk for a stopped node."""
    log.run(["umount", node.root])
    for part in ("upper", "work"):
        shutil.rmtree(node.folder / part)
    _mount_root(log, node)
    _personalise(log, node)


def clean(log: Log) -> None:
    """Unmount all disks, and remove what systemd-nspawn leaves in /run where that is not a file system of its own."""
    for node in NODES:
        leftover = Path("/run/systemd/nspawn/propagate") / node.namespace
        if leftover.is_dir():
            shutil.rmtree(leftover)
    for point in roots.mounts_below(STATE):
        log.run(["umount", point])

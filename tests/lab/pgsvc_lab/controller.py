# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller: where Ansible and the clients run. Its environment knows the lab's inventory, keys and names."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from . import credentials, network, newer_python, settings
from .settings import COLLECTION, LAB_SOURCE, STATE
from .steps import LabError, Log

INVENTORIES = (LAB_SOURCE / "inventory.yml", credentials.VARIABLES)
_COLLECTIONS = STATE / "collections"
_HOSTS = STATE / "etc/hosts"
_RESOLVER = STATE / "etc/resolv.conf"
#: The node that serves names, as in Pigsty: group `infra`.
_NAME_SERVER = settings.node("pg-meta-1")


def create() -> None:
    """The controller's files: the collection where Ansible looks for it, and its own hosts and resolver files."""
    link = _COLLECTIONS / "ansible_collections/pgsvc/access"
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        link.symlink_to(COLLECTION)
    (STATE / "ssh/control").mkdir(parents=True, exist_ok=True)
    _HOSTS.parent.mkdir(parents=True, exist_ok=True)
    _HOSTS.write_text("127.0.0.1 localhost\n::1 localhost\n", encoding="ascii")
    _RESOLVER.write_text(f"nameserver {_NAME_SERVER.ipv4}\noptions timeout:1 attempts:2\n", encoding="ascii")
    credentials.clients_password_file()


def environment() -> dict[str, str]:
    """Variables that make plain `ansible`, `bin/pgsql-svc` and `psql` work on the lab."""
    return {
        "ANSIBLE_CONFIG": str(LAB_SOURCE / "ansible.cfg"),
        "ANSIBLE_INVENTORY": ",".join(map(str, INVENTORIES)),
        "ANSIBLE_COLLECTIONS_PATH": str(_COLLECTIONS),
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(STATE / "ssh/control"),
        "ANSIBLE_LOCAL_TEMP": str(STATE / "tmp"),
        "PATH": f"{tool('ansible-playbook').parent}:{os.environ.get('PATH', os.defpath)}",
        "PGPASSFILE": str(STATE / "pgpass"),
        "PGCONNECT_TIMEOUT": "5",
    }


def tool(name: str) -> Path:
    """A program of the Python environment that runs the lab, else of PATH. Raises LabError."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if not found:
        raise LabError(f"{name} is missing: neither beside {sys.executable} nor in PATH")
    return Path(found)


def inside(command: Sequence[str | Path]) -> list[str]:
    """The command line that runs a command as the lab's controller: its network, its hosts and resolver files.

    The files are bound over the machine's in a mount namespace of the command's own.
    """
    bind = "".join(
        f"mount --bind {source} {target} && "
        for source, target in ((_HOSTS, "/etc/hosts"), (_RESOLVER, "/etc/resolv.conf"))
    )
    return [
        "nsenter", f"--net=/run/netns/{settings.CONTROLLER}", "unshare", "--mount", "--propagation", "private",
        "sh", "-c", f'{bind} exec "$@"', "sh", *map(str, command),
    ]  # fmt: skip


def in_newest_root(command: Sequence[str | Path]) -> list[str]:
    """The command line that runs a command with the newest ansible-core, in Debian 13's root and the lab's network.

    The collection and the lab's keys are there under the paths that they have here.
    """
    variables = {**environment(), "PATH": f"{settings.NEWEST_ANSIBLE}/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
    # No SSH connection outlives the command: it would hold the namespace.
    variables["ANSIBLE_SSH_ARGS"] = "-o ControlMaster=no -o ConnectTimeout=5 -o LogLevel=ERROR"
    shown = (COLLECTION, STATE / "ssh", STATE / "inventory", _COLLECTIONS)
    return newer_python.in_network(Path("/run/netns", settings.CONTROLLER), command, variables, *shown)


def execute(command: Sequence[str]) -> None:
    """Become the command, as the controller. Does not return."""
    if not network.exists():
        raise LabError("the lab is not up; `make lab` brings it up")
    argv = inside(command)
    os.execvpe(argv[0], argv, {**os.environ, **environment()})


def playbook(log: Log, *arguments: str | Path) -> None:
    """Run ansible-playbook on the lab."""
    log.run(inside([tool("ansible-playbook"), *arguments]), env={**environment(), "ANSIBLE_FORCE_COLOR": "0"})

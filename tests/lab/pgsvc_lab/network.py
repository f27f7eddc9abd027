# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's network: one namespace with a bridge and the controller, one per node, and no way out of them.

No interface, address or route is made in the machine's own namespace: what the lab sends can go nowhere else.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import settings
from .settings import CONTROLLER, NODES, Node
from .steps import LabError, Log

_NAMESPACES = Path("/run/netns")
_BRIDGE = "lab0"
_CLONE_NEWNET = 0x40000000


def create(log: Log) -> None:
    """Make the namespaces, the bridge and a cable to every node. What exists already stays as it is."""
    if not (_NAMESPACES / CONTROLLER).exists():
        log.run(["ip", "netns", "add", CONTROLLER])
        _batch(
            log,
            CONTROLLER,
            "link set lo up",
            f"link add {_BRIDGE} type bridge",
            f"address add {settings.CONTROLLER_IPV4}/24 dev {_BRIDGE}",
            f"address add {settings.CONTROLLER_IPV6}/64 dev {_BRIDGE} nodad",
            f"link set {_BRIDGE} up",
        )
    for node in NODES:
        if not (_NAMESPACES / node.namespace).exists():
            _connect(log, node)


def _connect(log: Log, node: Node) -> None:
    log.run(["ip", "netns", "add", node.namespace])
    _batch(
        log,
        CONTROLLER,
        f"link add {node.name} type veth peer name eth0 netns {node.namespace}",
        f"link set {node.name} master {_BRIDGE} up",
    )
    _batch(
        log,
        node.namespace,
        "link set lo up",
        f"address add {node.ipv4}/24 dev eth0",
        f"address add {node.ipv6}/64 dev eth0 nodad",
        "link set eth0 up",
    )


def remove(log: Log) -> None:
    """Remove the namespaces; their interfaces go with them."""
    for namespace in (*(node.namespace for node in NODES), CONTROLLER):
        if (_NAMESPACES / namespace).exists():
            log.run(["ip", "netns", "delete", namespace])


def exists() -> bool:
    return (_NAMESPACES / CONTROLLER).exists()


def set_cable(node: Node, *, plugged: bool) -> None:
    """Pull or plug the node's cable, at the bridge's end: the node itself sees an interface without a carrier."""
    state = "up" if plugged else "down"
    command = ["ip", "-n", CONTROLLER, "link", "set", node.name, state]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LabError(f"cannot set the cable of {node.name} {state}: {done.stderr.strip()}")


def enter(namespace: str = CONTROLLER) -> None:
    """Move the calling thread (and the threads and processes that it starts later) into a namespace, for good."""
    with (_NAMESPACES / namespace).open("rb") as handle:
        _setns(handle.fileno())


@contextmanager
def inside(namespace: str = CONTROLLER) -> Iterator[None]:
    """The calling thread works in the namespace for a while: sockets that it opens meanwhile stay there."""
    with Path(f"/proc/self/task/{threading.get_native_id()}/ns/net").open("rb") as before:
        enter(namespace)
        try:
            yield
        finally:
            _setns(before.fileno())


def _setns(descriptor: int) -> None:
    # os.setns() needs Python 3.12.
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, _CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, f"setns: {os.strerror(number)}")


def _batch(log: Log, namespace: str, *lines: str) -> None:
    """Several `ip` commands in one process."""
    log.run(["ip", "-n", namespace, "-batch", "-"], stdin="".join(f"{line}\n" for line in lines).encode())

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's commands."""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from . import cgroups, controller, credentials, network, newer_python, nodes, roots, settings
from .settings import LAB_SOURCE, NODES, STATE, Node
from .steps import LabError, read, say, step

_TOOLS = {
    "mmdebstrap": "mmdebstrap",
    "systemd-nspawn": "systemd-container",
    "ip": "iproute2",
    "openssl": "openssl",
    "ssh": "openssh-client",
}
#: Beside the state folder, not in it: `down` removes that one while it holds the lock.
_LOCK = STATE.with_suffix(".lock")
_REGULAR = tuple(node for node in NODES if not node.spare)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        _require_root_and_tools()
        options.command(options)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lab.py", description="A lab of real machines in network namespaces.")
    commands = parser.add_subparsers(required=True, metavar="command")

    def add(name: str, function: object, help_text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=help_text)
        command.set_defaults(command=function)
        return command

    add("roots", lambda _: roots.ensure(settings.RELEASES), "build the Debian roots that are missing")
    command = add("up", _up, "boot the nodes and set the clusters up; what is up already stays")
    command.add_argument("--bare", action="store_true", help="only boot: no etcd, PostgreSQL and HAProxy")
    add("down", lambda _: _down_all(), "remove every process, mount, namespace and interface of the lab")
    add("reset", lambda _: reset(), "the same lab with new disks: every node as on its first day")
    add("status", lambda _: _status(), "which nodes run")
    add("shell", lambda _: controller.execute([os.environ.get("SHELL", "/bin/bash")]), "a shell on the controller")
    command = add("run", lambda options: controller.execute(options.argv), "run one command on the controller")
    command.add_argument("argv", nargs=argparse.REMAINDER, metavar="command ...")
    command = add("in-root", lambda options: newer_python.execute(options.argv), "run one command in Debian 13's root")
    command.add_argument("argv", nargs=argparse.REMAINDER, metavar="command ...")
    command = add(
        "environment",
        lambda options: newer_python.make_environment(options.name),
        "make the virtual environment .venvs/NAME of the Python in Debian 13's root",
    )
    command.add_argument("name", metavar="NAME")
    command = add(
        "wheels",
        lambda options: newer_python.download_for_sanity(options.name),
        "download what `ansible-test sanity` installs for .venvs/NAME",
    )
    command.add_argument("name", metavar="NAME")
    for name, function, text in (
        ("start", _start, "boot nodes"),
        ("stop", lambda options: _each(options, nodes.stop), "shut nodes down in order"),
        ("power-off", lambda options: _each(options, nodes.power_off), "cut the power of nodes"),
        (
            "unplug",
            lambda options: _each(options, lambda node: network.set_cable(node, plugged=False)),
            "cut their network",
        ),
        (
            "plug",
            lambda options: _each(options, lambda node: network.set_cable(node, plugged=True)),
            "mend their network",
        ),
    ):
        add(name, function, text).add_argument("nodes", nargs="+", type=_node, metavar="node")
    return parser


def _node(name: str) -> Node:
    try:
        return settings.node(name)
    except KeyError as error:
        raise argparse.ArgumentTypeError(error.args[0]) from None


def _require_root_and_tools() -> None:
    if os.geteuid():
        raise LabError("needs root: it makes network namespaces, mounts and machines")
    missing = sorted({package for tool, package in _TOOLS.items() if not shutil.which(tool)})
    if missing:
        raise LabError(f"missing programs; install them with: apt-get install {' '.join(missing)}")


def _up(options: argparse.Namespace) -> None:
    up(provision=not options.bare)


def up(*, provision: bool = True) -> None:
    """Bring the lab up: every step does what is missing and no more."""
    started = time.monotonic()
    with _alone():
        roots.ensure({node.release for node in _REGULAR})
        with step("network, disks and keys made", STATE / "log/setup.log") as log:
            credentials.create(log)
            network.create(log)
            nodes.mount(log)
            controller.create()
        boot(_REGULAR)
        if provision:
            _provision("provision", "etcd, Patroni, PostgreSQL and pgbouncer set up")
            _provision("services", "HAProxy set up and services published by the collection")
    say(f"lab: up in {time.monotonic() - started:.1f} s; a shell inside: make lab-shell; its end: make lab-down")


def _provision(playbook: str, title: str) -> None:
    """Run a playbook of the lab, unless this lab has been through it."""
    done = STATE / f"{playbook}.done"
    if not done.exists():
        with step(title, STATE / f"log/{playbook}.log") as log:
            controller.playbook(log, LAB_SOURCE / f"{playbook}.yml")
        done.touch()


def boot(which: Sequence[Node]) -> None:
    """Start nodes and wait for their sshd. A release that only a spare runs is built first, if it is not."""
    if not all(nodes.is_mounted(node) for node in which):
        roots.ensure({node.release for node in which})
        credentials.write_known_hosts()
        with step("disks made", STATE / "log/setup.log") as log:
            nodes.mount(log)
    with step(f"booted: {', '.join(node.name for node in which)}", STATE / "log/boot.log"):
        for node in which:
            nodes.start(node)
        for node in which:
            nodes.wait_for_ssh(node)


def _start(options: argparse.Namespace) -> None:
    boot(options.nodes)


def _each(options: argparse.Namespace, function: object) -> None:
    assert callable(function)
    for node in options.nodes:
        function(node)


def down() -> None:
    """Remove all that `up` made, but not the cache."""
    started = time.monotonic()
    with _alone():
        _dismantle()
        shutil.rmtree(STATE, ignore_errors=True)
    _LOCK.unlink(missing_ok=True)
    say(f"lab: gone ({time.monotonic() - started:.1f} s)")


def _down_all() -> None:
    """Remove this lab, and the further ones of a test run with several processes: their names end in a number."""
    down()
    for state in sorted(STATE.parent.glob(f"{settings.NAME}-[0-9]*-lab")):
        environment = {**os.environ, "PGSVC_LAB": state.name.removesuffix("-lab")}
        if subprocess.run([sys.executable, LAB_SOURCE / "lab.py", "down"], env=environment, check=False).returncode:
            raise LabError(f"the lab {environment['PGSVC_LAB']} is not removed; what it said is above")


def reset() -> None:
    """New disks and new passwords; the roots stay."""
    down()
    up()


def _dismantle() -> None:
    log_folder = settings.CACHE / "log"
    with step("machines, mounts and namespaces removed", log_folder / "down.log") as log:
        _end_ssh_masters()
        for node in NODES:
            nodes.power_off(node)
            cgroups.remove(node)
        cgroups.remove_parents()
        nodes.clean(log)
        network.remove(log)


def _end_ssh_masters() -> None:
    """Ansible's SSH connections outlive it; each is ended by its own socket."""
    for socket in (STATE / "ssh/control").glob("*"):
        read(["sh", "-c", 'ssh -o ControlPath="$1" -O exit lab 2>&1 || rm -f "$1"', "sh", socket])


def _status() -> None:
    for node in NODES:
        state = "running" if nodes.is_running(node) else "off (spare)" if node.spare else "off"
        print(f"{node.name:10} {node.ipv4:12} {node.ipv6:18} Debian {node.release.version}  {state}")


@contextmanager
def _alone() -> Iterator[None]:
    """One `up` or `down` at a time; a second one waits."""
    _LOCK.parent.mkdir(parents=True, exist_ok=True)
    with _LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield

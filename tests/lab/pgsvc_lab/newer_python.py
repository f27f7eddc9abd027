# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The newest releases of ansible-core need a newer Python than Debian 12 has: they run in the root of Debian 13.

The root is only read. Commands see the folders that are shown to them under the paths that these have on the machine;
all else that they write is in memory, and is removed with them.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from . import roots
from .settings import CACHE, COLLECTION, TRIXIE
from .steps import LabError, Log, step

_PYTHON = "3.13"
#: Every command mounts its own root here, in a mount namespace of its own.
_WORK = CACHE / "entered"
#: Arguments: a folder to work in, the root, the folders to show inside, `--`, the command.
_ENTER = """
work=$1 root=$2; shift 2
mount -t tmpfs tmpfs "$work" && mkdir "$work/upper" "$work/work" "$work/root"
mount -t overlay -o "lowerdir=$root,upperdir=$work/upper,workdir=$work/work" overlay "$work/root"
mount -t proc proc "$work/root/proc" && mount --rbind /dev "$work/root/dev"
while [ "$1" != -- ]; do
    mkdir -p "$work/root$1" && mount --bind "$1" "$work/root$1"
    shift
done
shift
exec chroot "$work/root" env -i "$@"
"""
#: In the root: HAProxy is not installed there, for the roles install it. This one is unpacked from the same packages.
_WITH_HAPROXY = """
ln -s "$1" /usr/sbin/haproxy
useradd --system --create-home --home-dir /var/lib/haproxy haproxy
cd "$2"; shift 2
exec "$@"
"""


def in_network(namespace: Path, command: Sequence[str | Path], variables: Mapping[str, str], *shown: Path) -> list[str]:
    """The command line that runs a command in the root and in a network namespace."""
    outside = ["nsenter", f"--net={namespace}", "unshare", "--mount", "--propagation", "private", "sh", "-ec", _ENTER]
    return [*outside, *_arguments(command, variables, *shown)]


def on_loopback(command: Sequence[str | Path]) -> list[str]:
    """The command line that runs a command in the root, in the checkout, without any network but loopback.

    No process outlives the command.
    """
    outside = ["unshare", "--net", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child"]
    enter = f"ip link set lo up\n{_ENTER}"
    inside = ["sh", "-ec", _WITH_HAPROXY, "sh", CACHE / "haproxy-trixie", COLLECTION, *command]
    return [*outside, "sh", "-ec", enter, *_arguments(inside, {}, COLLECTION, CACHE)]


def _arguments(command: Sequence[str | Path], variables: Mapping[str, str], *shown: Path) -> list[str]:
    everywhere = {"HOME": "/root", "LC_ALL": "C.UTF-8", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    _WORK.mkdir(parents=True, exist_ok=True)
    words = ("sh", _WORK, TRIXIE.root, *shown, "--")
    return [
        *map(str, words),
        *(f"{key}={each}" for key, each in {**everywhere, **variables}.items()),
        *map(str, command),
    ]


def execute(command: Sequence[str]) -> None:
    """Become the command, in the root and without a network. Does not return."""
    if not TRIXIE.root.is_dir():
        raise LabError("the root of Debian 13 is missing; `lab.py roots` builds it")
    argv = on_loopback(command)
    os.execvp(argv[0], argv)


def make_environment(name: str) -> None:
    """Make .venvs/NAME of the root's Python, with what tests/requirements/NAME.txt lists."""
    roots.ensure([TRIXIE])
    folder = COLLECTION / ".venvs" / name
    wheels = folder / "wheels"
    requirements = COLLECTION / "tests/requirements" / f"{name}.txt"
    with step(f"environment {name} made", CACHE / "log" / f"{name}.log") as log:
        shutil.rmtree(folder, ignore_errors=True)
        log.run(on_loopback(["python3", "-m", "venv", folder]))
        download(log, requirements, wheels)
        log.run(
            on_loopback(
                [folder / "bin/python", "-m", "pip", "install", "--quiet", "--no-index", "--require-hashes",
                 f"--find-links={wheels}", f"--requirement={requirements}"]
            )
        )  # fmt: skip
        shutil.rmtree(wheels)


def download(log: Log, requirements: Path, wheels: Path) -> None:
    """Download wheels for the root's Python by the machine's pip: only that knows how to reach its package index.

    The list is copied beside them.
    """
    platforms = [f"--platform={name}" for name in ("any", "manylinux2014_x86_64", "manylinux_2_28_x86_64")]
    log.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes", "--only-binary=:all:",
         f"--python-version={_PYTHON}", *platforms, f"--dest={wheels}", f"--requirement={requirements}"]
    )  # fmt: skip
    shutil.copy(requirements, wheels)


def download_for_sanity(name: str) -> None:
    """Put the wheels that `ansible-test sanity` of .venvs/NAME installs where tests/static/sanity.py looks for them."""
    pins = COLLECTION / "tests/requirements" / f"{name.replace('core', 'sanity')}.txt"
    wheels = COLLECTION / ".venvs" / name / "home/wheels"
    with step(f"wheels of {pins.name} downloaded", CACHE / "log" / f"{pins.stem}.log") as log:
        shutil.rmtree(wheels, ignore_errors=True)
        download(log, pins, wheels)

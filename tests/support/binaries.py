# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The haproxy binaries that the tests run: Debian 12's 2.6, Debian 13's 3.0, unstable's 3.2.

One of them may be what this machine has installed.

The version that is not installed is taken from the packages of its release, unpacked once by mmdebstrap (50 MB) under
``$PGSVC_CACHE`` (default ``/var/cache/pgsvc``) and run with their own loader and libraries. Run as a script, this makes
those that are missing.
"""

from __future__ import annotations

import fcntl
import functools
import os
import re
import shutil
import subprocess
from pathlib import Path

VERSIONS = ("2.6", "3.0", "3.2")
_SUITES = {"2.6": "bookworm", "3.0": "trixie", "3.2": "sid"}
_WRAPPER = """\
#!/bin/sh
# argv[0] is this file: a master re-executes itself by that name when it reloads.
exec {loader} --argv0 {wrapper} --library-path {libraries} {haproxy} "$@"
"""


@functools.cache
def binary(version: str) -> Path:
    """A haproxy of that major version, ready to be executed by its path."""
    installed = shutil.which("haproxy")
    if installed and version_of(Path(installed)).startswith(version + "."):
        return Path(installed)
    return _from_debian(_SUITES[version])


def version_of(haproxy: Path) -> str:
    """For example ``2.6.12``."""
    words = subprocess.run([haproxy, "-v"], check=True, capture_output=True, text=True).stdout
    match = re.search(r"version (\d+\.\d+\.\d+)", words)
    assert match is not None, words
    return match[1]


def _from_debian(suite: str) -> Path:
    cache = Path(os.environ.get("PGSVC_CACHE", "/var/cache/pgsvc"))
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"{suite}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        root = cache / suite
        if not (root / "usr/sbin/haproxy").exists():
            _unpack(suite, root)
        return _wrapper(cache / f"haproxy-{suite}", root)


def _unpack(suite: str, root: Path) -> None:
    unfinished = root.with_name(root.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    command = ["mmdebstrap", "--variant=extract", "--include=haproxy"]
    # The lists of unstable are signed for a few days only, and a mirror may hold older ones.
    command += ['--aptopt=Acquire::Check-Valid-Until "false"'] if suite == "sid" else []
    command += [suite, str(unfinished)]
    made = subprocess.run(command, check=False, capture_output=True, text=True)
    if made.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{made.stdout[-2000:]}{made.stderr[-2000:]}")
    shutil.rmtree(root, ignore_errors=True)
    unfinished.rename(root)


def _wrapper(path: Path, root: Path) -> Path:
    loader = next(root.glob("usr/lib*/ld-linux*.so.*"))
    libraries = next(root.glob("usr/lib/*-linux-gnu"))
    text = _WRAPPER.format(loader=loader, wrapper=path, libraries=libraries, haproxy=root / "usr/sbin/haproxy")
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
        path.chmod(0o755)
    return path


if __name__ == "__main__":
    for each in VERSIONS:
        binary(each)

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs of other releases of Debian, unpacked once by mmdebstrap and run with their own loader and libraries.

The packages are kept under ``$PGSVC_CACHE`` (default ``/var/cache/pgsvc``), 50 MB for a release.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

_CACHE = Path(os.environ.get("PGSVC_CACHE", "/var/cache/pgsvc"))
_PACKAGES = {
    "bullseye": ("haproxy", "python3"),
    "bookworm": ("haproxy",),
    "trixie": ("haproxy",),
    "sid": ("haproxy",),
}
_WRAPPER = """\
#!/bin/sh
# argv[0] is this file: a master re-executes itself by that name when it reloads.
exec {loader} --argv0 {wrapper} --library-path {libraries} {program} "$@"
"""
#: The loader of Debian 11 knows no --argv0.
_WRAPPER_11 = """\
#!/bin/sh
exec {loader} --library-path {libraries} {program} "$@"
"""


def program(suite: str, path: str) -> Path:
    """A program of a release, such as ``usr/sbin/haproxy``, ready to be executed by the path that is returned."""
    _CACHE.mkdir(parents=True, exist_ok=True)
    with (_CACHE / f"{suite}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        root = _CACHE / suite
        if not (root / path).exists():
            _unpack(suite, root)
        return _wrapper(_CACHE / f"{Path(path).name}-{suite}", root, root / path)


def unpack_all() -> None:
    """Unpack all releases that are missing."""
    for suite in _PACKAGES:
        program(suite, "usr/sbin/haproxy")


def _unpack(suite: str, root: Path) -> None:
    unfinished = root.with_name(root.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    command = ["mmdebstrap", "--variant=extract", f"--include={','.join(_PACKAGES[suite])}"]
    # The lists of unstable are signed for a few days only, and a mirror may hold older ones.
    command += ['--aptopt=Acquire::Check-Valid-Until "false"'] if suite == "sid" else []
    command += [suite, str(unfinished)]
    made = subprocess.run(command, check=False, capture_output=True, text=True)
    if made.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{made.stdout[-2000:]}{made.stderr[-2000:]}")
    shutil.rmtree(root, ignore_errors=True)
    unfinished.rename(root)


def _wrapper(path: Path, root: Path, program: Path) -> Path:
    # Unpacked only, /lib is what packages have there: all of libc up to Debian 12, nothing since.
    loaders = (*root.glob("usr/lib*/ld-linux*.so.*"), *root.glob("lib/*-linux-gnu/ld-*.so*"))
    loader = next(each for each in loaders if each.exists())  # the links of Debian 11 are absolute
    libraries = [*root.glob("usr/lib/*-linux-gnu"), *root.glob("lib/*-linux-gnu")]
    template = _WRAPPER_11 if root.name == "bullseye" else _WRAPPER
    text = template.format(loader=loader, wrapper=path, libraries=":".join(map(str, libraries)), program=program)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
        path.chmod(0o755)
    return path


if __name__ == "__main__":
    unpack_all()

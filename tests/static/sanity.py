# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run `ansible-test sanity` of the ansible-core in this Python's virtual environment, over what git would commit.

usage: ENV/bin/python sanity.py WORK [ansible-test sanity options]

ansible-test wants a git tree at ansible_collections/NAMESPACE/NAME, so it gets a copy in the folder WORK. It keeps
environments of its own below $HOME, downloads pip from a server of its own, and installs packages without looking at
their digests. So it gets a home inside the virtual environment, in which pip knows nothing but a folder of wheels. They
come from the usual package index, and have the digests in tests/requirements/sanity-*.txt.
"""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
# The clone may belong to another user than the one who checks it (root in a container).
GIT = ["git", "-c", "safe.directory=*"]


def copy_tree(work: Path) -> Path:
    """Copy the tracked and the not ignored files to WORK/ansible_collections/pgsvc/access and return that folder."""
    shutil.rmtree(work, ignore_errors=True)
    copy = work.resolve() / "ansible_collections" / "pgsvc" / "access"
    listing = subprocess.check_output(
        [*GIT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, text=True
    )
    for name in filter(None, listing.split("\0")):
        if (ROOT / name).exists():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name, follow_symlinks=False)
    subprocess.check_call([*GIT, "-c", "init.defaultBranch=main", "init", "--quiet"], cwd=copy)
    subprocess.check_call([*GIT, "add", "--all"], cwd=copy)
    return copy


def pip_versions() -> set[str]:
    """Return the pip versions that this ansible-test can ask for."""
    source = Path(sys.prefix).glob("lib/python3*/site-packages/ansible_test/_internal/python_requirements.py")
    return set(re.findall(r"pip='([\d.]+)'", next(source).read_text()))


def download_wheels(home: Path) -> Path:
    """Fill the folder of wheels, unless it holds what the list names, and return it."""
    from ansible.release import __version__

    pins = HERE.parent / "requirements" / f"sanity-{'.'.join(__version__.split('.')[:2])}.txt"
    wheels, done = home / "wheels", home / "wheels" / pins.name
    if not done.is_file() or done.read_bytes() != pins.read_bytes():
        shutil.rmtree(wheels, ignore_errors=True)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
        subprocess.check_call([*command, "--only-binary=:all:", f"--dest={wheels}", f"--requirement={pins}"])
        shutil.copy(pins, done)
    return wheels


def make_home(home: Path) -> None:
    """Make the home folder that ansible-test works with."""
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in pip_versions():
        shutil.copy(HERE / "get_pip.py", cache / f"get_pip_{version.replace('.', '_')}.py")
    settings = configparser.ConfigParser(interpolation=None)
    settings["global"] = {"quiet": "2", "no-index": "true", "find-links": str(download_wheels(home))}
    config = home / ".config" / "pip" / "pip.conf"
    config.parent.mkdir(parents=True, exist_ok=True)
    with config.open("w") as file:
        settings.write(file)


def main(work: str, *options: str) -> int:
    """Run ansible-test and return its exit code."""
    copy = copy_tree(Path(work))
    home = Path(sys.prefix, "home")
    make_home(home)
    environment = {
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "PATH": f"{sys.prefix}/bin:{os.environ['PATH']}",
    }
    command = [f"{sys.prefix}/bin/ansible-test", "sanity", "--local", "--color", "no", "--truncate", "0"]
    # This Python only: others on the PATH may be mere placeholders (pyenv), and results must not depend on them.
    command += ["--python", f"{sys.version_info.major}.{sys.version_info.minor}"]
    # ansible-test takes whatever is in bin/ to be Python; shellcheck has its own turn at it.
    command += ["--exclude", "bin/"]
    return subprocess.call([*command, *options], cwd=copy, env=environment)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

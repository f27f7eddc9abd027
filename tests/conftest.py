# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every test stands on, however pytest was started.

The collection is importable as ansible_collections.pgsvc.access, by this process and by each Ansible it starts; the
Ansible it starts is the one in the environment of this Python; and nothing of the caller's own Ansible shows through.
"""

from __future__ import annotations

import atexit
import collections
import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / ".build"


def link_collection() -> None:
    """Make the checkout visible under its collection name, as Ansible and Python look for it."""
    link = BUILD / "ansible_collections" / "pgsvc" / "access"
    link.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        link.symlink_to("../../..")
    sys.path.insert(0, str(BUILD))


def set_environment() -> None:
    """Leave of the caller's environment what no Ansible reads."""
    for name in [name for name in os.environ if name.startswith(("ANSIBLE_", "PYTHON"))]:
        del os.environ[name]
    logs = tempfile.mkdtemp(prefix="pgsvc-log-")
    atexit.register(shutil.rmtree, logs, ignore_errors=True)
    os.environ.update(
        ANSIBLE_COLLECTIONS_PATH=str(BUILD),
        ANSIBLE_CONFIG=str(ROOT / "tests" / "ansible.cfg"),
        ANSIBLE_LOG_PATH=f"{logs}/ansible.log",
        LC_ALL="C.UTF-8",
        PATH=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"], "/usr/sbin", "/sbin"]),
        PYTHONDONTWRITEBYTECODE="1",
    )


link_collection()
set_environment()
pytest.register_assert_rewrite("ansible_collections.pgsvc.access.tests.unit.plugins.plugin_utils.planning")
settings.register_profile("suite", deadline=None, derandomize=True, database=None)
settings.load_profile("suite")


@pytest.hookimpl(tryfirst=True)  # before the markers are looked at
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run each case of a test that is marked `spread` on one HAProxy release, and on the others when all is run.

    Only what a test has besides `haproxy_binary` counts as its cases: one without any runs on every release. Cases have
    the same order on each release, by which they are numbered here: pytest's own indices go on from one to the next.
    """
    from ansible_collections.pgsvc.access.tests.support.binaries import VERSIONS

    seen: collections.Counter[object] = collections.Counter()
    for item in items:
        if isinstance(item, pytest.Function) and item.get_closest_marker("spread"):
            release = VERSIONS.index(item.callspec.params["haproxy_binary"])
            test = (item.path, item.originalname, release)
            if len(item.callspec.params) > 1 and seen[test] % len(VERSIONS) != release:
                item.add_marker("full")
            seen[test] += 1


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Iterator[None]:
    """Fail a test during which Ansible found something deprecated, in the collection or in the test."""
    # Not a constant: tests import this file under its name in the collection, which sets the environment again.
    said, log = "", Path(os.environ["ANSIBLE_LOG_PATH"])
    try:
        yield
    finally:
        with contextlib.suppress(FileNotFoundError):
            said = log.read_text(encoding="utf-8", errors="replace")
            log.unlink()
    found = [line for line in said.splitlines() if "[DEPRECATION WARNING]" in line]
    assert not found, "\n".join(found)


def pytest_report_header() -> str:
    """Say which Ansible is tested, and where the checkout is."""
    from ansible.release import __version__

    return f"ansible-core {__version__}"


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The root of the checkout."""
    return ROOT

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The marker `spread`: `make test` runs every case of a test, each on one HAProxy release."""

from __future__ import annotations

import collections
import re
import subprocess
import sys

from ansible_collections.pgsvc.access.tests.conftest import ROOT
from ansible_collections.pgsvc.access.tests.support.binaries import VERSIONS

#: The numbers of cases in them leave each remainder when they are divided by the number of releases, and none is `full`
#: by itself.
FOLDERS = ("hold", "live", "publish", "staying", "unit_config")
_RELEASES = "|".join(map(re.escape, VERSIONS))
RELEASE = re.compile(rf"(?<=\[)({_RELEASES})-|-({_RELEASES})(?=[-\]])")


def collected(*options: str) -> list[tuple[str, str]]:
    """The tests that are marked `spread`: their names without a release, and the release."""
    folders = [str(ROOT / "tests/integration" / name) for name in FOLDERS]
    command = [sys.executable, "-m", "pytest", "--quiet", "--collect-only", *options, *folders]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    found = []
    for line in listed.splitlines():
        release = RELEASE.search(line)
        if release:
            found.append((RELEASE.sub("", line, count=1), release[1] or release[2]))
    return found


def test_every_case_runs_on_one_release() -> None:
    everything, selected = collected("-m", "spread"), collected("-m", "spread and not full")

    assert len(everything) > len(selected) > 100
    assert {case for case, _release in selected} == {case for case, _release in everything}
    times = collections.Counter(case for case, _release in selected)
    assert {case: count for case, count in times.items() if count != 1} == {}
    shares = collections.Counter(release for _case, release in selected)
    assert max(shares.values()) - min(shares.values()) < len(times) / 10, shares

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write the changelog's entry for the version in galaxy.yml again, from the fragments, the plugins and the roles.

usage: ENV/bin/python changelog.py [DATE]     (the date of the release; without it, the entry keeps its date)

`antsibull-changelog release --update-existing` only adds to an entry: what was removed or renamed since would stay in
it. So the entry is removed first. The entries of earlier versions are left as they are.
"""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
CHANGELOG = ROOT / "changelogs" / "changelog.yaml"


def main(date: str | None) -> int:
    """Write changelogs/changelog.yaml and CHANGELOG.rst; leave the former as it was if that fails."""
    version = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"]
    before = CHANGELOG.read_text(encoding="utf-8")
    changelog = yaml.safe_load(before)
    entry = changelog["releases"].pop(version, {})
    date = date or entry.get("release_date") or dt.datetime.now(tz=dt.timezone.utc).date().isoformat()
    CHANGELOG.write_text(yaml.safe_dump(changelog), encoding="utf-8")
    tools = Path(sys.executable).parent
    done = subprocess.run(
        [tools / "antsibull-changelog", "release", "--reload-plugins", "--date", date],
        cwd=ROOT,
        env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"},
        check=False,
    )
    if done.returncode:
        CHANGELOG.write_text(before, encoding="utf-8")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 and sys.argv[1] else None))

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make the contexts of execution environments, of meta/execution-environment.yml and of docs/fleet.md, without a word.

usage: execution_environment.py FOLDER

The folder is made anew. Images are not built, which takes a container engine.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
BUILDER = Path(sys.executable).with_name("ansible-builder")


def builder(*words: str) -> str:
    """Run ansible-builder; what it printed."""
    done = subprocess.run([BUILDER, *words], check=False, capture_output=True, text=True)
    if done.returncode != 0 or re.search("warning|outdated|deprecated", done.stdout + done.stderr, re.IGNORECASE):
        sys.exit(f"ansible-builder {' '.join(words)}:\n{done.stdout}{done.stderr}")
    return done.stdout


def create(definition: Path, context: Path) -> Path:
    """The folder of the context that is sent to the container engine."""
    builder("create", "--file", str(definition), "--context", str(context), "--output-filename", "Containerfile")
    if not (context / "Containerfile").is_file():
        sys.exit(f"{definition}: there is no Containerfile in {context}")
    return context / "_build"


def of_page(page: Path) -> str:
    """The definition that a page shows."""
    (text,) = re.findall(
        r"^```yaml\n(# execution-environment\.yml\n.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL
    )
    return str(text)


def main(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)

    own = create(ROOT / "meta" / "execution-environment.yml", folder / "own")
    for name in ("requirements.txt", "bindep.txt"):
        if not (own / name).read_text() == (ROOT / "meta" / name).read_text() == (ROOT / name).read_text():
            sys.exit(f"{name} and meta/{name} are not the same")

    definition = folder / "execution-environment.yml"
    definition.write_text(of_page(ROOT / "docs" / "fleet.md"))
    shown = create(definition, folder / "shown")
    if "pgsvc.access" not in (shown / "requirements.yml").read_text():
        sys.exit("the definition in docs/fleet.md does not contain the collection")

    # What such an image then gets of the collection in it.
    needs = yaml.safe_load(builder("introspect", "--sanitize", str(ROOT / ".build")))
    if "jmespath" not in str(needs["python"]) or "openssh" not in str(needs["system"]):
        sys.exit(f"ansible-builder finds these needs of the collection: {needs}")


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())

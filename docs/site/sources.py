# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gather what the documentation site is built from: pages, pictures, and the documentation of plugins and roles.

usage: sources.py FOLDER

Pages are written for the code host, where their links lead from file to file. In the site they have shorter addresses,
so their links are rewritten: to the page or picture of the site, or else to the file on the code host.
"""

from __future__ import annotations

import posixpath
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
INDEX = "docs/README.md"
# A link with its words, which may be code, or code that is no link.
_LINK = re.compile(
    r"^```.*?^```$|(?P<words>\[(?:`[^`]*`|[^]`])*\])\((?P<target>[^)\s#]+)(?P<anchor>#[^)\s]*)?\)|`[^`]+`",
    re.MULTILINE | re.DOTALL,
)


def places() -> dict[str, str]:
    """What the site contains: path in the repository to path in the site."""
    found = {
        INDEX: "index.md",
        "README.md": "overview.md",
        "CHANGELOG.rst": "changelog.rst",
        "CONTRIBUTING.md": "contributing.md",
        "SECURITY.md": "security.md",
        "examples/README.md": "examples/index.md",
        "plugins": "plugins/index.rst",
    }
    for pattern in ("docs/*.md", "docs/tutorials/*.md", "docs/pictures/*.svg", "docs/pictures/*.png"):
        names = [path.relative_to(ROOT).as_posix() for path in sorted(ROOT.glob(pattern))]
        found |= {name: name.removeprefix("docs/") for name in names if name != INDEX}
    for path in sorted([*ROOT.glob("roles/*/README.md"), *ROOT.glob("examples/*/README.md")]):
        folder = path.parent.relative_to(ROOT).as_posix()
        found[f"{folder}/README.md"] = f"{folder}.md"
    return found


def target_in_site(page: str, target: str, placed: dict[str, str], repository: str) -> str:
    """Where a link of a page leads in the site; `ValueError` for a file that is not there."""
    if re.match(r"[a-z]+:", target):
        return target
    path = posixpath.normpath(posixpath.join(posixpath.dirname(page), target))
    for name in (path, f"{path}/README.md"):  # a link to a folder shows the page in it
        if name in placed:
            return posixpath.relpath(placed[name], posixpath.dirname(placed[page]) or ".")
    if not (ROOT / path).exists():
        raise ValueError(f"{page}: there is no {target}")
    return f"{repository}/blob/main/{path}"


def page_in_site(page: str, text: str, placed: dict[str, str], repository: str) -> str:
    """The text of a page with the links that it has in the site. Code is not changed."""

    def link(match: re.Match[str]) -> str:
        if not match["target"]:
            return match[0]
        return f"{match['words']}({target_in_site(page, match['target'], placed, repository)}{match['anchor'] or ''})"

    return _LINK.sub(link, text)


def navigation(text: str) -> str:
    """The navigation of the site: the sections of its index that list pages, with the words of the links."""
    found = []
    for section in text.split("\n## ")[1:]:
        heading, _newline, body = section.partition("\n")
        entries = re.findall(r"^- \[([^\]]*)\]\(([^):]+)\)", body, re.MULTILINE)
        if entries:
            lines = [f"{words} <{posixpath.splitext(target)[0]}>" for words, target in entries]
            found.append(toctree(lines, caption=heading))
    return "".join(found)


def toctree(entries: list[str], caption: str = "") -> str:
    options = [":hidden:", *([f":caption: {caption}"] if caption else [])]
    return "\n".join(["", "```{toctree}", *options, "", *entries, "```", ""])


def write_pages(folder: Path, repository: str) -> None:
    placed = places()
    for name, place in placed.items():
        if not (ROOT / name).is_file():
            continue
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        if not name.endswith((".md", ".rst")):
            shutil.copy(ROOT / name, folder / place)
            continue
        text = (ROOT / name).read_text(encoding="utf-8")
        if name.endswith(".md"):
            text = page_in_site(name, text, placed, repository)
        if name == INDEX:
            text += navigation(text)
        elif name == "examples/README.md":
            text += toctree(re.findall(r"^\| \[\w+\]\((\w+)\.md\)", text, re.MULTILINE))
        (folder / place).write_text(without_contents(text), encoding="utf-8")


def write_plugins(folder: Path) -> None:
    """The pages of plugins and roles, from their documentation."""
    folder.mkdir(parents=True)
    folder.chmod(0o755)  # antsibull-docs wants no folder that others can write to
    collection = ["--use-current", "--squash-hierarchy", "--fail-on-error", f"--dest-dir={folder}", "pgsvc.access"]
    subprocess.run([Path(sys.executable).with_name("antsibull-docs"), "collection", *collection], check=True)
    for path in folder.glob("*.rst"):
        text = without_contents(path.read_text(encoding="utf-8"))
        if path.stem == "index":
            text = text.replace("Pgsvc.Access\n============", "Plugins and roles\n=================")
            text = re.sub(r"^( +)(\w+)_(module|filter|callback|role)$", r"\1\2 <\2_\3>", text, flags=re.MULTILINE)
        path.write_text(text, encoding="utf-8")


def without_contents(text: str) -> str:
    """Without the table of contents, which the theme shows beside each page."""
    return re.sub(r"^\.\. contents::.*\n(?: +:.*\n)*", "", text, flags=re.MULTILINE)


if __name__ == "__main__":
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))
    write_pages(Path(sys.argv[1]), galaxy["repository"])
    write_plugins(Path(sys.argv[1]) / "plugins")

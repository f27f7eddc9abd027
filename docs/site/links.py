# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check the links of a site of HTML pages: every page, anchor, picture, style sheet and script is part of the site.

usage: links.py FOLDER

Links to other hosts are not followed. What a browser loads to show a page must not come from them.
"""

from __future__ import annotations

import posixpath
import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# What a browser loads by itself, by the relation of a <link>.
LOADED = {"stylesheet", "icon", "shortcut", "preload", "modulepreload"}


@dataclass
class Page(HTMLParser):
    """The anchors of a page, the links that a reader can follow, and what a browser loads."""

    anchors: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value for name, value in attrs if value}
        self.anchors |= {values[name] for name in ("id", "name") if name in values and tag != "meta"}
        if "src" in values:
            self.loaded.append(values["src"])
        if "href" in values:
            relations = set(values.get("rel", "").split())
            (self.loaded if tag == "link" and relations & LOADED else self.links).append(values["href"])


def parsed(text: str) -> Page:
    page = Page()
    page.feed(text)
    page.close()
    return page


def broken(folder: Path) -> list[str]:
    """The links that lead to nothing, each with its page."""
    pages = {path.relative_to(folder).as_posix(): parsed(path.read_text("utf-8")) for path in folder.rglob("*.html")}
    found = []
    for name, page in sorted(pages.items()):
        foreign = [link for link in page.loaded if is_foreign(link)]
        found += [f"{name}: {link} is loaded from another host" for link in foreign]
        for link in sorted({*page.links, *page.loaded}):
            if not is_foreign(link) and not leads_somewhere(folder, pages, name, link):
                found.append(f"{name}: {link} leads nowhere")
    return found


def is_foreign(link: str) -> bool:
    parts = urlsplit(link)
    return bool(parts.netloc) or parts.scheme in ("data", "mailto")


def leads_somewhere(folder: Path, pages: dict[str, Page], name: str, link: str) -> bool:
    parts = urlsplit(link)
    path = posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(parts.path))) if parts.path else name
    if not (folder / path).is_file():
        return False
    anchor = unquote(parts.fragment)
    return not anchor or path not in pages or anchor in pages[path].anchors


if __name__ == "__main__":
    problems = broken(Path(sys.argv[1]))
    sys.stderr.write("".join(f"{problem}\n" for problem in problems))
    sys.exit(bool(problems))

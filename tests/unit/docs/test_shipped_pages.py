# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages that galaxy.yml ships are true for a user who has the installed collection and no checkout."""

from __future__ import annotations

import functools
import posixpath
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
# What a page has to say, once, when it names files or make targets that are not shipped.
SAYS_SO = re.compile(r"\b(?:of|in|from) (?:the|this|a) (?:repository|checkout)\b")


@functools.cache
def shipped() -> frozenset[str]:
    """The files that the manifest of galaxy.yml names."""
    found: set[str] = set()
    for directive in yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["manifest"]["directives"]:
        verb, *words = directive.split()
        if verb == "include":
            paths = [path for word in words for path in ROOT.glob(word)]
        elif verb == "recursive-include":
            paths = [path for word in words[1:] for path in (ROOT / words[0]).rglob(word)]
        else:
            assert verb == "global-exclude", directive
            continue
        found |= {path.relative_to(ROOT).as_posix() for path in paths}
    return frozenset(found)


def is_shipped(path: str) -> bool:
    """Whether the tarball has that file, or files in that folder."""
    return any(name == path or name.startswith(path + "/") for name in shipped())


PAGES = sorted(name for name in shipped() if name.endswith(".md"))


def anchors(text: str) -> set[str]:
    """The anchors that a page's headings get."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


def broken_links(page: str, text: str) -> list[str]:
    """The relative links of a page that lead to no shipped file, or to no heading of it."""
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"", text):
        target, _hash, anchor = "".join(link).partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        path = posixpath.normpath(posixpath.join(posixpath.dirname(page), target)) if target else page
        if not is_shipped(path):
            broken.append("".join(link))
        elif anchor:
            its_text = text if path == page else (ROOT / path).read_text(encoding="utf-8")
            broken += ["".join(link)] if anchor not in anchors(its_text) else []
    return broken


def repository_only(text: str) -> list[str]:
    """The make targets and the files of the checkout that a page's code names and the tarball does not have."""
    found = []
    for code in re.findall(r"^```.*?^```|`[^`]+`", text, re.MULTILINE | re.DOTALL):
        found += re.findall(r"\bmake [a-z][\w-]*", code)
        for word in re.findall(r"(?<![\w./~-])[\w.-]*\w(?:/[\w.-]*\w)*", code):
            looks_like_a_path = "/" in word or "." in word or word == "Makefile"
            if looks_like_a_path and (ROOT / word).exists() and not is_shipped(posixpath.normpath(word)):
                found.append(word)
    return found


def test_the_pages_are_found() -> None:
    assert {"README.md", "docs/support.md", "roles/haproxy/README.md"} <= set(PAGES)


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_shipped_files(page: str) -> None:
    assert broken_links(page, (ROOT / page).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("page", PAGES)
def test_a_page_says_that_what_is_not_shipped_is_in_the_repository(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    named = repository_only(text)
    assert not named or SAYS_SO.search(text), f"{page} names {named}; say that they are of the repository"


@pytest.mark.parametrize(
    ("link", "is_broken"),
    [
        ("[a](docs/access.md)", False),
        ("[a](docs)", False),
        ("[a](#top)", False),
        ("[a](roles/haproxy/README.md#secrets)", False),
        ("[a](https://github.com/pgsvc/access)", False),
        ("[a](#bottom)", True),
        ("[a](roles/haproxy/README.md#none)", True),
        ("[a](docs/none.md)", True),
        ("[a](tests/lab/lab.py)", True),
        ("[a](Makefile)", True),
        ('<img src="docs/none.svg">', True),
    ],
)
def test_which_links_are_broken(link: str, is_broken: bool) -> None:
    assert bool(broken_links("README.md", f"# Top\n\n{link}\n")) is is_broken


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("`bin/pgsql-svc pg-test`, `docs/access.md`, `make_dist`, `none/none.py`", []),
        ("tests/lab/lab.py and make test in prose", []),
        ("`make test-lab`", ["make test-lab"]),
        ("`tests/lab/lab.py` and `Makefile`", ["tests/lab/lab.py", "Makefile"]),
        ("```bash\nmake demo    # try it\n```", ["make demo"]),
        ("`/etc/tests/lab`", []),
    ],
)
def test_what_is_of_the_repository(text: str, named: list[str]) -> None:
    assert repository_only(text) == named

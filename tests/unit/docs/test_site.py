# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the documentation site is gathered from pages of the code host, and how its links are checked."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.pgsvc.access.docs.site import links, sources

HOST = "https://git.example"


@pytest.mark.parametrize(
    ("page", "text", "in_site"),
    [
        ("docs/pigsty.md", "[a](roles.md#how-it-works)", "[a](roles.md#how-it-works)"),
        ("docs/pigsty.md", "[a](../examples/site/README.md)", "[a](examples/site.md)"),
        ("docs/pigsty.md", "[a](../README.md), [b](../plugins)", "[a](overview.md), [b](plugins/index.rst)"),
        ("docs/access.md", "[`a](b)`](../roles/pg_dns/README.md#x)", "[`a](b)`](roles/pg_dns.md#x)"),
        ("docs/tutorials/own-service.md", "[a](../variables.md)", "[a](../variables.md)"),
        ("roles/pg_dns/README.md", "[a](../../docs/access.md)", "[a](../access.md)"),
        ("README.md", "![a](docs/pictures/paths.svg)", "![a](pictures/paths.svg)"),
        ("README.md", "[a](galaxy.yml)", f"[a]({HOST}/blob/main/galaxy.yml)"),
        ("README.md", "[a](https://b.example/c.md) [d](#e)", "[a](https://b.example/c.md) [d](#e)"),
        ("README.md", "`[a](docs/roles.md)`", "`[a](docs/roles.md)`"),
        ("README.md", "```yaml\n[a](docs/roles.md)\n```\n", "```yaml\n[a](docs/roles.md)\n```\n"),
    ],
)
def test_links_of_a_page(page: str, text: str, in_site: str) -> None:
    assert sources.page_in_site(page, text, sources.places(), HOST) == in_site


def test_a_link_to_nothing() -> None:
    with pytest.raises(ValueError, match=r"^docs/roles\.md: there is no none\.md$"):
        sources.page_in_site("docs/roles.md", "[a](none.md)", sources.places(), HOST)


def test_the_navigation_has_the_lists_of_the_index() -> None:
    index = (
        "# Title\n\n[not](this.md)\n\n## Tutorials\n\nWords.\n\n- [One](t/one.md): first\n- [Two](two.rst)\n\n## None\n"
    )
    assert sources.navigation(index) == (
        "\n```{toctree}\n:hidden:\n:caption: Tutorials\n\nOne <t/one>\nTwo <two>\n```\n"
    )


@pytest.mark.parametrize(
    ("html", "broken"),
    [
        ('<a href="b/c.html#there">', []),
        ('<a href="#here"><p id="here">', []),
        ('<a href="https://c.example/none">', []),
        ('<link rel="search" href="b/c.html"><img src="d.svg">', []),
        ('<a href="b/c.html#gone">', ["b/c.html#gone leads nowhere"]),
        ('<a href="none.html">', ["none.html leads nowhere"]),
        ('<img src="none.svg">', ["none.svg leads nowhere"]),
        ('<link rel="stylesheet" href="none.css?v=1">', ["none.css?v=1 leads nowhere"]),
        ('<script src="https://c.example/d.js">', ["https://c.example/d.js is loaded from another host"]),
        ('<link rel="stylesheet" href="//c.example/d">', ["//c.example/d is loaded from another host"]),
    ],
)
def test_links_of_the_site(tmp_path: Path, html: str, broken: list[str]) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "a.html").write_text(html)
    (tmp_path / "b" / "c.html").write_text('<h1 id="there"><a href="../a.html?q=1">')
    (tmp_path / "d.svg").touch()
    assert links.broken(tmp_path) == [f"a.html: {each}" for each in broken]

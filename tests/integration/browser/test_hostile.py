# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Markup in values is shown as text. Were it not, the policy of the page would still run nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgsvc.access.plugins.filter.catalog import catalog
from ansible_collections.pgsvc.access.plugins.plugin_utils._access.urls import Login
from ansible_collections.pgsvc.access.plugins.plugin_utils._report.catalog_model import model
from ansible_collections.pgsvc.access.plugins.plugin_utils._report.catalog_page import html
from ansible_collections.pgsvc.access.tests.integration.browser import fleet
from ansible_collections.pgsvc.access.tests.integration.browser.conftest import Opener

pytestmark = pytest.mark.xdist_group("browser")

RUN = "document.title='run'"
MARKUP = f'</script><script>{RUN}</script><img src=x onerror="{RUN}">{{{{ 7 * 7 }}}}&amp;\u2028'


def test_a_login_and_a_status_with_markup(open_page: Opener, folder: Path) -> None:
    hosts, status = fleet.hosts(), fleet.status()
    for finding in status["clusters"][0]["findings"]:
        finding.update(text=MARKUP, fix=MARKUP, code=MARKUP)
    user = MARKUP.replace("\u2028", "")  # a login has printable text
    options: dict[str, Any] = {"user": user, "database": user, "title": user, "status": status}
    (folder / "login.html").write_text(catalog(hosts, fleet.groups(hosts), **options), encoding="utf-8")

    page = open_page("login.html", "#cluster=pg-test")
    page.get_by_role("tab", name="libpq").click()

    assert page.title() == f"pg-test: {user}"
    assert page.locator(".notices p").first.text_content() == MARKUP
    assert page.locator("img:not([role]), script").count() == 2  # the data and the script of the page
    quoted = user.replace("\\", "\\\\").replace("'", "\\'")
    assert f"user='{quoted}'" in page.locator(".urls code").first.inner_text()


def test_every_text_with_markup(open_page: Opener, folder: Path) -> None:
    """A plan accepts no such names. The page does not rely on that."""
    hosts = fleet.hosts()
    page_model = model(fleet.survey(hosts, fleet.groups(hosts)), Login(), fleet.status(), None)
    marked = json.loads(json.dumps(page_model).replace("pg-test", json.dumps(f"pg-test{MARKUP}")[1:-1]))
    (folder / "names.html").write_text(html(marked, MARKUP), encoding="utf-8")

    page = open_page("names.html")
    assert page.locator(".cards h2").last.text_content() == f"pg-test{MARKUP}"
    page.locator(".cards h2 a").last.click()

    assert page.locator("h1").text_content() == f"pg-test{MARKUP}"
    assert page.locator("img:not([role]), script").count() == 2
    assert page.title() == f"pg-test{MARKUP}: {MARKUP}"


def test_the_policy_runs_nothing_else(open_page: Opener) -> None:
    page = open_page()
    markup = '<img src=x onerror="document.title=`run`"><b style="color: red">b</b>'
    page.evaluate("markup => { document.body.innerHTML = markup; }", markup)
    page.evaluate("""
        const script = document.createElement("script");
        script.text = "document.title = 'run'";
        document.body.append(script);
    """)
    page.wait_for_timeout(100)

    assert page.title() == "PostgreSQL services"
    assert page.locator("b").evaluate("b => getComputedStyle(b).color") != "rgb(255, 0, 0)"
    refused = [complaint for complaint in open_page.complaints if "Content Security Policy" in complaint]
    assert len(refused) == len(open_page.complaints) >= 3
    open_page.complaints.clear()

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue of 1,000 clusters: the page draws what is looked at."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ansible_collections.pgsvc.access.plugins.filter.catalog import catalog
from ansible_collections.pgsvc.access.tests.integration.browser.conftest import Opener
from ansible_collections.pgsvc.access.tests.integration.browser.fleet import Hosts, cluster, vip
from ansible_collections.pgsvc.access.tests.support.browser import seconds_to_open

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.xdist_group("browser")

CLUSTERS = 1000


@pytest.fixture(scope="module")
def many(folder: Path) -> str:
    hosts: Hosts = {}
    for number in range(CLUSTERS):
        network = f"10.{30 + number // 250}.{number % 250}"
        hosts |= cluster(f"pg-{number:04}", network, "primary", "replica", "offline", **vip(f"{network}.2/24"))
    (folder / "many.html").write_text(catalog(hosts, {"all": list(hosts), "infra": ["10.30.0.11"]}), encoding="utf-8")
    return "many.html"


def test_draws_what_is_looked_at(open_page: Opener, browser: Browser, folder: Path, many: str) -> None:
    page = open_page(many)

    assert page.locator(".card").count() == 60
    page.get_by_role("button", name="Show 60 more").press("Enter")
    assert page.locator(".card").count() == 120
    assert page.evaluate("document.activeElement.textContent") == "pg-0060"  # the first of the new ones

    page.get_by_role("searchbox").fill("pg-0977")
    assert page.locator(".card").count() == 1
    assert page.locator(".count").inner_text() == "1 of 1,000 clusters"

    took = seconds_to_open(browser, folder / many)
    print(f"the page of {CLUSTERS:,} clusters opened in {took:.2f} s", file=sys.__stderr__)

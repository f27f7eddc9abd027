# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people do with the catalogue: search, follow links, look at a cluster, copy URLs, print."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ansible_collections.pgsvc.access.plugins.plugin_utils._access.endpoints import endpoints_of
from ansible_collections.pgsvc.access.plugins.plugin_utils._access.urls import Login
from ansible_collections.pgsvc.access.plugins.plugin_utils._report.catalog_clients import FORMATS
from ansible_collections.pgsvc.access.tests.integration.browser import fleet
from ansible_collections.pgsvc.access.tests.integration.browser.conftest import DATABASE, USER, Opener
from ansible_collections.pgsvc.access.tests.support.browser import axe

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.xdist_group("browser")

VIEWS = ("", "#cluster=pg-test", "#cluster=pg-billing", "#cluster=pg-events", "#balancers")
PHONE: dict[str, Any] = {"viewport": {"width": 375, "height": 812}}
CARDS = ".cards .card h2"


def shown(page: Page, selector: str) -> list[str]:
    return page.locator(selector).all_inner_texts()


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.textContent"))


@pytest.mark.parametrize(
    ("query", "clusters"),
    [
        ("", ["pg-billing", "pg-events", "pg-meta", "pg-search", "pg-shop", "pg-test"]),
        ("PG-TE", ["pg-test"]),
        ("10.20.1.13", ["pg-shop"]),  # the address of a member
        ("10.20.5.3", ["pg-test"]),  # a virtual address
        ("5440", ["pg-billing"]),  # a port
        ("analytics", ["pg-billing"]),  # a service
        ("proxy-2", ["pg-events"]),  # a load balancer
        ("pg 5435", ["pg-test"]),  # every word
        ("nothing of the kind", []),
    ],
)
def test_search(open_page: Opener, query: str, clusters: list[str]) -> None:
    page = open_page()

    page.keyboard.press("/")
    page.keyboard.type(query)

    assert shown(page, CARDS) == clusters
    count = "6 clusters" if len(clusters) == 6 else f"{len(clusters)} of 6 clusters"
    assert page.locator(".count").inner_text() == count


def test_filters_narrow_the_search(open_page: Opener) -> None:
    page = open_page()

    page.get_by_role("button", name="Virtual address").click()
    assert shown(page, CARDS) == ["pg-meta", "pg-shop", "pg-test"]
    page.get_by_role("button", name="Needs attention").click()
    assert shown(page, CARDS) == ["pg-test"]
    page.get_by_role("button", name="Virtual address").click()
    page.get_by_role("button", name="Needs attention").click()

    assert len(shown(page, CARDS)) == 6
    assert page.get_by_role("button", name="Critical").count() == 0  # no cluster is


def test_a_search_stays_while_a_cluster_is_looked_at(open_page: Opener) -> None:
    page = open_page()
    page.get_by_role("searchbox").fill("shop")

    page.get_by_role("link", name="pg-shop").press("Enter")
    page.wait_for_selector("h1:text-is('pg-shop')")

    assert (page.title(), focused(page)) == ("pg-shop: PostgreSQL services", "pg-shop")
    page.get_by_role("link", name="All clusters").click()
    page.wait_for_selector("h1:text-is('PostgreSQL services')")
    assert shown(page, CARDS) == ["pg-shop"]
    page.go_back()
    page.wait_for_selector("h1:text-is('pg-shop')")


def test_links_lead_to_views(open_page: Opener) -> None:
    assert open_page(view="#cluster=pg-test").locator("h1").inner_text() == "pg-test"
    page = open_page(view="#cluster=none")
    assert page.get_by_role("alert").inner_text() == "There is no cluster none on this page."
    page = open_page(view="#balancers=proxy-1")
    assert shown(page, ".card h2") == ["proxy-1"]
    assert "5433 pg-events-primary" in shown(page, ".chip")


def test_urls_are_those_of_the_command(open_page: Opener) -> None:
    hosts = fleet.hosts()
    for access in fleet.survey(hosts, fleet.groups(hosts)).accesses:
        page = open_page(view=f"#cluster={access.cluster.name}")
        for title, write in FORMATS.values():
            page.get_by_role("tab", name=title, exact=True).click()
            found = page.locator(".urls code").evaluate_all("codes => codes.map((code) => code.textContent)")
            expected = [write(endpoint, Login(USER, DATABASE)) for endpoint in endpoints_of(access)]
            assert sorted(found) == sorted(expected)


def test_tabs_with_the_keyboard(open_page: Opener) -> None:
    page = open_page(view="#cluster=pg-test")
    page.get_by_role("tab", name="URL").focus()

    chosen = []
    for key in ("ArrowRight", "ArrowRight", "End", "ArrowRight", "ArrowLeft", "Home"):
        page.keyboard.press(key)
        chosen.append((focused(page), *shown(page, "[aria-selected=true]")))

    names = ["libpq", "JDBC", "pg_service.conf", "URL", "pg_service.conf", "URL"]
    assert chosen == [(name, name) for name in names]
    page.keyboard.press("Tab")
    assert "By the name of the cluster" in focused(page)  # one stop for all tabs


def test_copy(open_page: Opener) -> None:
    page = open_page(view="#cluster=pg-test", permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("tab", name="pg_service.conf").click()

    page.get_by_role("button", name="Copy primary at pg-test:5433, read-write on the primary, via pool").press("Enter")

    page.get_by_text("Copied primary at pg-test:5433").wait_for(state="attached")  # screen readers say it
    assert page.evaluate("navigator.clipboard.readText()") == (
        "[pg-test-primary]\nhost=pg-test\nport=5433\ndbname=shop\nuser=app"
    )
    page.get_by_role("button", name="Copy all 7: by the virtual address").click()
    all_seven = "navigator.clipboard.readText().then((text) => text.split('host=10.20.5.3\\n').length === 8)"
    page.wait_for_function(all_seven)


def test_the_status_says_who_serves_and_what_is_wrong(open_page: Opener) -> None:
    page = open_page(view="#cluster=pg-test")

    rows = {row.split()[0]: row for row in shown(page, "section[aria-labelledby=services] tbody tr")}
    assert "pg-test-2, pg-test-3 for 3 d, 240 sessions" in rows["replica"]
    assert "roles_drifted" in page.locator(".notices").inner_text()
    assert "status of 2026-01-31 12:00 UTC, 12 min ago" in page.locator(".lead").first.inner_text()
    assert page.locator("svg .line.serving").count() == 7  # in the picture, with its legend
    assert "now follows, declared primary" in page.locator("svg .note").all_text_contents()

    plain = open_page("plain.html", "#cluster=pg-test")
    assert plain.get_by_text("Serves now").count() == 0


def test_the_picture_shows_backups_and_marks_members(open_page: Opener) -> None:
    page = open_page("plain.html", "#cluster=pg-billing")

    assert page.locator("svg .heading").all_text_contents() == [
        "Clients",
        "Reached by",
        "Load balancers",
        "Services",
        "Members",
    ]
    assert page.locator("svg .box.offline, svg .box.delayed").count() == 2
    # replica has the primary and offline, offline the replica, analytics the delayed member; and one in the legend.
    assert page.locator("svg .line.dashed").count() == 5
    name = page.get_by_role("img").first.evaluate("image => image.querySelector('desc').textContent")
    assert "analytics on port 5440: read-only on pg-billing-3, else pg-billing-4" in name


def test_the_matrix_of_ports(open_page: Opener) -> None:
    page = open_page("plain.html", "#cluster=pg-events")

    table = page.get_by_role("group", name="Ports in use on the load balancers")
    assert table.locator("thead").inner_text().split() == ["Load", "balancer", "5433", "5434", "5436", "5438", "9101"]
    assert table.locator("tbody tr").first.inner_text().split() == [
        *("proxy-1", "10.20.0.11", "primary", "replica", "default", "offline", "statistics"),
    ]
    assert "pg_weigth: is not a variable of services" in page.locator(".notices").inner_text()


@pytest.mark.parametrize("options", [{}, {"color_scheme": "dark"}, PHONE], ids=["light", "dark", "phone"])
def test_accessible(open_page: Opener, options: dict[str, Any]) -> None:
    found: dict[str, list[str]] = {}
    for view in VIEWS:
        page = open_page(view=view, bypass_csp=True, **options)
        page.evaluate("for (const details of document.querySelectorAll('details')) details.open = true")
        page.add_script_tag(path=axe())
        violations, checks = page.evaluate("axe.run().then((found) => [found.violations, found.passes.length])")
        assert checks > 20
        found[view] = [f"{each['id']}: {node['html']}" for each in violations for node in each["nodes"]]
    assert found == {view: [] for view in VIEWS}


@pytest.mark.parametrize("view", VIEWS)
def test_a_phone_scrolls_in_one_direction(open_page: Opener, view: str) -> None:
    page = open_page(view=view, **PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") == 375


def test_dark_follows_the_system(open_page: Opener) -> None:
    colour = "getComputedStyle(document.body).backgroundColor"
    light, dark = (open_page(color_scheme=scheme).evaluate(colour) for scheme in ("light", "dark"))
    assert (light, dark) == ("rgb(246, 248, 250)", "rgb(14, 20, 27)")


def test_print_shows_everything_and_no_buttons(open_page: Opener) -> None:
    page = open_page(view="#cluster=pg-test")
    assert page.locator(".way[open]").count() == 3

    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")

    assert page.locator(".way[open]").count() == 5
    assert [button for button in page.locator(".copy, header").all() if button.is_visible()] == []


def test_without_javascript_there_is_a_table(open_page: Opener) -> None:
    page = open_page(java_script_enabled=False)
    assert "5440 analytics: read-only on pg-billing-3, else pg-billing-4" in page.locator("main").inner_text()

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue in a browser. Each test fails if the page reports an error, or asks for anything but itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ansible_collections.pgsvc.access.plugins.filter.catalog import catalog
from ansible_collections.pgsvc.access.tests.integration.browser import fleet
from ansible_collections.pgsvc.access.tests.support.browser import chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

USER, DATABASE = "app", "shop"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The catalogue of the fleet, as ``plain.html`` and, with the status, as ``status.html``."""
    folder = tmp_path_factory.mktemp("catalog")
    hosts = fleet.hosts()
    options: dict[str, Any] = {"groups": fleet.groups(hosts), "user": USER, "database": DATABASE}
    (folder / "plain.html").write_text(catalog(hosts, **options), encoding="utf-8")
    options |= {"status": fleet.status(), "status_time": fleet.STATUS_TIME}
    (folder / "status.html").write_text(catalog(hosts, **options), encoding="utf-8")
    return folder


class Opener:
    """Opens pages, each in a context of its own, and collects what they complain about."""

    def __init__(self, browser: Browser, folder: Path) -> None:
        self._browser = browser
        self._folder = folder
        self._close: list[Callable[[], None]] = []
        self.complaints: list[str] = []

    def __call__(self, name: str = "status.html", view: str = "", **options: Any) -> Page:
        """Open a file of the folder; ``options`` are those of a browser context."""
        context = self._browser.new_context(**options)
        self._close.append(context.close)
        page = context.new_page()
        page.clock.set_fixed_time(datetime.fromtimestamp(fleet.STATUS_TIME + 12 * 60, timezone.utc))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("request", lambda request: self._note(request.url))
        page.goto((self._folder / name).as_uri() + view)
        return page

    def _note(self, url: str) -> None:
        if not url.startswith(self._folder.as_uri()):
            self.complaints.append(f"asks for {url}")

    def close(self) -> None:
        for close in self._close:
            close()


@pytest.fixture
def open_page(browser: Browser, folder: Path) -> Iterator[Opener]:
    opener = Opener(browser, folder)
    yield opener
    opener.close()
    assert opener.complaints == []

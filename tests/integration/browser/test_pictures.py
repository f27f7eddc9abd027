# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The screenshots in docs/pictures show what the collection makes of the fleet. `make screenshots` takes them anew."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ansible_collections.pgsvc.access.plugins.plugin_utils._report.status_text import render
from ansible_collections.pgsvc.access.tests.conftest import ROOT
from ansible_collections.pgsvc.access.tests.integration.browser import fleet, terminal
from ansible_collections.pgsvc.access.tests.integration.browser.conftest import Opener

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.xdist_group("browser")

PICTURES = ROOT / "docs" / "pictures"
TAKE = "PGSVC_TAKE_SCREENSHOTS" in os.environ

# The share of pixels that differ visibly. Another release of the browser draws the edges of letters in another way.
DIFFERENCE = """
async ([one, other]) => {
  const pixels = await Promise.all([one, other].map(async (data) => {
    const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${data}`)).blob());
    const context = new OffscreenCanvas(image.width, image.height).getContext("2d");
    context.drawImage(image, 0, 0);
    return [image.width, image.height, context.getImageData(0, 0, image.width, image.height).data];
  }));
  const [[width, height, mine], [otherWidth, otherHeight, theirs]] = pixels;
  if (width !== otherWidth || height !== otherHeight) return 1;
  let count = 0;
  for (let at = 0; at < mine.length; at += 4) {
    count += [0, 1, 2].some((channel) => Math.abs(mine[at + channel] - theirs[at + channel]) > 96);
  }
  return count / (width * height);
}
"""


def window(width: int, height: int, **options: Any) -> dict[str, Any]:
    return {"viewport": {"width": width, "height": height}, **options}


@pytest.mark.parametrize(
    ("name", "view", "options"),
    [
        ("catalog-overview", "", window(1200, 660)),
        ("catalog-cluster", "#cluster=pg-test", window(1200, 1060)),
        ("catalog-phone", "#cluster=pg-test", window(375, 812, color_scheme="dark")),
    ],
)
def test_the_catalogue(open_page: Opener, name: str, view: str, options: dict[str, Any]) -> None:
    page = open_page(view=view, **options)
    assert_shows(open_page, f"{name}.png", page.screenshot())


def test_the_status(open_page: Opener, folder: Path) -> None:
    text = terminal.page("pgsql-svc all --status", render(fleet.status(), colour=True))
    (folder / "terminal.html").write_text(text, encoding="utf-8")
    page = open_page("terminal.html", **window(1100, 700))
    assert_shows(open_page, "status.png", page.locator("pre").screenshot())


def assert_shows(open_page: Opener, name: str, taken: bytes) -> None:
    if TAKE:
        (PICTURES / name).write_bytes(taken)
    page: Page = open_page()
    kept = (PICTURES / name).read_bytes()
    images = [base64.b64encode(image).decode() for image in (taken, kept)]
    blank = page.context.new_page()
    difference = blank.evaluate(DIFFERENCE, images)
    assert difference < 0.01, f"{name} shows something else; look at what changed, and run make screenshots"

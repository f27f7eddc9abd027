# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's Chromium, without a window and with known fonts, driven by Playwright."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # only the environment of the newest ansible-core has it
    from playwright.sync_api import Browser

_ROOT = Path(__file__).resolve().parents[2]
_FONTS = Path(__file__).with_name("fonts.conf")
_AXE = Path(__file__).with_name("axe")
_READY = "document.querySelector('h1') && performance.now()"


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """A browser that starts anew, with its cache in a folder of its own."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory(prefix="pgsvc-chromium-") as cache, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            env={**os.environ, "FONTCONFIG_FILE": str(_FONTS), "XDG_CACHE_HOME": cache},
        )
        try:
            yield browser
        finally:
            browser.close()


def seconds_to_open(browser: Browser, path: Path) -> float:
    """Seconds from the start of the navigation until the page shows its heading."""
    with contextlib.closing(browser.new_context()) as context:
        page = context.new_page()
        page.goto(path.as_uri())
        return float(page.wait_for_function(_READY).json_value()) / 1000


def axe() -> Path:
    """The script of axe-core, as `npm ci` installs it: in the version and with the digest of package-lock.json."""
    folder = _ROOT / ".build" / "axe"
    script = folder / "node_modules" / "axe-core" / "axe.min.js"
    pinned = (_AXE / "package-lock.json").read_bytes()
    installed = folder / "package-lock.json"
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several processes run tests
        if not script.exists() or installed.read_bytes() != pinned:
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(_AXE, folder)
            command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
            subprocess.run(command, cwd=folder, check=True)
    return script

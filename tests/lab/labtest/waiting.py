# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for a condition, with a deadline and the last thing that was seen."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_PAUSE = 0.1


def until(what: str, probe: Callable[..., T | None], *arguments: object, timeout: float = 60.0) -> T:
    """Call `probe` with the arguments until it returns something true, and return that.

    An AssertionError or OSError of the probe counts as "not yet". Raises AssertionError with the last result after
    `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    while True:
        try:
            result = probe(*arguments)
            if result:
                return result
            last: object = result
        except (AssertionError, OSError) as error:
            last = error
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout:.0f} s: {what}; last seen: {last!r}")
        time.sleep(_PAUSE)

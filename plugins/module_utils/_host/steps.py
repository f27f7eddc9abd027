# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A hook for tests, which kill a run after any step. Code calls it after each change on disk or in HAProxy."""

from __future__ import annotations


def done(step: str) -> None:
    """Called after a step, such as `rename pg-test-primary`. Does nothing; tests replace it."""

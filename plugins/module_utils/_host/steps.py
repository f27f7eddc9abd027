# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The seam at which tests end a run: what leaves something on disk or in HAProxy says so here when it is done."""

from __future__ import annotations


def done(step: str) -> None:
    """Note that a step is done, such as `rename pg-test-primary`. Does nothing: tests put an observer in its place."""

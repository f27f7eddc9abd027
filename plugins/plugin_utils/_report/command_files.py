# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What plugins write for ``bin/pgsql-svc``: its exit code and the report that it shows, in files of its environment."""

from __future__ import annotations

import os
from pathlib import Path


def write_exit_code(code: int) -> None:
    """Write the exit code, if the command has asked for it."""
    _write("PGSVC_EXIT_CODE_FILE", str(code))


def write_report(text: str) -> None:
    """Write the report, if the command has asked for it."""
    _write("PGSVC_REPORT_FILE", text)


def report_form() -> str:
    """The form of a status: ``table``, ``colour`` or ``json``; empty if the command has asked for none."""
    return os.environ.get("PGSVC_REPORT_FORM", "")


def _write(variable: str, text: str) -> None:
    path = os.environ.get(variable)
    if path:
        Path(path).write_text(text, encoding="utf-8")

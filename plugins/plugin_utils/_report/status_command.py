# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``bin/pgsql-svc CLUSTER --status``: prints the report that the playbook has written, and ends with its exit code."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from ansible_collections.pgsvc.access.plugins.plugin_utils._report.status import exit_code
from ansible_collections.pgsvc.access.plugins.plugin_utils._report.status_text import render


def main() -> int:
    parser = argparse.ArgumentParser(prog="pgsql-svc")
    parser.add_argument("report", type=Path)
    parser.add_argument("--format", choices=("table", "json"), default="table")
    parser.add_argument("--colour", action="store_true")
    options = parser.parse_args()
    report = json.loads(options.report.read_text())
    if options.format == "json":
        json.dump(report, sys.stdout, indent=2)
        sys.stdout.write("\n")
    else:
        sys.stdout.write(render(report, colour=options.colour and not os.environ.get("NO_COLOR")))
    return exit_code(report)


if __name__ == "__main__":
    sys.exit(main())

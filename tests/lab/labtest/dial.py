# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dials each URL of a list: run as the controller, which resolves the lab's names.

Reads a list of URLs as JSON, writes a list of [server, in recovery], or an error as text, for each.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import psycopg


def dial(url: str) -> Any:
    try:
        with psycopg.connect(url, connect_timeout=5, autocommit=True, prepare_threshold=None) as connection:
            return connection.execute("SELECT host(inet_server_addr()), pg_is_in_recovery()").fetchone()
    except psycopg.OperationalError as error:
        return str(error)


if __name__ == "__main__":
    json.dump([dial(url) for url in json.load(sys.stdin)], sys.stdout)

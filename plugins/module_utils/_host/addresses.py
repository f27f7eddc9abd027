# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses that this host has at the moment."""

from __future__ import annotations

import json
import subprocess
from typing import Any, Optional

_TIMEOUT = 10  # seconds


def addresses() -> Optional[list[str]]:
    """All addresses of all interfaces but those of the host itself (loopback); None if they cannot be read."""
    command = ["ip", "-json", "address", "show"]
    try:
        done = subprocess.run(  # pylint: disable=ansible-bad-function  # run_command is a method of modules
            command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=_TIMEOUT
        )
        return parse(json.loads(done.stdout))
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError):
        return None


def parse(links: Any) -> list[str]:
    """The addresses in the output of ``ip -json address show``.

    >>> parse([{"ifname": "eth0", "addr_info": [{"scope": "global", "local": "10.10.10.11"}]}])
    ['10.10.10.11']
    """
    return [str(info["local"]) for link in links for info in link.get("addr_info", ()) if info["scope"] != "host"]

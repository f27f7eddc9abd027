# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that tells its steps and kills itself after one of them: `python -m …killed STEP [children] < request.json`.

Prints every step; STEP is the number of the one after which it ends with SIGKILL, with `children` its guard as well.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.sockets import RuntimeAPI
from ansible_collections.pgsvc.access.plugins.module_utils._host import steps
from ansible_collections.pgsvc.access.plugins.module_utils._publish.directory import Wanted
from ansible_collections.pgsvc.access.plugins.module_utils._publish.publication import publish
from ansible_collections.pgsvc.access.plugins.module_utils._publish.request import Request


def main() -> None:
    last = int(sys.argv[1])
    said = json.load(sys.stdin)
    files = [Wanted(**file) for file in said.pop("files")]
    said["conf_dir"], said["state_dir"] = Path(said["conf_dir"]), Path(said["state_dir"])
    numbers = itertools.count(1)

    def step(done: str) -> None:
        print(done, flush=True)
        if next(numbers) == last:
            if "children" in sys.argv[2:]:
                subprocess.run(["pkill", "-KILL", "-P", str(os.getpid())], check=True)
            os.kill(os.getpid(), signal.SIGKILL)

    command = RuntimeAPI.command

    def telling(api: RuntimeAPI, line: str) -> str:
        answer = command(api, line)
        if not line.startswith("show "):
            step(line)
        return answer

    RuntimeAPI.command = telling  # type: ignore[method-assign,assignment]
    steps.done = step  # type: ignore[assignment]
    publish(Request(files=files, **said))


if __name__ == "__main__":
    main()

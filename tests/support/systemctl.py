# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for systemctl and journalctl that runs one real service: `systemctl.py FOLDER COMMAND [OPTION]... UNIT`.

FOLDER holds `unit` (the path of the unit's file), `type`, and what is remembered from call to call. The service writes
its messages to `log`, and `journal` prints those since the last restart or reload. As with systemd the arguments are
those of the last daemon-reload.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any


class Unit:
    """The state of the one unit, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = Path((folder / "unit").read_text())
        self.kind = (folder / "type").read_text()
        self.log = folder / "log"
        self.pid_file = folder / "main.pid"
        self._path = folder / "state.json"
        known = (
            json.loads(self._path.read_text())
            if self._path.exists()
            else {"pid": 0, "started": 0, "logged": 0, "commands": {}}
        )
        self.state: dict[str, Any] = known

    def save(self) -> None:
        self._path.write_text(json.dumps(self.state))

    def on_disk(self) -> dict[str, list[str]]:
        text = self.file.read_text() if self.file.exists() else ""
        return {key: re.findall(rf"^{key}=(.+)$", text, re.MULTILINE) for key in ("ExecStart", "ExecReload")}

    def is_active(self) -> bool:
        try:
            state = Path(f"/proc/{self.state['pid']}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return False
        return state != "Z"

    def show(self) -> str:
        active = self.is_active()
        command = next(iter(self.state["commands"].get("ExecStart", [])), "")
        loaded = self.state["commands"] or self.file.exists()
        rows = {
            "LoadState": "loaded" if loaded else "not-found",
            "ActiveState": "active" if active else "inactive",
            "MainPID": self.state["pid"] if active else 0,
            "Type": self.kind,
            "NeedDaemonReload": "no" if self.state["commands"] == self.on_disk() else "yes",
            "ExecStart": f"{{ path={command.split(' ')[0]} ; argv[]={command} ; ignore_errors=no ; pid=0 }}",
            "InactiveExitTimestampMonotonic": self.state["started"],
        }
        return "".join(f"{key}={value}\n" for key, value in rows.items())

    def start(self) -> int:
        self.stop()
        if not self.state["commands"]:
            self.state["commands"] = self.on_disk()
        self.state["started"] = int(time.monotonic() * 1e6)
        command = self.state["commands"]["ExecStart"][-1].replace("$EXTRAOPTS", "").split()
        self.pid_file.unlink(missing_ok=True)
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self.state["pid"] = process.pid
        while self.kind == "notify" and process.poll() is None and not self.pid_file.exists():
            time.sleep(0.02)
        if self.kind == "notify" and process.poll() is not None:
            print("Job for the service failed", file=sys.stderr)
            return 1
        time.sleep(0.1)  # a simple service that ends at once is a started one
        return 0

    def reload(self) -> int:
        for command in self.state["commands"]["ExecReload"]:
            words = command.replace("$EXTRAOPTS", "").replace("$MAINPID", str(self.state["pid"])).split()
            with self.log.open("ab") as log:
                if subprocess.run(words, check=False, stdout=log, stderr=log).returncode != 0:
                    return 1
        return 0

    def stop(self) -> None:
        if self.is_active():
            os.kill(self.state["pid"], signal.SIGTERM)
            while self.is_active():
                time.sleep(0.02)


def main() -> int:
    unit, command = Unit(Path(sys.argv[1])), sys.argv[2]
    with (unit.folder / "calls").open("a") as calls:
        print(command, file=calls)
    if command in {"restart", "reload"} and unit.log.exists():
        unit.state["logged"] = unit.log.stat().st_size
    status = 0
    if command == "show":
        print(unit.show(), end="")
    elif command == "daemon-reload":
        unit.state["commands"] = unit.on_disk()
    elif command == "restart":
        status = unit.start()
    elif command == "reload":
        status = unit.reload()
    elif command == "stop":
        unit.stop()
    elif command == "journal" and unit.log.exists():
        print(unit.log.read_bytes()[unit.state["logged"] :].decode(errors="replace"), end="")
    unit.save()
    return status


if __name__ == "__main__":
    sys.exit(main())

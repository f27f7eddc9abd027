# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service of the tests, and what to ask of it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from ansible_collections.pgsvc.access.plugins.module_utils._unit.configuration import Request, Result, configure
from ansible_collections.pgsvc.access.plugins.module_utils._unit.files import Wanted
from ansible_collections.pgsvc.access.plugins.module_utils._unit.service import Unit, show

Snapshot = dict[str, tuple[bytes, int, int]]


class Service:
    """One unit, at an address of its own."""

    def __init__(self, folder: Path, unit: Path, kind: str, address: str) -> None:
        self.folder = folder
        self.address = address
        self.etc = folder / "etc"
        (folder / "unit").write_text(str(unit))
        (folder / "type").write_text(kind)

    @property
    def unit(self) -> Unit:
        found = show("x")
        assert found is not None
        return found

    def calls(self) -> list[str]:
        """The commands that changed something since they were last asked for."""
        path = self.folder / "calls"
        said = path.read_text().split() if path.exists() else []
        path.write_text("")
        return [call for call in said if call not in {"show", "journal", "reset-failed"}]

    def stop(self) -> None:
        subprocess.run(["systemctl", "stop", "x.service"], check=True)

    def files(self) -> Snapshot:
        """Every file of the service, also hidden ones, with its mode and time."""
        found = {}
        for path in sorted(path for path in self.etc.rglob("*") if path.is_file()):
            status = path.stat()
            found[str(path.relative_to(self.etc))] = path.read_bytes(), status.st_mode & 0o777, status.st_mtime_ns
        return found


class HAProxyService(Service):
    """HAProxy, with a base configuration and the drop-in of a unit as the role writes them."""

    def __init__(self, folder: Path, binary: Path, address: str) -> None:
        self.conf = folder / "etc/haproxy"
        self.base = self.conf / "haproxy.cfg"
        self.drop_in = folder / "etc/x.service.d/pgsvc.conf"
        self.conf.mkdir(parents=True)
        self.binary = binary
        super().__init__(folder, self.drop_in, "notify", address)

    def request(
        self, *, port: int = 9101, lines: str = "", folder: str = "", socket: str = "m", **more: bool
    ) -> Request:
        """What the role would ask for; each argument changes one of the files."""
        arguments = f"-f {self.conf}" if not folder else f"-f {self.base} -f {folder}"
        socket_path = self.folder / socket
        base = (
            f"global\n    maxconn 100\n    hard-stop-after 1s\n{lines}\n"
            "defaults\n    mode http\n    timeout connect 1s\n    timeout client 1s\n    timeout server 1s\n"
            f"listen stats\n    bind {self.address}:{port}\n    stats enable\n    stats uri /\n"
        )
        pid_file = self.folder / "main.pid"
        unit = (
            f"[Service]\nExecStart=\n"
            f"ExecStart={self.binary} -Ws {arguments} -p {pid_file} -S {socket_path},mode,600 $EXTRAOPTS\n"
            f"ExecReload={self.binary} -Ws {arguments} -c $EXTRAOPTS\n"
            "ExecReload=/bin/kill -USR2 $MAINPID\n"
        )
        options: dict[str, bool] = {"start": True, **more}
        return Request(
            unit="x",
            files=[Wanted(self.base, base), Wanted(self.drop_in, unit)],
            validate=[str(self.binary), "-c", *arguments.split()],
            loaded=pid_file,
            temporary=str(self.folder),
            **options,
        )

    def configure(self, **what: object) -> Result:
        return configure(self.request(**what))  # type: ignore[arg-type]

    def listens_on(self) -> set[int]:
        """The ports at the address of the service that somebody listens on."""
        shown = subprocess.run(["ss", "-Hltn", f"src {self.address}"], check=True, capture_output=True, text=True)
        return {int(line.split()[3].rpartition(":")[2]) for line in shown.stdout.splitlines()}

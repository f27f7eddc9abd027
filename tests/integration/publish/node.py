# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A load balancer of the publish tests: a real HAProxy, and the real module run on its folder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.pgsvc.access.plugins.module_utils._publish.directory import Wanted
from ansible_collections.pgsvc.access.plugins.module_utils._publish.publication import publish
from ansible_collections.pgsvc.access.plugins.module_utils._publish.request import Request, Result
from ansible_collections.pgsvc.access.tests.support.haproxy import HAProxy
from ansible_collections.pgsvc.access.tests.support.invocation import ASK
from ansible_collections.pgsvc.access.tests.support.modules import Run
from ansible_collections.pgsvc.access.tests.support.service import QUICK, service_file

OWNER = "member/pg-test"

Snapshot = dict[str, tuple[bytes, int, int, int]]


class Node:
    """One load balancer. `address` is its own; services differ by port."""

    def __init__(self, haproxy: HAProxy, address: str) -> None:
        self.haproxy = haproxy
        self.address = address
        self.conf_dir = haproxy.conf_dir
        self.state_dir = haproxy.state_dir

    def service(
        self, name: str, port: int, servers: Sequence[str] = ("s1",), owner: str = OWNER, options: Sequence[str] = ()
    ) -> dict[str, Any]:
        """An element of `files`: a service whose servers are down, which is all that most tests need.

        A server is its name, or its name and more words, which are put at the end of its line.
        """
        lines = []
        for server in servers:
            word, _blank, more = server.partition(" ")
            lines.append(f"server {word} {self.address}:9 check port 9 {more or 'weight 100'}")
        content = service_file(
            name,
            f"{self.address}:{port}",
            lines,
            state_dir=self.state_dir,
            default_server=QUICK,
            owner=owner,
            options=options,
        )
        return {"name": name, "owner": owner, "content": content}

    def arguments(self, files: Sequence[dict[str, Any]], **more: Any) -> dict[str, Any]:
        """The module's arguments; the arguments of HAProxy are left for it to find out."""
        return {
            "files": list(files),
            "owners": [OWNER],
            "conf_dir": str(self.conf_dir),
            "state_dir": str(self.state_dir),
            "binary": str(self.haproxy.binary),
            "master_socket": str(self.haproxy.master_socket),
            "stats_socket": str(self.haproxy.stats_socket),
            **more,
        }

    def publish(self, files: Sequence[dict[str, Any]], *, check: bool = False, **more: Any) -> dict[str, Any]:
        """Run the module in a process of its own, in diff mode; its result without what only a failure has."""
        return self.begin(files, check=check, **more).result()

    def begin(
        self, files: Sequence[dict[str, Any]], *, check: bool = False, prefix: Sequence[str] = (), **more: Any
    ) -> Run:
        """Start the module; `prefix` is a command that runs it."""
        said = {**self.arguments(files, **more), "_ansible_check_mode": check, "_ansible_diff": True, **ASK}
        return Run("haproxy_publish", said, prefix)

    def snapshot(self, *, states_by_content: bool = False) -> Snapshot:
        """Everything in the configuration directory and the state folder: content, mode, inode and mtime.

        A run that was put back has written the state files again: of those only the content is compared then.
        """
        found: Snapshot = {}
        for path in (*self.conf_dir.iterdir(), *self.state_dir.iterdir()):
            status = path.lstat()
            when = (status.st_ino, status.st_mtime_ns)
            if states_by_content and path.parent == self.state_dir:
                when = (0, 0)
            found[str(path.relative_to(self.haproxy.folder))] = path.read_bytes(), status.st_mode, *when
        return found

    def directly(self, files: Sequence[dict[str, Any]]) -> Result:
        """Publish from this process, which saves the start of another one where many runs are needed."""
        said = self.arguments(files)
        said.update(files=[Wanted(**file) for file in files], conf_dir=self.conf_dir, state_dir=self.state_dir)
        return publish(Request(**said))

    def files(self) -> dict[str, str]:
        """What is in the configuration directory: all of it, temporary files too."""
        return {path.name: path.read_text() for path in sorted(self.conf_dir.iterdir())}

    def proxies(self) -> set[str]:
        """The services that the running HAProxy knows."""
        return {row["pxname"] for row in self.haproxy.master.current().stat()} - {"GLOBAL", "MASTER"}

    def reloads(self) -> int:
        return self.haproxy.master.processes().reloads


def statuses(result: dict[str, Any]) -> dict[str, str]:
    """Name to status, of a successful result."""
    assert not result.get("failed"), result["msg"]
    return {service["name"]: service["status"] for service in result["services"]}

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The server-state files of all services of a configuration directory."""

from __future__ import annotations

import stat
from collections.abc import Collection, Mapping
from pathlib import Path

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.config import SUFFIX
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.server_state import State, carried, resting
from ansible_collections.pgsvc.access.plugins.module_utils._host import steps
from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import PublishError
from ansible_collections.pgsvc.access.plugins.module_utils._host.files import read_regular, replace_file, sync_directory
from ansible_collections.pgsvc.access.plugins.module_utils._publish.service_file import ServiceFile

_STATE = ".state"
_MODE = 0o600


class States:
    """The state files that the service files of a view name. Files without an owner are not looked at.

    `own` names the services of this call: their files have to name a path in `directory`. Raises `PublishError` for one
    that does not, and for a `server` line that cannot be read.
    """

    def __init__(self, directory: Path, view: Mapping[str, ServiceFile], own: Collection[str]) -> None:
        self._directory = directory
        self.services: dict[Path, ServiceFile] = {}
        for name, service in view.items():
            if service.owner is None or service.state_file is None:
                continue
            path = directory / f"{name}{_STATE}"
            if service.state_file != str(path):
                if name in own:
                    raise PublishError(
                        f"{name}{SUFFIX} takes the states of its servers from {service.state_file}, but they are kept "
                        f"in {path}: give files and state_dir of one haproxy_state_dir"
                    )
                path = Path(service.state_file)
            self.services[path] = service
        self.resting = {path: _resting(service) for path, service in self.services.items()}

    def stale(self) -> list[str]:
        """The services whose state file is not there, or does not say that every server is unverified."""
        return [service.name for path, service in self.services.items() if not _says(path, self.resting[path])]

    def rest(self) -> None:
        """Write those that are stale. Raises `OSError`."""
        wrong = [path for path, text in self.resting.items() if not _says(path, text)]
        for path in wrong:
            replace_file(path, self.resting[path].encode(), _MODE)
            steps.done(f"rest the servers of {path.stem}")
        for directory in {path.parent for path in wrong}:
            sync_directory(directory)

    def check_present(self) -> None:
        """Raise `FileNotFoundError` for the first service without its file: HAProxy would take its servers for UP."""
        for path in self.services:
            if not stat.S_ISREG(path.lstat().st_mode):
                raise FileNotFoundError(2, "the state file of the service is not a regular file", str(path))

    def carried(self, states: Mapping[str, Mapping[str, State]]) -> dict[Path, str]:
        """The files that differ once they have the states of their servers, by service and server."""
        texts = ((path, carried(service, states.get(service.name, {}))) for path, service in self.services.items())
        return {path: text for path, text in texts if text != self.resting[path]}

    def drop_others(self) -> None:
        """Remove the state files of services that are no longer there."""
        for path in self._directory.glob(f"*{_STATE}"):
            if path not in self.services:
                path.unlink(missing_ok=True)


def _resting(service: ServiceFile) -> str:
    try:
        return resting(service)
    except ValueError as error:
        raise PublishError(f"{service.name}{SUFFIX}: {error}") from error


def _says(path: Path, text: str) -> bool:
    try:
        return read_regular(path, len(text) + 1) == text.encode()
    except OSError:
        return False

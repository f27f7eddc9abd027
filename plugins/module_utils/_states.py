# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The server-state files of all services of a configuration directory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ansible_collections.pgsvc.access.plugins.module_utils._errors import PublishError
from ansible_collections.pgsvc.access.plugins.module_utils._files import replace_file, sync_directory
from ansible_collections.pgsvc.access.plugins.module_utils._server_state import carried, resting
from ansible_collections.pgsvc.access.plugins.module_utils._service_file import SUFFIX, ServiceFile, parse

if TYPE_CHECKING:
    from ansible_collections.pgsvc.access.plugins.module_utils._cli import ServerRow

_STATE = ".state"
_MODE = 0o600


class States:
    """What is to be in `directory` beside the service files of `view` (contents by stem).

    Only files with an owner that take their state from there have one. Raises `PublishError` for a `server` line that
    cannot be read.
    """

    def __init__(self, directory: Path, view: Mapping[str, bytes]) -> None:
        self._directory = directory
        self._services: dict[Path, ServiceFile] = {}
        for name, content in view.items():
            service = parse(name, content.decode(errors="surrogateescape"))
            path = directory / f"{name}{_STATE}"
            if service.owner is not None and service.state_file == str(path):
                self._services[path] = service
        self.resting = {path: _resting(service) for path, service in self._services.items()}

    def unrested(self) -> list[str]:
        """The services whose state file is not there, or does not say that every server is unverified."""
        return [service.name for path, service in self._services.items() if not _says(path, self.resting[path])]

    def rest(self, step: Callable[[str], None]) -> None:
        """Put all of them at rest; touches only those that are not. Raises `OSError`."""
        wrong = [path for path, text in self.resting.items() if not _says(path, text)]
        for path in wrong:
            replace_file(path, self.resting[path].encode(), _MODE)
            step(f"rest the servers of {path.stem}")
        if wrong:
            sync_directory(self._directory)

    def carried(self, rows: Iterable[ServerRow]) -> dict[Path, str]:
        """The same files with the verdicts that the running worker has, `rows`."""
        rows = list(rows)
        return {
            path: carried(service.name, service.servers(), rows, service.default_server)
            for path, service in self._services.items()
        }

    def drop_others(self) -> None:
        """Remove the state files of services that are gone."""
        for path in self._directory.glob(f"*{_STATE}"):
            if path not in self._services:
                path.unlink(missing_ok=True)


def _resting(service: ServiceFile) -> str:
    try:
        return resting(service.name, service.servers(), service.default_server)
    except ValueError as error:
        raise PublishError(f"{service.name}{SUFFIX}: {error}") from error


def _says(path: Path, text: str) -> bool:
    try:
        return path.read_bytes() == text.encode()
    except FileNotFoundError:
        return False

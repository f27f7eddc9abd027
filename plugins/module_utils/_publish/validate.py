# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Validates the new directory with HAProxy before any file is replaced."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from typing import Optional

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy import start_arguments
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.bindable import check_bindable
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.config import bind_addresses
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.process import Process
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.validation import (
    NewDirectory,
    RejectedError,
    has_lua,
    validate,
)
from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import PublishError
from ansible_collections.pgsvc.access.plugins.module_utils._publish import directory
from ansible_collections.pgsvc.access.plugins.module_utils._publish.directory import Entry
from ansible_collections.pgsvc.access.plugins.module_utils._publish.hold import SCRIPT, Script, holds, is_used
from ansible_collections.pgsvc.access.plugins.module_utils._publish.rehearsal import Asked, Verdicts, rehearse
from ansible_collections.pgsvc.access.plugins.module_utils._publish.request import Request, Result
from ansible_collections.pgsvc.access.plugins.module_utils._publish.service_file import parse_content


class Validation:
    """Validation of the new directory by HAProxy; `startup` is how HAProxy is started."""

    def __init__(self, request: Request, process: Optional[Process]) -> None:
        self._request = request
        self._process = process
        self.startup = start_arguments.find(
            request.config_args, process.master_pid if process else None, request.unit, request.conf_dir
        )
        may_be_missing = request.check or request.if_present or not request.apply
        self.can_run = not may_be_missing or shutil.which(request.binary) is not None

    def check(self, disk: Mapping[str, Entry], result: Result, *, binds: bool = True) -> None:
        """Raise `PublishError` if HAProxy rejects it, or, where it `binds` anew, cannot open a listener."""
        request, process = self._request, self._process
        start_arguments.check(self.startup, request.conf_dir, request.unit)
        view = directory.after(disk, result.changes)
        directory.check_listeners(view, [change.name for change in result.todo])
        if not self.can_run:
            if request.check and not request.if_present:
                result.warnings.append(
                    f"{request.binary} is not installed yet: check mode could not validate the files"
                )
            elif not request.if_present:
                result.warnings.append(
                    f"there is no {request.binary} on this host: the files were written without validation"
                )
            return
        self._check_lua([view[change.name] for change in result.changes if change.name in view])
        try:
            result.warnings += self._validate(view, disk)
        except RejectedError as rejected:
            raise self._error_for(rejected, disk) from None
        if binds and process and not any(b"noreuseport" in content for content in view.values()):
            own = [view[change.name].decode(errors="replace") for change in result.changes if change.name in view]
            check_bindable([each for text in own for each in bind_addresses(text)], process.worker.pid)

    def _validate(self, view: Mapping[str, bytes], disk: Mapping[str, Entry]) -> list[str]:
        request = self._request
        services = [parse_content(n, content) for n, content in view.items() if is_used(content)]
        script = Script(request.state_dir, services)
        missing = {script.path: SCRIPT.encode()} if script.is_missing() else {}
        program = shutil.which(request.binary, path=self.startup.environment.get("PATH"))
        version = self._process.version_of(program) if self._process else None
        staying = {n for n, entry in disk.items() if entry.in_place and view.get(n) == entry.content}
        new = NewDirectory(view, staying, missing)
        return validate(request.binary, self.startup, request.conf_dir, new, request.temporary, version)

    def _check_lua(self, contents: Iterable[bytes]) -> None:
        """Raise `PublishError` when services hold that HAProxy could not let wait."""
        names = holds(contents)
        if names and not has_lua(self._request.binary, self.startup):
            raise PublishError(
                f"hold of {', '.join(sorted(names))} needs a HAProxy with Lua, which {self._request.binary} was built "
                "without (haproxy -vv): install one that has it, as the packages of Debian do, or set hold of these "
                "services, or pg_service_hold, to 0. Nothing was changed"
            )

    def _error_for(self, rejected: RejectedError, disk: Mapping[str, Entry]) -> PublishError:
        """The error to report: a different one if HAProxy rejects the present files as well, without this change."""
        try:
            self._validate(directory.after(disk, []), disk)
        except RejectedError as before:
            return PublishError(
                "HAProxy rejects the configuration of this host even without the new files: correct it first. Nothing "
                f"was changed. {before.alerts}"
            )
        return rejected

    def ask(self, asked: Sequence[Asked]) -> Optional[Verdicts]:
        """The results of health checks, see `rehearse`."""
        return rehearse(self._request.binary, self.startup, asked, self._request.temporary) if self.can_run else None

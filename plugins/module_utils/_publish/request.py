# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The arguments and the result of a call."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, field
from pathlib import Path, PurePosixPath
from typing import Any, Optional

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.config import SUFFIX
from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import PublishError
from ansible_collections.pgsvc.access.plugins.module_utils._host.light_dataclass import dataclass
from ansible_collections.pgsvc.access.plugins.module_utils._publish.decision import NONE
from ansible_collections.pgsvc.access.plugins.module_utils._publish.directory import UNCHANGED, FileChange, Wanted


def absolute_path(argument: str, path: str) -> str:
    """A path without `//`, `/./` and a `/` at its end, so that equal paths are equal text.

    `..` is kept, as the part before it may be a link. Raises `PublishError` for a relative path.
    """
    if not path.startswith("/"):
        raise PublishError(f"{argument}: {path!r} is not an absolute path; allowed: one that begins with '/'")
    return "/" + str(PurePosixPath(path)).lstrip("/")


_PLACES = ("conf_dir", "master_socket", "stats_socket")
_FOLDERS = ("conf_dir", "state_dir")


def places(given: Mapping[str, Any]) -> dict[str, Any]:
    """The folders and sockets of a call, from its arguments: folders as paths, sockets as text.

    Those that are not given (None) are found on the host, except for `state_dir`, which not every call needs. Raises
    `PublishError` for a relative path.
    """
    names = dict.fromkeys((*_PLACES, *_FOLDERS))
    paths = {name: absolute_path(name, given[name]) for name in names if given.get(name) is not None}
    if not paths.keys() >= set(_PLACES):
        from ansible_collections.pgsvc.access.plugins.module_utils._haproxy import layout  # noqa: PLC0415

        found = layout.find(
            paths.get("conf_dir"), paths.get("master_socket"), paths.get("stats_socket"),
            given.get("config_args"), given.get("unit", "haproxy"),
        )  # fmt: skip
        paths = {**asdict(found), **paths}
    return {**paths, **{name: Path(paths[name]) for name in _FOLDERS if name in paths}}


def files_of(text: str) -> list[Wanted]:
    """Parse a list of files in JSON. Raises `PublishError` if it is invalid."""
    try:
        return [_wanted(file) for file in json.loads(text)]
    except (ValueError, TypeError, RecursionError) as error:
        raise PublishError(f"files_json: not a list of files in JSON, with the fields of files ({error})") from error


def _wanted(file: dict[str, Any]) -> Wanted:
    wanted = Wanted(**file)
    if not all(isinstance(text, str) for text in (wanted.name, wanted.owner, wanted.content)):
        raise TypeError("name, owner and content are texts")
    if not all(isinstance(flag, bool) for flag in (wanted.cut_removed, wanted.may_be_empty)):
        raise TypeError("cut_removed and may_be_empty are true or false")
    return wanted


@dataclass(frozen=True)
class Request:
    """The arguments of a call; `check` is check mode, `temporary` a folder for temporary files.

    `carries` are the clusters that stay on this load balancer: unless `allow_shrink`, they may not lose too many
    servers at once (`shrink`). With `if_present`, a host that has no files of the owners is skipped (`presence`), and
    files can be changed on a host without HAProxy.
    """

    files: Sequence[Wanted]
    owners: Sequence[str]
    conf_dir: Path = Path("/etc/haproxy")
    state_dir: Path = Path("/var/lib/haproxy/pgsvc")
    config_args: Optional[Sequence[str]] = None
    binary: str = "haproxy"
    unit: str = "haproxy"
    master_socket: str = "/run/haproxy-master.sock"
    stats_socket: str = "/run/haproxy/admin.sock"
    write: bool = True
    apply: bool = True
    carries: Sequence[str] = ()
    allow_shrink: bool = False
    if_present: bool = False
    check: bool = False
    temporary: str = "/tmp"  # noqa: S108  the default of tempfile; the module passes its own


@dataclass(frozen=True)
class Applied:
    """How the files were applied to the running process, and why in this way.

    `draining` are servers (`<service>/<server>`) that are no longer in the files and wait for their sessions to end.
    """

    method: str
    reason: str
    draining: Sequence[str] = ()


@dataclass
class Result:
    """What a call did, or would do in check mode."""

    changes: Sequence[FileChange] = ()
    applied: Applied = field(default_factory=lambda: Applied(NONE, ""))
    old_workers: Mapping[str, int] = field(default_factory=lambda: {"count": 0, "sessions": 0})
    warnings: list[str] = field(default_factory=list)
    states_rewritten: bool = False

    @property
    def todo(self) -> list[FileChange]:
        """The files that change."""
        return [change for change in self.changes if change.status != UNCHANGED]

    @property
    def changed(self) -> bool:
        return self.states_rewritten or self.applied.method != NONE or bool(self.todo)

    def to_dict(self, directory: Path, diff: bool) -> dict[str, Any]:
        """The result as the module returns it."""
        returned: dict[str, Any] = {
            "changed": self.changed,
            "services": [{"name": c.name, "owner": c.owner, "status": c.status} for c in self.changes],
            "applied": asdict(self.applied),
            "old_workers": dict(self.old_workers),
        }
        if diff:
            returned["diff"] = [_difference(directory, change) for change in self.todo]
        return returned


def _difference(directory: Path, change: FileChange) -> dict[str, str]:
    """A change as `--diff` shows it."""
    path = str(directory / f"{change.name}{SUFFIX}")
    return {
        "before": (change.before or b"").decode(errors="replace"),
        "after": (change.after or b"").decode(errors="replace"),
        "before_header": "/dev/null" if change.before is None else path,
        "after_header": "/dev/null" if change.after is None else path,
    }

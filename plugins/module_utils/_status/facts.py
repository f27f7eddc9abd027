# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one load balancer runs, and how that compares with its service files. Nothing is changed."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Optional

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.process import Process, find
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.proxies import Proxy, StatRow, proxies
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.server_line import ServerLine, word_after
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.server_state import FORCED_DRAIN, NO_VERDICT
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.sockets import ServerRow
from ansible_collections.pgsvc.access.plugins.module_utils._host.addresses import addresses
from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import CLIError, PublishError, file_error
from ansible_collections.pgsvc.access.plugins.module_utils._host.light_dataclass import dataclass
from ansible_collections.pgsvc.access.plugins.module_utils._publish import directory
from ansible_collections.pgsvc.access.plugins.module_utils._publish.compare import differences
from ansible_collections.pgsvc.access.plugins.module_utils._publish.loaded import loaded_heads, without_file
from ansible_collections.pgsvc.access.plugins.module_utils._publish.record import (
    Head,
    digest,
    read_record,
    record_path,
)
from ansible_collections.pgsvc.access.plugins.module_utils._publish.service_file import (
    ServiceFile,
    member_name,
    parse,
)

APPLIED, NOT_APPLIED, NOT_RUNNING, DIFFERENT = "applied", "not_applied", "not_running", "different"
_OWNERS = ("member/*", "delegated/*")
# srv_admin_state (Management Guide 9.3): maintenance that is forced, inherited, configured or caused by DNS, and drain.
_MAINT, _DRAIN = 0x01 | 0x02 | 0x04 | 0x20 | 0x40, 0x08 | 0x10


@dataclass(frozen=True)
class Question:
    """Where to look, and for which clusters (all without any); `ask_patroni` are the clusters whose Patroni to ask."""

    conf_dir: Path
    state_dir: Path
    master_socket: str
    stats_socket: str
    clusters: Sequence[str] = ()
    ask_patroni: Sequence[str] = ()


def look(question: Question) -> dict[str, Any]:
    """The facts, in types that JSON has. Raises `PublishError`."""
    try:
        return _look(question)
    except CLIError as error:
        raise PublishError(str(error)) from error
    except OSError as error:
        raise PublishError(file_error(error)) from error


def _look(question: Question) -> dict[str, Any]:
    disk = directory.read(question.conf_dir) if question.conf_dir.is_dir() else {}
    view = {name: parse(name, entry.text) for name, entry in disk.items()}
    own = {name: file for name, file in view.items() if _is_asked_for(file.owner, question.clusters)}
    process = find(question.master_socket, question.stats_socket)
    services = {name: file for name, file in own.items() if not file.is_backend}
    found: dict[str, Any] = {
        "running": process is not None,
        "addresses": addresses(),
        "files": {name: digest(disk[name].content) for name in own},
        "services": [],
        "removed": [],
        "process": {},
        "old_workers": [],
        "patroni": _patroni(own, [each for each in question.ask_patroni if _is_among(each, question.clusters)]),
    }
    if process is None:
        found["services"] = [_service(file, None, {}) | {"file": NOT_RUNNING} for file in services.values()]
        return found
    known = read_record(record_path(question.state_dir))
    loaded = loaded_heads(known, process.worker, disk, view)
    now = proxies(process.api.servers_state(), process.api.stat())
    for name, file in own.items():
        state, words = _compared(file, loaded.get(name), now.get(name))
        if name in services:
            found["services"].append({**_service(file, now.get(name), now), "file": state, "differences": words})
        elif state != APPLIED:
            # The services follow the health checks of this file, and people know the services.
            found["services"].append({**_service(file, None, {}), "file": state, "differences": words})
    found["removed"] = sorted(now.keys() & without_file(known, _owners(question.clusters), view))
    found["process"] = _process(process)
    found["old_workers"] = list(_old_workers(process, services))
    return found


def cluster_of(owner: str) -> str:
    """The cluster in an owner such as ``member/pg-test``."""
    return owner.partition("/")[2]


def _is_asked_for(owner: Optional[str], clusters: Sequence[str]) -> bool:
    if owner is None or not owner.startswith(tuple(each[:-1] for each in _OWNERS)):
        return False
    return _is_among(cluster_of(owner), clusters)


def _is_among(cluster: str, clusters: Sequence[str]) -> bool:
    return not clusters or cluster in clusters


def _owners(clusters: Sequence[str]) -> Sequence[str]:
    return [f"{kind[:-1]}{cluster}" for kind in _OWNERS for cluster in clusters] if clusters else _OWNERS


def _compared(file: ServiceFile, head: Optional[Head], proxy: Optional[Proxy]) -> tuple[str, list[str]]:
    """Whether the process runs what the file says, and what differs."""
    if proxy is None:
        return NOT_APPLIED, ["HAProxy does not know it"]
    if head is None or head.digest != file.head_digest:
        return NOT_APPLIED, []
    draining = [f"{proxy.name}/{name}" for name, row in proxy.rows.items() if row.admin_state & FORCED_DRAIN]
    try:
        found = [each.text for each in differences(file, proxy, draining) if each.text not in head.accepted]
    except ValueError as error:
        return NOT_APPLIED, [str(error)]
    return (DIFFERENT, found) if found else (APPLIED, [])


def _service(file: ServiceFile, proxy: Optional[Proxy], around: Mapping[str, Proxy]) -> dict[str, Any]:
    frontend: StatRow = {} if proxy is None else proxy.stat.get("FRONTEND", {})
    backend: StatRow = {} if proxy is None or proxy.backend is None else proxy.backend
    return {
        "name": file.name,
        "cluster": cluster_of(file.owner or ""),
        "is_service": not file.is_backend,
        "is_running": proxy is not None,
        "all_backups": _all_backups(file),
        "sessions": _number(frontend.get("scur")),
        "max_sessions": _number(frontend.get("slim")),
        "queue": _number(backend.get("qcur")),
        "servers": [] if proxy is None else list(_servers(file, proxy, around)),
        "differences": [],
    }


def _all_backups(file: ServiceFile) -> bool:
    return any(line[:2] == ("option", "allbackups") for line in file.head)


def _servers(file: ServiceFile, proxy: Proxy, around: Mapping[str, Proxy]) -> Iterator[dict[str, Any]]:
    lines: dict[str, ServerLine] = {}
    with contextlib.suppress(ValueError):  # broken by hand since: the running servers are shown all the same
        lines = {line.name: line for line in file.servers}
    for name, row in proxy.rows.items():
        stat = proxy.stat.get(name, {})
        line = lines.get(name)
        tracked = None if line is None else word_after(line.options, "track")
        yield {"name": name, "member": member_name(name), **_server(proxy, row, stat, _checked(tracked, around))}


def _checked(tracked: Optional[str], around: Mapping[str, Proxy]) -> Optional[tuple[ServerRow, StatRow]]:
    """The server that another one follows, by ``<backend>/<server>``."""
    proxy, _slash, server = (tracked or "").partition("/")
    if proxy not in around or server not in around[proxy].rows:
        return None
    return around[proxy].rows[server], around[proxy].stat.get(server, {})


def _server(
    proxy: Proxy, row: ServerRow, stat: StatRow, tracked: Optional[tuple[ServerRow, StatRow]]
) -> dict[str, Any]:
    check_row, check_stat = tracked or (row, stat)
    checks = bool(check_row.check_state)
    return {
        "status": stat.get("status", ""),
        "usable": proxy.is_usable(row.srv_name),
        "backup": proxy.is_backup(row.srv_name),
        "weight": row.uweight,
        "sessions": _number(stat.get("scur")),
        "queue": _number(stat.get("qcur")),
        "max_sessions": _number(stat.get("slim")),
        "check": f"{check_stat.get('check_status', '')} {check_stat.get('check_code', '')}".strip() if checks else "",
        "verified": not checks or check_row.check_status != NO_VERDICT,
        "admin": "maint" if row.admin_state & _MAINT else "drain" if row.admin_state & _DRAIN else "",
        "since": _number(stat.get("lastchg")),
        "times_down": _number(check_stat.get("chkdown")),
    }


def _process(process: Process) -> dict[str, Any]:
    info = process.api.info()
    failed = 0
    if process.master is not None:
        failed = process.master.processes().failed
    return {
        "pid": process.worker.pid,
        "version": info.get("Version", ""),
        "uptime": max(0, int(time.clock_gettime(time.CLOCK_BOOTTIME) - process.worker.started)),
        "failed_reloads": failed,
    }


def _old_workers(process: Process, services: Mapping[str, ServiceFile]) -> Iterator[dict[str, Any]]:
    """Workers of earlier reloads that still hold sessions; one that ends while it is asked is left out."""
    if process.master is None:
        return
    for worker in process.master.processes().old_workers:
        with contextlib.suppress(CLIError):
            api = process.master.worker(worker.pid)
            sessions = _number(api.info().get("CurrConns"))
            held = [
                {
                    "service": row["pxname"],
                    "server": row["svname"],
                    "member": member_name(row["svname"]),
                    "sessions": _number(row["scur"]),
                }
                for row in api.stat(frontends=False)
                if row["pxname"] in services and row["svname"] != "BACKEND" and _number(row["scur"])
            ]
            if sessions:
                yield {"pid": worker.pid, "uptime": worker.uptime, "sessions": sessions, "servers": held}


def _patroni(own: Mapping[str, ServiceFile], clusters: Sequence[str]) -> dict[str, dict[str, Any]]:
    if not clusters:
        return {}
    # Most load balancers ask no Patroni, and Python's HTTP client costs a quarter of all imports.
    from ansible_collections.pgsvc.access.plugins.module_utils._status.patroni import apis, ask_all  # noqa: PLC0415

    asked = {}
    for cluster in clusters:
        files = [file for file in own.values() if cluster_of(file.owner or "") == cluster]
        with contextlib.suppress(ValueError):
            asked[cluster] = apis(files)
    return ask_all(asked)


def _number(text: Optional[str]) -> int:
    return int(text) if text and text.isdigit() else 0

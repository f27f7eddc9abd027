# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The service files of one cluster on a load balancer, and the HAProxy that runs them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.process import Process, find
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.proxies import Proxy, proxies
from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import CLIError, PublishError, file_error
from ansible_collections.pgsvc.access.plugins.module_utils._host.files import leftovers
from ansible_collections.pgsvc.access.plugins.module_utils._publish import directory, swap
from ansible_collections.pgsvc.access.plugins.module_utils._publish.service_file import Owners, ServiceFile, parse


def service_files(conf_dir: Path, cluster: str) -> list[ServiceFile]:
    """The files of the cluster, its own or delegated ones. Files of others are not looked at."""
    disk = directory.read(conf_dir)
    if leftovers(conf_dir):
        disk = swap.overlay(conf_dir, disk)
    own = Owners([f"member/{cluster}", f"delegated/{cluster}"])
    files = [parse(name, entry.text) for name, entry in disk.items()]
    return [file for file in files if file.owner in own]


@contextlib.contextmanager
def reported(conf_dir: Path, cluster: str) -> Iterator[None]:
    """Turn the errors of HAProxy, of the system, and of a damaged service file into `PublishError`."""
    try:
        yield
    except CLIError as error:
        raise PublishError(str(error)) from error
    except OSError as error:
        raise PublishError(file_error(error)) from error
    except ValueError as error:
        raise PublishError(f"{conf_dir}: a file of {cluster} cannot be read: {error}") from error


def running_process(master_socket: str, stats_socket: str) -> Process:
    """The HAProxy that answers at one of these sockets. Raises `PublishError` when none does."""
    process = find(master_socket, stats_socket)
    if process is None:
        raise PublishError(
            f"HAProxy is not running, or no process answers at {master_socket} and {stats_socket}: "
            "start it, or set haproxy_master_socket and haproxy_stats_socket to its sockets"
        )
    return process


def look(process: Process, *, frontends: bool = False) -> dict[str, Proxy]:
    """The proxies as they run now."""
    return proxies(process.api.servers_state(), process.api.stat(frontends=frontends))

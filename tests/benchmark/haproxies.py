# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The processes of a benchmark: HAProxies and the Patroni that they check. All end with the block, however it ends."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from shutil import which

from ansible_collections.pgsvc.access.tests.support import binaries
from ansible_collections.pgsvc.access.tests.support.haproxy import HAProxy, wait_until
from ansible_collections.pgsvc.access.tests.support.patroni import Patroni

_BASE = """\
global
    maxconn 100
    nbthread 1
    stats socket {stats_socket} mode 600 level admin
    stats timeout 2m
    hard-stop-after {hard_stop_after}

defaults
    mode http
    timeout connect 5s
    timeout client 50s
    timeout server 50s
"""
_FIRST_CHECKS = 120.0  # seconds; the slowest checks are one in 40


class ShortNames(HAProxy):
    """A HAProxy that knows its files by short names.

    Its master hands all of them on to itself in one variable of the environment, for which Linux has a limit of
    128 KiB: with absolute paths in a temporary folder that is the end of a HAProxy of 3,000 services.
    """

    @property
    def config_args(self) -> list[str]:
        return ["-C", str(self.folder), "-f", self.base.name, "-f", self.conf_dir.name]


def haproxy(folder: Path, *, short_names: bool = False) -> HAProxy:
    """Return a HAProxy of this machine's release that has not been started yet."""
    kind = ShortNames if short_names else HAProxy
    return kind(_binary(), folder, base=_BASE)


def release() -> str:
    """Name the release of this machine's HAProxy, such as ``HAProxy 2.6.12``."""
    return f"HAProxy {binaries.version_of(_binary())}"


def _binary() -> Path:
    binary = which("haproxy") or which("haproxy", path="/usr/sbin")
    if binary is None:
        sys.exit("haproxy is not installed; on Debian: apt-get install haproxy")
    return Path(binary)


@contextmanager
def running(
    haproxies: Sequence[HAProxy], members: Mapping[str, str], clusters: Mapping[str, str] | None = None
) -> Iterator[Patroni]:
    """Run them, and a Patroni at each address of `members`, which are roles by address. Yields all Patronis as one.

    `clusters` has the cluster of each address; without it, all are of one.
    """
    with ExitStack() as stack:
        patroni = stack.enter_context(Patroni())
        for address, role in members.items():
            patroni.add(address, address, role, ports=(), cluster=(clusters or {}).get(address, "cluster"))
        for each in haproxies:
            stack.callback(_end, each)
            each.start(ready=False)
        for each in haproxies:
            try:
                each.wait_ready()
            except AssertionError as error:
                sys.exit(f"the HAProxy in {each.folder} does not start: {error}")
        yield patroni


def _end(haproxy: HAProxy) -> None:
    try:
        haproxy.stop()
    except BaseException:
        haproxy.stop(kill=True)
        raise


def settle(haproxies: Sequence[HAProxy]) -> None:
    """Wait until each server has had its first check."""
    waiting = list(haproxies)

    def is_settled() -> bool:
        while waiting and _is_checked(waiting[-1]):
            waiting.pop()
        return not waiting

    try:
        wait_until(is_settled, timeout=_FIRST_CHECKS, interval=0.5)
    except AssertionError:
        sys.exit(f"the HAProxy in {waiting[-1].folder} has not checked all its servers in {_FIRST_CHECKS:g} seconds")


def _is_checked(haproxy: HAProxy) -> bool:
    return all(row["check_status"] not in ("", "INI") for row in haproxy.api.stat() if row["type"] == "2")


def dials_loopback_only(haproxies: Sequence[HAProxy]) -> bool:
    """Tell whether no server that they run is on another machine."""
    return all(row.addr.startswith("127.") for each in haproxies for row in each.api.servers_state())

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab consists of: releases, nodes, addresses and folders. Every other file asks here."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

#: The lab folder of the collection and the collection itself.
LAB_SOURCE = Path(__file__).resolve().parent.parent
COLLECTION = LAB_SOURCE.parent.parent

#: Roots, packages and wheels live here: they outlast the lab and are shared by all checkouts.
CACHE = Path(os.environ.get("PGSVC_CACHE", "/var/cache/pgsvc"))
#: Tests in several processes: pytest-xdist numbers them from 0, and its first one takes the lab of `make lab`.
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
#: Namespaces, cgroups and the state folder carry this name, so that two labs can live side by side.
NAME = os.environ.get("PGSVC_LAB", "pgsvc") + (f"-{_WORKER + 1}" if _WORKER else "")
#: All that one run of the lab makes; removed by `down`.
STATE = Path("/run") / f"{NAME}-lab"

MIRROR = os.environ.get("PGSVC_MIRROR", "http://deb.debian.org/debian")
SECURITY_MIRROR = os.environ.get("PGSVC_SECURITY_MIRROR", "http://deb.debian.org/debian-security")

#: Rises when the recipe in roots.py changes in a way that the package lists do not show.
RECIPE = 2

#: The environment of the newest ansible-core, on the newest Python of the lab (Debian 13 has 3.13).
NEWEST_ANSIBLE = COLLECTION / ".venvs/core-2.21"

_BASE = (
    "ca-certificates", "curl", "dbus", "iproute2", "iputils-arping", "iputils-ping", "less", "openssh-server",
    "openssl", "procps", "python3", "python3-apt", "socat", "sudo", "systemd", "systemd-sysv",
)  # fmt: skip
_DATABASE = ("etcd-client", "etcd-server", "patroni", "pgbouncer", "python3-dnspython", "python3-etcd")
#: Not installed, but installable without a network: the roles under test install them.
_REPOSITORY = ("dnsmasq", "haproxy", "keepalived", "vip-manager")
#: For the unit and integration tests that run in the root of Debian 13.
_SUITE = ("dnsmasq-base", "git", "python3-venv")


@dataclass(frozen=True)
class Release:
    """A Debian release that nodes run; `packages` are in its root, `repository` in the root's own package folder."""

    codename: str
    version: int
    postgresql: int
    packages: tuple[str, ...]
    repository: tuple[str, ...] = _REPOSITORY

    @property
    def root(self) -> Path:
        """The built root. The name holds a digest of the recipe: a changed recipe builds a new root."""
        recipe = repr((RECIPE, self.packages, self.repository, MIRROR))
        return CACHE / "roots" / f"{self.codename}-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"


BOOKWORM = Release("bookworm", 12, 15, (*_BASE, *_DATABASE, "postgresql-15"))
TRIXIE = Release("trixie", 13, 17, (*_BASE, *_DATABASE, "postgresql-17", *_SUITE))
#: The next release, which changes daily; it has no vip-manager.
FORKY = Release("forky", 14, 18, (*_BASE, *_DATABASE, "postgresql-18"), repository=("dnsmasq", "haproxy"))
RELEASES = (BOOKWORM, TRIXIE, FORKY)


@dataclass(frozen=True)
class Node:
    """A machine of the lab. `number` is the last part of its addresses; a spare boots only when asked for.

    `pigsty`: HAProxy is laid out as Pigsty does, and not by this collection.
    """

    name: str
    number: int
    release: Release
    spare: bool = False
    pigsty: bool = False

    @property
    def ipv4(self) -> str:
        return f"10.10.10.{self.number}"

    @property
    def ipv6(self) -> str:
        return f"fd00:10:10:10::{self.number}"

    @property
    def namespace(self) -> str:
        return f"{NAME}-{self.name}"

    @property
    def folder(self) -> Path:
        return STATE / "nodes" / self.name

    @property
    def root(self) -> Path:
        """Where the node's file system is mounted: the release's root below, the node's own changes above."""
        return self.folder / "root"

    @property
    def service_folder(self) -> str:
        """Where HAProxy has its service files."""
        return "/etc/haproxy/conf.d" if self.pigsty else "/etc/haproxy"

    @property
    def statistics(self) -> str:
        """The path of HAProxy's statistics page."""
        return f"/haproxy/{self.name}/" if self.pigsty else "/"


NODES = (
    Node("pg-meta-1", 10, TRIXIE),
    Node("pg-test-1", 11, BOOKWORM),
    Node("pg-test-2", 12, BOOKWORM),
    Node("pg-test-3", 13, BOOKWORM),
    Node("pg-test-4", 14, BOOKWORM, spare=True),
    Node("pg-next-1", 15, FORKY, spare=True),
    Node("proxy-1", 18, BOOKWORM),
    Node("proxy-2", 19, TRIXIE, pigsty=True),
)

#: The namespace that holds the bridge, and in which the controller and the clients run.
CONTROLLER = f"{NAME}-controller"
CONTROLLER_IPV4 = "10.10.10.1"
CONTROLLER_IPV6 = "fd00:10:10:10::1"

#: The account that Ansible logs in with; it may use sudo.
ADMIN = "admin"


def node(name: str) -> Node:
    """The node of that name or IPv4 address. Raises KeyError with the known names."""
    for each in NODES:
        if name in (each.name, each.ipv4):
            return each
    raise KeyError(f"no node {name!r}; known: {', '.join(each.name for each in NODES)}")

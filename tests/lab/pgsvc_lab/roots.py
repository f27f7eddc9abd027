# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian roots, built once into the cache and shared by all nodes through overlays."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from . import settings
from .settings import Release
from .steps import LabError, Log, read, step

#: Where a root keeps the packages that roles install: a repository on its own disk, for nodes have no network.
REPOSITORY = "srv/packages"

#: Disabled in the root: whoever wants one of them (a role, the provisioning) enables it.
_QUIET_UNITS = (
    "apt-daily-upgrade.timer", "apt-daily.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "e2scrub_reap.service",
    "etcd.service", "fstrim.timer", "patroni.service", "pgbouncer.service", "postgresql.service",
)  # fmt: skip
#: Would need a network or a kernel of its own; masked, so that a boot ends as `running`, not `degraded`.
_MASKED_UNITS = (
    "console-getty.service", "getty.target", "systemd-networkd.service", "systemd-resolved.service",
    "systemd-timesyncd.service",
)  # fmt: skip
#: A database comes from Patroni, not from the installation of a package.
_NO_CLUSTER = (
    'mkdir "$1/etc/postgresql-common"; '
    'echo "create_main_cluster = false" > "$1/etc/postgresql-common/createcluster.conf"'
)
_APT = ("apt-get", "--yes", "--no-install-recommends", "-o", "Dpkg::Use-Pty=0")


def ensure(releases: Iterable[Release]) -> None:
    """Build what is missing, all at once. An interrupted build leaves nothing that counts as a root."""
    missing = [release for release in releases if not release.root.is_dir()]
    with ThreadPoolExecutor() as pool:
        for future in [pool.submit(_ensure, release) for release in missing]:
            future.result()


def _ensure(release: Release) -> None:
    """Build under a lock, in a folder of a temporary name, and rename: the root is whole or absent."""
    release.root.parent.mkdir(parents=True, exist_ok=True)
    with _locked(release.root.parent / f".{release.codename}.lock"):
        if release.root.is_dir():
            return
        building = release.root.with_name(f".{release.root.name}.building")
        with step(f"root of Debian {release.version} built", settings.CACHE / "log" / f"{release.codename}.log") as log:
            if building.exists():  # a killed build; the lock says that nobody works on it
                _remove_root(building)
            _build(release, building, log)
            building.rename(release.root)


def _build(release: Release, root: Path, log: Log) -> None:
    suites = [(settings.MIRROR, release.codename)]
    options = []
    if release == settings.FORKY:
        # Its lists are signed for a week only, and a mirror may hold older ones.
        options.append('--aptopt=Acquire::Check-Valid-Until "false"')
    else:
        suites += [
            (settings.MIRROR, f"{release.codename}-updates"),
            (settings.SECURITY_MIRROR, f"{release.codename}-security"),
        ]
    # --skip: the package lists stay until the repository is filled.
    log.run(
        ["mmdebstrap", "--mode=root", "--variant=minbase", "--format=directory", "--skip=cleanup/apt",
         "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr", f"--essential-hook={_NO_CLUSTER}",
         "--aptopt=Acquire::Languages { \"none\"; }", "--aptopt=Acquire::Retries \"3\"", *options,
         "--dpkgopt=force-unsafe-io", "--dpkgopt=path-exclude=/usr/share/man/*",
         "--dpkgopt=path-exclude=/usr/share/doc/*", f"--include={','.join(release.packages)}",
         release.codename, root, *(f"deb {mirror} {suite} main" for mirror, suite in suites)],
    )  # fmt: skip
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
    with _mounted(root, log):
        _fill_repository(release, root, log)
    _finish(root, log)


def _fill_repository(release: Release, root: Path, log: Log) -> None:
    """Put the packages that roles install, and what they need, into the root and make it the only source."""
    folder = root / REPOSITORY
    (folder / "partial").mkdir(parents=True)
    _chroot(
        log, root, *_APT, "-o", f"Dir::Cache::archives=/{REPOSITORY}", "--download-only", "install", *release.repository
    )
    _chroot(log, root, "apt-get", "clean")
    shutil.rmtree(folder / "partial")
    (folder / "lock").unlink(missing_ok=True)
    index = "\n".join(_describe(deb) for deb in sorted(folder.glob("*.deb")))
    (folder / "Packages").write_text(index, encoding="utf-8")
    _write(root, "etc/apt/sources.list", f"deb [trusted=yes] file:/{REPOSITORY} ./\n")
    shutil.rmtree(root / "var/lib/apt/lists")
    (root / "var/lib/apt/lists/partial").mkdir(parents=True)
    _chroot(log, root, "apt-get", "update")


def _describe(deb: Path) -> str:
    """A package's entry in the index `Packages` (deb-control fields and where the file is)."""
    control = read(["dpkg-deb", "--field", deb]).rstrip("\n")
    digest = hashlib.sha256(deb.read_bytes()).hexdigest()
    return f"{control}\nFilename: ./{deb.name}\nSize: {deb.stat().st_size}\nSHA256: {digest}\n"


def _finish(root: Path, log: Log) -> None:
    admin = settings.ADMIN
    _chroot(log, root, "useradd", "--create-home", "--shell", "/bin/bash", admin)
    _write(root, f"etc/sudoers.d/{admin}", f"{admin} ALL=(ALL) NOPASSWD: ALL\n", mode=0o440)
    _write(
        root,
        "etc/ssh/sshd_config.d/lab.conf",
        "UseDNS no\nMaxStartups 100\nMaxSessions 100\nPasswordAuthentication no\n",
    )
    # Many sudo and ssh calls in a small machine: no journal on disk, no rate limit that would hide a message.
    _write(
        root,
        "etc/systemd/journald.conf.d/lab.conf",
        "[Journal]\nStorage=volatile\nRuntimeMaxUse=16M\nRateLimitBurst=0\n",
    )
    log.run(["systemctl", f"--root={root}", "disable", *_QUIET_UNITS], allow_failure=True)
    log.run(["systemctl", f"--root={root}", "mask", *_MASKED_UNITS])
    (root / "etc/resolv.conf").unlink()
    _write(root, "etc/machine-id", "")


def _chroot(log: Log, root: Path, *command: str) -> None:
    env = {
        "DEBIAN_FRONTEND": "noninteractive",
        "LC_ALL": "C.UTF-8",
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    }
    log.run(["env", "-i", *(f"{key}={value}" for key, value in env.items()), "chroot", root, *command])


@contextmanager
def _mounted(root: Path, log: Log) -> Iterator[None]:
    """proc and dev inside the root while packages install; gone again whatever happens."""
    mounts = (
        ("/proc", root / "proc", ["--types", "proc"]),
        ("/dev", root / "dev", ["--bind"]),
    )
    with ExitStack() as stack:
        for source, target, options in mounts:
            target.mkdir(parents=True, exist_ok=True)
            log.run(["mount", *options, source, target])
            stack.callback(log.run, ["umount", "--lazy", target], allow_failure=True)
        yield


def _remove_root(root: Path) -> None:
    """Remove a half-built root; refuses while anything is mounted below, for that would empty the mounted folder."""
    for mount in mounts_below(root):
        read(["umount", "--lazy", mount])
    if mounts_below(root):
        raise LabError(f"{root} still has file systems mounted below it")
    shutil.rmtree(root)


def mounts_below(folder: Path) -> list[Path]:
    """Mount points at or below a folder, the deepest first."""
    with Path("/proc/self/mounts").open(encoding="utf-8") as mounts:
        points = [Path(line.split()[1].encode().decode("unicode_escape")) for line in mounts]
    return sorted((point for point in points if point == folder or folder in point.parents), reverse=True)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _write(root: Path, name: str, text: str, mode: int = 0o644) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)

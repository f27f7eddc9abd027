# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records in the format of /etc/hosts, which dnsmasq reads from a directory (dnsmasq(8), --hostsdir)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from ansible_collections.pgsvc.access.plugins.module_utils._blocks.blocks import Line
from ansible_collections.pgsvc.access.plugins.module_utils._blocks.foreign_file import read_only
from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import PublishError, file_error
from ansible_collections.pgsvc.access.plugins.module_utils._host.place import (
    FolderMissingError,
    NotRegularError,
    opened,
)

_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?")


def record_lines(records: Iterable[Mapping[str, str]]) -> list[str]:
    """The lines of the records, each with an address and a name."""
    lines = []
    for record in records:
        if not _NAME.fullmatch(record["name"]) or len(record["name"]) > 253:
            raise PublishError(f"{record['name']!r} is not a name; allowed: letters, digits, '-', '_' and '.'")
        if _address(record["address"]) is None:
            raise PublishError(f"{record['address']!r} is not an address; allowed: IPv4 or IPv6")
        lines.append(f"{record['address']} {record['name']}")
    return lines


def check_records(records: Iterable[Mapping[str, str]]) -> Callable[[Path, Sequence[Line]], None]:
    """A check that no other line in the file or its directory gives one of these names another address."""
    wanted: dict[str, set[object]] = {}
    for record in records:
        wanted.setdefault(record["name"].lower(), set()).add(_address(record["address"]))

    def check(path: Path, others: Sequence[Line]) -> None:
        for line in others:
            owner = f"of cluster {line.owner}" if line.owner else "which is not from this collection"
            _check_line(wanted, line.text, f"line {line.number} of {path}, {owner}")
        for file in sorted(path.parent.iterdir()):
            if file != path and not _ignored(file.name):
                for number, text in enumerate(_read(file), 1):
                    _check_line(wanted, text, f"line {number} of {file}, which is not from this collection")

    return check


def _check_line(wanted: Mapping[str, set[object]], text: str, where: str) -> None:
    words = text.split("#", 1)[0].split()
    for name in words[1:]:
        known = wanted.get(name.lower())
        if known is not None and _address(words[0]) not in known:
            raise PublishError(
                f"{name} is {words[0]} in {where}, and dnsmasq would answer with both addresses: remove it there"
            )


def _read(file: Path) -> list[str]:
    """The lines of a regular file; empty for other types and for a dangling link, which dnsmasq ignores."""
    try:
        with opened(file) as place:
            return read_only(place).decode("utf-8", errors="replace").splitlines()
    except (FolderMissingError, NotRegularError):
        return []
    except OSError as error:
        raise PublishError(file_error(error)) from error


def _ignored(name: str) -> bool:
    """Whether dnsmasq ignores a file in the directory: hidden files and backup files of editors."""
    return name.startswith(".") or name.endswith("~") or (name.startswith("#") and name.endswith("#"))


def _address(word: str) -> object:
    try:
        return ipaddress.ip_address(word)
    except ValueError:
        return None

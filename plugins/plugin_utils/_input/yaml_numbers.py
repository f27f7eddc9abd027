# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds ports that YAML 1.1 misreads: 05435 is octal and becomes 2845, 90:55 is base 60 and becomes 5455."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.pgsvc.access.plugins.plugin_utils._input.inventory import Inventory
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import Report

_KEYS = ("port", "dest", "pg_port", "pgbouncer_port", "patroni_port", "haproxy_exporter_port")
_NUMBER = re.compile(
    rf"(?:^|[\s{{,\"'])(?P<key>{'|'.join(_KEYS)})[\"']?\s*:\s+(?P<number>0[0-7]+|[1-9]\d*(?::[0-5]?\d)+)(?=[\s,}}]|$)"
)
_LISTS = ("pg_default_services", "pg_services", "haproxy_services")
_SUFFIXES = frozenset({"", ".yml", ".yaml"})
_LARGEST = 16 * 2**20  # bytes
_BESIDE = ("group_vars", "host_vars")


@dataclass(frozen=True)
class Misread:
    """A number that is written as ``written`` in a file and that YAML reads as ``value``."""

    path: str
    line: int
    key: str
    written: str
    value: int

    def __str__(self) -> str:
        how = "in base 60" if ":" in self.written else "as octal"
        right = "a port without a colon" if ":" in self.written else self.written.lstrip("0")
        return f"YAML reads {self.written} {how}, which is {self.value}; allowed: {right}"


def check_numbers(inventory: Inventory, sources: Iterable[str], report: Report) -> None:
    """Report misread numbers that are used as a port. Others in the files are ignored."""
    found = list(misread(sources))
    used = _ports(inventory) if found else set()
    for each in found:
        if each.value in used:
            where = f"{each.path} line {each.line}"
            report.problem(where, str(each), field=each.key, code="misread", value=each.written)


def _ports(inventory: Inventory) -> set[Any]:
    found: set[Any] = set()
    for host in inventory.hosts:
        values = inventory.values(host, (*_LISTS, *_KEYS))
        for name in _LISTS:
            declared = values.pop(name, [])
            for each in declared if isinstance(declared, list) else []:
                found.update(each[key] for key in ("port", "dest") if isinstance(each, dict) and _is_number(each, key))
        found.update(value for value in values.values() if isinstance(value, int))
    return found


def _is_number(definition: Mapping[str, Any], key: str) -> bool:
    return isinstance(definition.get(key), int)


def misread(sources: Iterable[str]) -> Iterator[Misread]:
    """The misread ports in the sources of an inventory and in their ``group_vars`` and ``host_vars``."""
    for path in dict.fromkeys(_files(sources)):
        try:
            if path.stat().st_size > _LARGEST:
                continue
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            continue  # not a file, for example a list of hosts
        for number, line in enumerate(lines, 1):
            if ":" not in line or line.lstrip().startswith("#"):
                continue
            for match in _NUMBER.finditer(line.partition(" #")[0]):
                yield Misread(str(path), number, match["key"], match["number"], _value(match["number"]))


def _files(sources: Iterable[str]) -> Iterator[Path]:
    for source in map(Path, sources):
        folder = source if source.is_dir() else source.parent
        yield from [source] if _is_yaml(source) else []
        places = [folder, *(folder / name for name in _BESIDE)] if source.is_dir() else []
        places += [] if source.is_dir() else [folder / name for name in _BESIDE]
        for place in places:
            found = place.rglob("*") if place.is_dir() else []
            yield from filter(_is_yaml, sorted(found))


def _is_yaml(path: Path) -> bool:
    """Whether Ansible reads the file as YAML. The name of host_vars/10.10.10.11 seems to have a suffix."""
    return (path.suffix in _SUFFIXES or path.suffix[1:].isdigit()) and path.is_file()


def _value(written: str) -> int:
    if ":" not in written:
        return int(written, 8)
    value = 0
    for digits in written.split(":"):
        value = value * 60 + int(digits)
    return value

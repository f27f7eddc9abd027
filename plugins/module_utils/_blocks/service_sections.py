# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sections of libpq's connection service file (libpq manual 34.17)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.pgsvc.access.plugins.module_utils._blocks.blocks import Line
from ansible_collections.pgsvc.access.plugins.module_utils._blocks.service_secrets import is_hidden
from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import PublishError

_NAME = re.compile(r"[^\]\s#][^\]\n\r]*")
_KEYWORD = re.compile(r"[a-z][a-z_]*")


def section_lines(sections: Sequence[Mapping[str, Any]]) -> list[str]:
    """The lines of the sections, separated by blank lines."""
    lines: list[str] = []
    for section in sections:
        lines += [""] if lines else []
        lines += [f"# {_plain(section['comment'], 'a comment')}"] if section.get("comment") else []
        if not _NAME.fullmatch(section["name"]):
            raise PublishError(f"{section['name']!r} is not a name of a section; allowed: one line of text without ']'")
        lines.append(f"[{section['name']}]")
        for keyword, value in section["parameters"].items():
            if not _KEYWORD.fullmatch(keyword):
                raise PublishError(f"{keyword!r} is not a parameter of libpq; allowed: words such as host and port")
            lines.append(f"{keyword}={_plain(str(value), keyword, is_hidden(keyword))}")
    return lines


def check_sections(names: Sequence[str]) -> Callable[[Path, Sequence[Line]], None]:
    """A check that no other section has one of these names: libpq uses the first section of a name."""
    for name in names:
        if names.count(name) > 1:
            raise PublishError(f"section [{name}] is given twice; allowed: each name once")

    def check(path: Path, others: Sequence[Line]) -> None:
        for line in others:
            name = line.text.strip()[1:-1] if re.fullmatch(r"\s*\[.*\]\s*", line.text) else None
            if name in names:
                owner = f"belongs to cluster {line.owner}" if line.owner else "is not from this collection"
                raise PublishError(
                    f"{path}: section [{name}] in line {line.number} {owner}, and libpq uses the first one of a name: "
                    "remove it or rename it"
                )

    return check


def _plain(value: str, what: str, hidden: bool = False) -> str:
    if not value.isprintable() or value != value.strip():
        raise PublishError(
            f"{'the value' if hidden else repr(value)} cannot be used in a service file as {what}; allowed: one line"
            " without blanks around it"
        )
    return value

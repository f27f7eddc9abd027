# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parses a service file: a section of HAProxy with a comment that names the owner."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import Optional

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.config import Section, split
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.grammar import SECTIONS, directives
from ansible_collections.pgsvc.access.plugins.module_utils._host.light_dataclass import dataclass

_NAME = re.compile(r"(?!\.)[A-Za-z0-9_.-]+")
_OWNER_LINE = "# managed by pgsvc.access, owner {}: changes made here are overwritten"
_OWNER = re.compile("^" + re.escape(_OWNER_LINE.partition("{}")[0]) + r"(\S+):", re.MULTILINE)
_OWNER_ARGUMENT = re.compile(r"[^\s:*]+")


@dataclass(frozen=True)
class ServiceFile(Section):
    """One `<name>.cfg`, parsed. `owner` is None for a file that this collection did not write."""

    owner: Optional[str]


def valid_name(name: str) -> bool:
    """Whether a service can have this name. It is also a file name, and `haproxy.cfg` is the base configuration."""
    return _NAME.fullmatch(name) is not None and name != "haproxy"


def valid_owner(owner: str) -> bool:
    """Whether an owner can be written to, and read from, the owner line of a file."""
    return _OWNER_ARGUMENT.fullmatch(owner) is not None


def parse(name: str, text: str) -> ServiceFile:
    """Parse the text of `<name>.cfg`. Never fails, as HAProxy validates the text."""
    return ServiceFile(name, *split(text), owner_of(text))


# What compares, orders and applies the files of a run asks for the same ones: each is parsed once.
@functools.cache
def parse_content(name: str, content: bytes) -> ServiceFile:
    """The same for the content of a file, in whatever encoding."""
    return parse(name, content.decode(errors="surrogateescape"))


LEADING, LAGGING = "-leading", "-lagging"
"""What the name of a server ends with that is a member's second one in a service, see `live_roles` of the planner."""


def member_name(server: str) -> str:
    """The member that a server of a service stands for.

    >>> member_name("pg-test-1-leading"), member_name("pg-test-1")
    ('pg-test-1', 'pg-test-1')
    """
    for suffix in (LEADING, LAGGING):
        if server.endswith(suffix):
            return server[: -len(suffix)]
    return server


def owner_line(owner: str) -> str:
    """The comment line from which `owner_of` reads the owner of a file."""
    return _OWNER_LINE.format(owner)


def owner_of(text: str) -> Optional[str]:
    """The owner in the line `# managed by pgsvc.access, owner X: …` of a file; None if there is no such line."""
    match = _OWNER.search(text)
    return match.group(1) if match else None


class Owners:
    """The owners of a call: exact names, or `prefix/*` for all owners with the prefix.

    >>> "member/pg-test" in Owners(["member/*"]), "member/pg-test-dr" in Owners(["member/pg-test"])
    (True, False)
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        self._exact = frozenset(patterns)
        self._prefixes = tuple(pattern[:-1] for pattern in self._exact if pattern.endswith("/*"))

    def __contains__(self, owner: Optional[str]) -> bool:
        return owner is not None and (owner in self._exact or owner.startswith(self._prefixes))


def adoptable(name: str, text: str) -> bool:
    """Whether a file without an owner may be replaced by the service of the same name.

    It may if its only section is `listen <name>`: then it is the same service, written by Pigsty, and nothing else is
    lost.
    """
    lines = list(directives(text))
    if not lines or lines[0][:2] != ("listen", name):
        return False
    return not any(line[0] in SECTIONS for line in lines[1:])

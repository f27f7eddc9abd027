# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a service makes of a member while it leads, and while it follows.

With ``pg_service_roles: live`` selectors see the role that Patroni has given to a member at this moment: ``primary``
for the one that leads, and for all others the declared role, or ``replica`` where that is ``primary``. A plan cannot
know who leads, so it evaluates the selectors for every member that could.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

ACTIVE, BACKUP, NOTHING = "active", "backup", "nothing"

Choose = Callable[[Sequence[str]], tuple[Sequence[int], Sequence[int]]]
"""Given a role for each member, the positions of the members that the selector, and the backup selector, yield."""


@dataclass(frozen=True)
class Standing:
    """What a service makes of one member: ACTIVE, BACKUP or NOTHING, while it leads and while it follows."""

    leading: str
    following: str


class UndecidedError(ValueError):
    """What a service makes of member number ``index`` while it follows depends on which other member leads."""

    def __init__(self, index: int) -> None:
        super().__init__(index)
        self.index = index


def standings(declared: Sequence[str], choose: Choose) -> tuple[Standing, ...]:
    """The standing of each member, given the declared roles of all of them. Raises `UndecidedError`."""
    leading: list[str] = [NOTHING] * len(declared)
    following: list[set[str]] = [set() for _role in declared]
    for leader in _leaders(declared):
        selected, backups = map(frozenset, choose(_roles(declared, leader)))
        for index in range(len(declared)):
            standing = BACKUP if index in backups else ACTIVE if index in selected else NOTHING
            if index == leader:
                leading[index] = standing
            else:
                following[index].add(standing)
    undecided = next((index for index, found in enumerate(following) if len(found) > 1), None)
    if undecided is not None:
        raise UndecidedError(undecided)
    return tuple(Standing(one, next(iter(other))) for one, other in zip(leading, following, strict=True))


def _leaders(declared: Sequence[str]) -> Iterator[int | None]:
    """Each member in turn; for a cluster of one also the time in which it does not lead."""
    yield from range(len(declared))
    if len(declared) == 1:
        yield None


def _roles(declared: Sequence[str], leader: int | None) -> list[str]:
    following = ("replica" if role == "primary" else role for role in declared)
    return ["primary" if index == leader else role for index, role in enumerate(following)]

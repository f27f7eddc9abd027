# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which members the selectors of a service choose, given the role of each member."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.pgsvc.access.plugins.plugin_utils._input import defaults
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.inventory import Inventory
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import Report, ValueProblem, nearest, shown
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.cluster import Cluster
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.definition import Definition
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.member import Member
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.selector import Selector


@dataclass(frozen=True)
class _Field:
    """One selector of a service, with the variables of the members that it reads."""

    name: str
    selector: Selector
    variables: Sequence[dict[str, Any]]


@dataclass(frozen=True)
class Selection:
    """The selectors of one service of one cluster, ready to be evaluated."""

    cluster: str
    service: str
    fields: tuple[_Field, ...]
    report: Report

    def choose(self, roles: Sequence[str]) -> tuple[list[int], list[int]]:
        """The positions of the members that ``selector`` and ``backup`` yield, where each has the role given.

        Mistakes go to the report.
        """
        found = {field.name: self._evaluate(field, roles) for field in self.fields}
        return found["selector"], found.get("backup", [])

    def _evaluate(self, field: _Field, roles: Sequence[str]) -> list[int]:
        members = [{**known, "pg_role": role} for known, role in zip(field.variables, roles, strict=True)]
        try:
            return field.selector.select(members)
        except ValueProblem as problem:
            self.report.value_problem(self.cluster, problem, self.service, field.name)
            return []


class SelectionReader:
    """Reads the variables that selectors name, and checks that there are such."""

    def __init__(self, inventory: Inventory, report: Report) -> None:
        self._inventory = inventory
        self._report = report

    def read(self, cluster: Cluster, definition: Definition) -> Selection | None:
        """The selectors of a service; None when one of their variables is a mistake, which goes to the report."""
        before = len(self._report.problems)
        fields = [self._field(cluster, definition, "selector", definition.selector)]
        if definition.backup is not None:
            fields.append(self._field(cluster, definition, "backup", definition.backup))
        if len(self._report.problems) > before:
            return None
        return Selection(cluster.name, definition.name, tuple(fields), self._report)

    def _field(self, cluster: Cluster, definition: Definition, field: str, selector: Selector) -> _Field:
        before = len(self._report.problems)
        variables = [self._member_variables(member, selector) for member in cluster.members]
        if len(self._report.problems) == before:
            self._check_names(cluster, definition, field, selector, variables)
        return _Field(field, selector, variables)

    def _check_names(
        self,
        cluster: Cluster,
        definition: Definition,
        field: str,
        selector: Selector,
        variables: Sequence[dict[str, Any]],
    ) -> None:
        for name in sorted(name for name in selector.names if not any(name in known for known in variables)):
            self._report.problem(
                cluster.name,
                f"{shown(selector.expression)} names {name!r}, which is a variable of no member"
                f"{self._meant(name, cluster)}",
                definition.name,
                field,
                code="unknown-name",
                value=name,
            )

    def _meant(self, name: str, cluster: Cluster) -> str:
        """What to write in the place of a name that no member has."""
        if name in defaults.ROLES:
            return f"; allowed: a role in quotes, '{name}' or `{name}`"
        known = {known for member in cluster.members for known in self._inventory.names(member.host)}
        known |= cluster.members[0].variables().keys() if cluster.members else set()
        return f"{nearest(name, sorted(known))}; allowed: variables of the members, and values in quotes"

    def _member_variables(self, member: Member, selector: Selector) -> dict[str, Any]:
        """The variables of a member that a selector reads; typed ones win over what the inventory has for them."""
        known = member.variables()
        named = self._inventory.values(member.host, sorted(selector.names - known.keys()))
        return {**(self._inventory.everything(member.host) if selector.reads_all else {}), **named, **known}

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access to the inventory for planning: only the variables that are needed are read.

``hostvars`` is slow because of templating. A value without a template is used as it is. Ansible shares one object
between all hosts of a group, so the service definitions of a group are processed once, not once per host.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible import template
from ansible.errors import AnsibleError
from jinja2.exceptions import TemplateError

from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import Report, ValueProblem, printable, shown
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.values import native

# In a filter, ansible-core 2.19 raises Jinja's error directly, or passes a marker that raises it when it is used.
_ERRORS = (AnsibleError, TemplateError)
_MARKS = ("{{", "{%", "{#")


class Inventory:
    """Hosts, their groups and their variables.

    ``hostvars`` is Ansible's own (or any mapping of host to variables), ``groups`` a mapping of group to host names.
    """

    def __init__(self, hostvars: Mapping[str, Any], groups: Mapping[str, Iterable[str]], report: Report) -> None:
        self._hostvars = hostvars
        self._raw: dict[str, Mapping[str, Any]] = {}
        self._plain: dict[int, tuple[Any, Any]] = {}
        self._templated: dict[str, Mapping[str, Any]] = {}
        self._report = report
        self.groups = {str(group): [str(host) for host in hosts] for group, hosts in groups.items()}

    @property
    def hosts(self) -> list[str]:
        """All hosts in the order of the inventory."""
        return self.groups["all"] if "all" in self.groups else [str(host) for host in self._hostvars]

    def value(self, host: str, name: str) -> Any:
        """A variable in native types; None if it is not set or cannot be templated, which is reported."""
        try:
            return self._read(host, name)
        except ValueProblem as problem:
            self._report.value_problem(host, problem, field=name)
            return None

    def everything(self, host: str) -> dict[str, Any]:
        """All variables of a host. One that cannot be templated is None and not reported, as it may be unused."""
        found: dict[str, Any] = {}
        for name in self._raw_variables(host):
            try:
                found[str(name)] = self._read(host, name)
            except ValueProblem:
                found[str(name)] = None
        return found

    def _read(self, host: str, name: str) -> Any:
        raw = self._raw_variables(host).get(name)
        if raw is None:
            return None
        known = self._plain.get(id(raw))
        if known is not None and known[0] is raw:
            return known[1]
        if _is_templated(raw):
            return self._template(host, name)
        plain = self._native(raw)
        if isinstance(raw, (Mapping, list)):
            self._plain[id(raw)] = (raw, plain)
        return plain

    def values(self, host: str, names: Iterable[str]) -> dict[str, Any]:
        """Several variables of a host; those not set are absent."""
        found = ((name, self.value(host, name)) for name in names)
        return {name: value for name, value in found if value is not None}

    def names(self, host: str) -> list[str]:
        """The names of all variables of a host."""
        return [str(name) for name in self._raw_variables(host)]

    def has(self, host: str, name: str) -> bool:
        """Whether a variable of a host is set to any value."""
        return self._raw_variables(host).get(name) is not None

    def is_empty(self, host: str, name: str) -> bool:
        """Whether a variable of a host is set without a value, such as ``pg_cluster:`` in YAML."""
        return self._raw_variables(host).get(name, False) in (None, "")

    def _raw_variables(self, host: str) -> Mapping[str, Any]:
        if host not in self._raw:
            raw_get = getattr(self._hostvars, "raw_get", self._hostvars.__getitem__)
            self._raw[host] = raw_get(host)
        return self._raw[host]

    def _template(self, host: str, name: str) -> Any:
        if host not in self._templated:
            self._templated[host] = self._hostvars[host]
        try:
            templated = self._templated[host][name]
        except _ERRORS as error:
            raise _untemplatable(error) from None
        plain = self._native(templated)
        if _is_templated(templated):
            # Up to ansible-core 2.18, a template with an undefined variable is returned unchanged.
            said = f"{shown(_first_template(plain))} names a variable that is not defined for this host"
            raise ValueProblem(said, "untemplatable")
        return plain

    def _native(self, value: Any) -> Any:
        try:
            return native(value)
        except _ERRORS as error:  # for example, a vault without its password, or a template in a list
            raise _untemplatable(error) from None


def _untemplatable(error: Exception) -> ValueProblem:
    return ValueProblem(f"cannot be templated: {printable(error)}", "untemplatable")


def _is_trusted(text: str) -> bool:
    """Whether Ansible would evaluate a template in this text; it does not in ``!unsafe`` or untrusted text."""
    trusted = getattr(template, "is_trusted_as_template", None)  # since ansible-core 2.19
    return not hasattr(text, "__UNSAFE__") if trusted is None else bool(trusted(text))


def _is_templated(value: Any) -> bool:
    return _first_template(value) is not None


def _first_template(value: Any) -> str | None:
    if isinstance(value, str):
        return value if any(mark in value for mark in _MARKS) and _is_trusted(value) else None
    if isinstance(value, Mapping):
        items: Iterable[Any] = [*value.keys(), *value.values()]
    elif isinstance(value, (list, tuple)):
        items = value
    else:
        return None
    return next((found for found in map(_first_template, items) if found is not None), None)

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible.release import __version__
from jinja2.exceptions import TemplateError

from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import ValueProblem, printable
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.values import native
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.role_settings import (
    ROLES,
    UNTEMPLATED,
    SettingsError,
    read_settings,
)


class ActionModule(ActionBase):
    """Checks the variables of a role on the controller. The module of the same name has the documentation."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _VALID_ARGS = frozenset({"role"})

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables: Mapping[str, Any] = task_vars or {}
        role = str(self._task.args.get("role"))
        if role not in ROLES:
            return {**result, "failed": True, "msg": f"{role!r} is not a role; allowed: {', '.join(ROLES)}"}

        def value_of(name: str) -> Any:
            try:
                return native(self._templar.template(variables[name])) if name in variables else None
            except (AnsibleError, TemplateError) as error:
                raise ValueProblem(f"{UNTEMPLATED}: {printable(error)}", "untemplatable") from None

        try:
            settings = read_settings(role, str(variables["inventory_hostname"]), value_of)
        except SettingsError as error:
            self._display_problems(str(error))
            return {**result, "failed": True, "msg": str(error)}
        return {**result, "changed": False, "_ansible_verbose_override": True, "settings": settings}

    def _display_problems(self, message: str) -> None:
        """Print one problem per line. ansible-core 2.19 and later do that themselves."""
        if tuple(map(int, __version__.split(".")[:2])) < (2, 19):
            self._display.error(message, wrap_text=False)

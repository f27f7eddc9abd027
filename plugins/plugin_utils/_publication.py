# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A planned publication as the arguments of the publish module."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.pgsvc.access.plugins.plugin_utils._render import render_service
from ansible_collections.pgsvc.access.plugins.plugin_utils._service import Service


def module_arguments(publication: Mapping[str, Any]) -> dict[str, Any]:
    """Render the services of what `Publication.to_dict` gave."""
    settings = {field: value for field, value in publication.items() if field not in ("services", "reload")}
    services = [Service.from_dict(service) for service in publication["services"]]
    files = [
        {
            "name": service.name,
            "owner": service.owner,
            "content": render_service(service, publication["state_dir"]),
            "cut_removed": service.on_member_removed == "shutdown-sessions",
        }
        for service in services
    ]
    return {**settings, "apply": publication["reload"], "files": files}

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks whether a host has a file of the owners of a call, or a service of theirs that HAProxy still runs."""

from __future__ import annotations

from ansible_collections.pgsvc.access.plugins.module_utils._host.files import leftovers
from ansible_collections.pgsvc.access.plugins.module_utils._publish import directory, record
from ansible_collections.pgsvc.access.plugins.module_utils._publish.request import Request
from ansible_collections.pgsvc.access.plugins.module_utils._publish.service_file import Owners, owner_of


def is_present(request: Request) -> bool:
    """Check the folders only, without contacting HAProxy. Raises `OSError`.

    A run that was killed may have left files that have to be restored or removed. A removal that was written and not
    applied is visible in the record of what HAProxy has loaded.
    """
    if not request.conf_dir.is_dir():
        return False
    if leftovers(request.conf_dir):
        return True
    known = record.read_record(record.record_path(request.state_dir))
    owners = [owner_of(entry.text) for entry in directory.read(request.conf_dir).values()]
    own = Owners(request.owners)
    return any(owner in own for owner in [*owners, *(head.owner for head in known.heads.values())])

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the running worker has loaded, by the record of earlier calls and by the times of the files."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping, Sequence

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.worker import Worker
from ansible_collections.pgsvc.access.plugins.module_utils._publish import record
from ansible_collections.pgsvc.access.plugins.module_utils._publish.directory import Entry
from ansible_collections.pgsvc.access.plugins.module_utils._publish.record import Head, Record
from ansible_collections.pgsvc.access.plugins.module_utils._publish.service_file import (
    Owners,
    ServiceFile,
    parse_content,
)


def loaded_heads(
    known: Record,
    worker: Worker,
    disk: Mapping[str, Entry],
    view: Mapping[str, ServiceFile],
    rewritten: Collection[str] = (),
) -> Mapping[str, Head]:
    """The heads that the worker has loaded; the files in `rewritten` differ in `view` from those on `disk`."""
    if known.worker == worker:
        return known.heads
    found: dict[str, Head] = {}
    for name in record.loaded_names(known, worker, disk):
        service = view[name] if name not in rewritten else parse_content(name, disk[name].content)
        if service.owner is not None:
            with contextlib.suppress(ValueError):  # broken by hand since: no process can have loaded it
                found[name] = record.head(service)
    return found


def without_file(known: Record, owners: Sequence[str], view: Mapping[str, ServiceFile]) -> set[str]:
    """The recorded services of `owners` that have no file any more: their removal was never applied."""
    own = Owners(owners)
    return {name for name, head in known.heads.items() if name not in view and head.owner in own}

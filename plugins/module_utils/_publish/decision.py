# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decides how to apply the files to the running HAProxy: no change, the Runtime API, or a reload."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ansible_collections.pgsvc.access.plugins.module_utils._host.light_dataclass import dataclass

if TYPE_CHECKING:
    from ansible_collections.pgsvc.access.plugins.module_utils._publish.record import Head
    from ansible_collections.pgsvc.access.plugins.module_utils._publish.rehearsal import Asked
    from ansible_collections.pgsvc.access.plugins.module_utils._publish.runtime_plan import ServerChanges

NONE = "none"
RUNTIME = "runtime"
RELOAD = "reload"
SYSTEMD = "systemd"


@dataclass(frozen=True)
class Decision:
    """`method` is NONE, RUNTIME or RELOAD; `reason` is one sentence for the user."""

    method: str
    reason: str


@dataclass(frozen=True)
class Plan:
    """How to apply the files to the running process.

    `changes` are for the Runtime API, `draining` are servers that have waited for the end of their sessions since an
    earlier run, `asked` are servers with a check whose result decides whether `changes` are exact, `accepted` are
    differences that a reload does not remove.
    """

    decision: Decision
    changes: Sequence[ServerChanges] = ()
    draining: Sequence[str] = ()
    asked: Sequence[Asked] = ()
    accepted: Sequence[str] = ()

    def reloading(self, why: str) -> Plan:
        """The same plan with a reload, because the Runtime API cannot make the change."""
        reason = f"only a reload can apply this ({why})"
        return replace(self, decision=Decision(RELOAD, reason), changes=(), asked=())


def decide(
    target: Mapping[str, str],
    gone: Collection[str],
    loaded: Mapping[str, Head],
    proxies: Collection[str],
    servers: Mapping[str, str],
) -> Decision:
    """Choose the method.

    `target`: the digests of the heads of this call's services, as their files will be. `gone`: services of its owners
    that no longer have a file. `loaded`: what the worker has loaded. `proxies`: what it runs. `servers`: the services
    with servers that differ from the files, each with the reason why only a reload can change them, or "".
    """
    reasons = {
        "new": [name for name in target if name not in proxies],
        "removed": [name for name in gone if name in proxies],
        "changed beyond its servers": [
            n for n in target if n in proxies and n in loaded and loaded[n].digest != target[n]
        ],
        "on disk but perhaps not loaded yet": [n for n in target if n in proxies and n not in loaded],
    }
    found = [f"{', '.join(sorted(names))}: {why}" for why, names in reasons.items() if names]
    found += sorted({why for why in servers.values() if why})
    if found:
        return Decision(RELOAD, f"only a reload can apply this ({'; '.join(found)})")
    if servers:
        return Decision(RUNTIME, f"only servers changed ({', '.join(sorted(servers))})")
    return Decision(NONE, "HAProxy already runs the configuration of the files")

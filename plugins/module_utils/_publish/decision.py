# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which way leads from what HAProxy runs to what the files say: none, the Runtime API, or a reload."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

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
    """`method` is NONE, RUNTIME or RELOAD; `reason` one sentence for people."""

    method: str
    reason: str


@dataclass(frozen=True)
class Plan:
    """What is to be done with the running process.

    `changes` are those for the Runtime API, `draining` the servers that wait for their last sessions since an earlier
    run, `asked` the servers whose verdict decides whether `changes` are exact, `accepted` differences that no reload
    removes.
    """

    decision: Decision
    changes: Sequence[ServerChanges] = ()
    draining: Sequence[str] = ()
    asked: Sequence[Asked] = ()
    accepted: Sequence[str] = ()

    def reloading(self, why: str) -> Plan:
        """The same by a reload, as the Runtime API will not do."""
        reason = f"only a reload can apply this ({why})"
        return replace(self, decision=Decision(RELOAD, reason), changes=(), asked=())


def decide(
    target: Mapping[str, str],
    gone: Collection[str],
    loaded: Mapping[str, Head],
    proxies: Collection[str],
    servers: Mapping[str, str],
) -> Decision:
    """Choose the way.

    `target`: the digests of the heads of the services that this call is about, as their files will be. `gone`:
    services of its owners that have no file any more. `loaded`: what the worker has loaded. `proxies`: what it runs.
    `servers`: the services whose servers are not the files' ones, each with why only a reload can change them, or
    nothing.
    """
    reasons = {
        "new": [name for name in target if name not in proxies],
        "removed": [name for name in gone if name in proxies],
        "changed beyond its servers": [
            n for n in target if n in proxies and n in loaded and loaded[n].digest != target[n]
        ],
        "on disk but perhaps not loaded yet": [n for n in target if n in proxies and n not in loaded],
    }
    said = [f"{', '.join(sorted(names))}: {why}" for why, names in reasons.items() if names]
    said += sorted({why for why in servers.values() if why})
    if said:
        return Decision(RELOAD, f"only a reload can apply this ({'; '.join(said)})")
    if servers:
        return Decision(RUNTIME, f"only servers changed ({', '.join(sorted(servers))})")
    return Decision(NONE, "HAProxy runs what the files say")

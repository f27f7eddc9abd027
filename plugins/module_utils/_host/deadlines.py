# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The limits of all waits in a run, in seconds. A run waits for the lock as long as another run may take in total."""

from __future__ import annotations

VALIDATION = 60.0  # `haproxy -c`, which resolves the names of servers
REHEARSAL_START = 10.0  # the second HAProxy, until it answers
VERDICTS = 60.0  # first checks: of new servers, and those of the second HAProxy
ADDRESSES = 2.0  # new addresses of servers, after HAProxy has accepted the command
UNDER_WAY = 0.3  # new connections to servers that leave, before their sessions are cut
CUT = 10.0  # the end of the sessions of a removed server, after they are shut down
MASTER_BACK = 15.0  # a master that re-executes itself, until it answers again
RESTARTED = 5.0  # a master that has ended, until another one answers in its place
RELOAD = 60.0  # the master's result of a reload
HELD = 60.0  # new connections that wait for a server, before a reload
GATES = 60.0  # closed gates of services, before a reload
GATE_LOCK = 20.0  # the lock, for closing a gate: a switchover does not wait for a long run
FORWARDED = 1.0  # the same connections, after a server has come up
SUCCESSOR = 60.0  # the new worker, after the reload
TAKEN_OVER = 3.0  # the listeners, by the worker of somebody else's reload
SYSTEMD = 90.0  # `systemctl reload`, the default of systemd

_AT_RUN_TIME = REHEARSAL_START + 2 * VERDICTS + ADDRESSES + UNDER_WAY + CUT
_APPLY = _AT_RUN_TIME + MASTER_BACK + max(RELOAD, SYSTEMD) + SUCCESSOR + TAKEN_OVER
LOCK = VALIDATION + MASTER_BACK + GATES + HELD + FORWARDED + 2 * _APPLY  # a change and its rollback

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long each wait of a run may take, in seconds. Each has its own deadline, and the lock covers their sum."""

from __future__ import annotations

VALIDATION = 60.0  # `haproxy -c`, which resolves the names of servers
REHEARSAL_START = 10.0  # the second HAProxy, until it answers
VERDICTS = 60.0  # first checks: of new servers, and those of the second HAProxy
ADDRESSES = 2.0  # new addresses of servers, from when HAProxy has said yes
CUT = 10.0  # the sessions of a removed server, from when they are cut
MASTER_BACK = 15.0  # a master that re-executes itself, until it answers again
RELOAD = 60.0  # the master's verdict on a reload
SUCCESSOR = 60.0  # the new worker, from when the reload is done
SYSTEMD = 90.0  # `systemctl reload`, whose own default this is

_APPLY = REHEARSAL_START + 2 * VERDICTS + ADDRESSES + CUT + MASTER_BACK + max(RELOAD, SYSTEMD) + SUCCESSOR
LOCK = VALIDATION + MASTER_BACK + 2 * _APPLY  # a change, and its undoing

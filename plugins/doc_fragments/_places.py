# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a module finds HAProxy and its files on a host. Private to this collection."""

from __future__ import annotations


class ModuleDocFragment:
    """The unit of HAProxy is C(haproxy). A module with an option for its name describes the options that use it."""

    DOCUMENTATION = r"""
options:
  conf_dir:
    description:
      - Directory of the service files.
      - By default the directory that HAProxy loads, according to the running master, else to the unit C(haproxy). This
        is C(/etc/haproxy) if HAProxy loads it as a whole, otherwise the last one that it loads.
    type: path
  master_socket:
    description:
      - The socket of HAProxy's master CLI (its option C(-S)).
      - By default that of the running master or of the unit C(haproxy), else C(/run/haproxy-master.sock).
    type: path
  stats_socket:
    description:
      - The socket of HAProxy's Runtime API (C(stats socket)), with level admin.
      - By default C(/run/haproxy/admin.sock) if it exists, else the first one in the files that HAProxy loads by name.
    type: path
"""

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
#
# Whether this host has an address: exit code 0 if it has. Another way, such as binding a socket to the address, would be
# wrong where net.ipv4.ip_nonlocal_bind is set.
[ -n "$(ip -oneline address show to "$1")" ]

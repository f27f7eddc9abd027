# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: vip_interface
short_description: The interface for a virtual address
version_added: 1.0.0
author: pgsvc.access contributors (@pgsvc)
description:
  - Finds the interface with the subnet of a virtual address in the output of C(ip -json address show).
  - It is an error if there is none, or more than one, or if the host has no interface with the given name.
positional: _input
options:
  _input:
    description: The interfaces, in the format of C(ip -json address show).
    type: list
    elements: dict
    required: true
  address:
    description: The virtual address, without its mask.
    type: str
    required: true
  prefix:
    description: The length of the prefix of its subnet.
    type: int
    required: true
  interface:
    description: The name of the interface, which must exist. V(auto) finds the one with the subnet.
    type: str
    default: auto
  variable:
    description: The variable that the error message names.
    type: str
    default: pg_vip_interface
"""

EXAMPLES = r"""
- name: Read the addresses of this host
  ansible.builtin.command:
    argv: [ip, -json, address, show]
  register: addresses
  changed_when: false

- name: Show the interface for a virtual address
  ansible.builtin.debug:
    msg: "{{ addresses.stdout | from_json | pgsvc.access.vip_interface(address='10.10.10.3', prefix=24) }}"
"""

RETURN = r"""
_value:
  description: The name of the interface.
  type: str
"""

from collections.abc import Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.pgsvc.access.plugins.plugin_utils._access.virtual_addresses import AUTO, interface_of
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import ValueProblem
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.values import native


def vip_interface(
    addresses: Iterable[Mapping[str, Any]],
    address: str,
    prefix: int,
    interface: str = AUTO,
    variable: str = "pg_vip_interface",
) -> str:
    """See DOCUMENTATION."""
    try:
        return interface_of(native(addresses), str(address), int(prefix), str(interface), str(variable))
    except ValueProblem as problem:
        raise AnsibleFilterError(str(problem)) from problem


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Any]:
        return {"vip_interface": vip_interface}

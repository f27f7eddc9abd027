#!/usr/bin/python
# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_dns_records
short_description: Keep the names of PostgreSQL clusters in a hosts file
version_added: 1.0.0
author: pgsvc.access contributors (@pgsvc)
description:
  - Keeps one block of records for each cluster in a file of the format of C(/etc/hosts), which dnsmasq reads from a
    directory (C(hostsdir)) and picks up by itself when it changes.
  - Leaves everything outside of its own blocks as it is. A name that has another address there, or in another file of
    the directory, is an error, because dnsmasq would answer with both.
  - The file is replaced at once, and only when something in it changes. It keeps its owner, group, mode, access control
    list and other extended attributes, such as the label of SELinux.
  - A new file is readable by all. It belongs to root in a folder of root, and to the owner and the group of its folder
    elsewhere.
  - A symbolic link is followed only where all folders on the way belong to root and nobody else can write to them, so
    not in the home directory of a user and not in C(/tmp). Elsewhere it is an error, in place of another file of the
    directory, too. So is a file with several names (hard links), and anything that is not a regular file.
extends_documentation_fragment:
  - pgsvc.access._blocks
  - pgsvc.access._attributes
options:
  path:
    description: The file. Its directory has to be there.
    type: path
    default: /etc/hosts.d/pgsvc
  clusters:
    suboptions:
      name:
        description: The name of the cluster, which is also its block's.
        type: str
        required: true
      records:
        description: The records of the cluster, all of them. Without any the block goes.
        type: list
        elements: dict
        default: []
        suboptions:
          name:
            description: A name.
            type: str
            required: true
          address:
            description: The IPv4 or IPv6 address that it stands for.
            type: str
            required: true
attributes:
  diff_mode:
    description: Shows the file before and after.
"""

EXAMPLES = r"""
- name: Serve the names of pg-test
  pgsvc.access.pg_dns_records:
    clusters:
      - name: pg-test
        records:
          - {name: pg-test, address: 10.10.10.3}
          - {name: pg-test-1, address: 10.10.10.11}
"""

RETURN = r"""
clusters:
  description: What became of each cluster's block.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The cluster.
      type: str
    status:
      description: One of V(created), V(updated), V(removed), V(unchanged).
      type: str
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.pgsvc.access.plugins.module_utils._blocks.block_file import BlockFile, write_blocks
from ansible_collections.pgsvc.access.plugins.module_utils._blocks.hosts_records import check_records, record_lines
from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import PublishError

_RECORD = {"name": {"type": "str", "required": True}, "address": {"type": "str", "required": True}}
_CLUSTER = {
    "name": {"type": "str", "required": True},
    "records": {"type": "list", "elements": "dict", "default": [], "options": _RECORD},
}
_ARGUMENTS = {
    "path": {"type": "path", "default": "/etc/hosts.d/pgsvc"},
    "clusters": {"type": "list", "elements": "dict", "required": True, "options": _CLUSTER},
    "purge": {"type": "bool", "default": False},
}


def main() -> None:
    module = AnsibleModule(argument_spec=_ARGUMENTS, supports_check_mode=True)
    clusters = module.params["clusters"]
    try:
        blocks = {cluster["name"]: record_lines(cluster["records"]) for cluster in clusters}
        check = check_records([record for cluster in clusters for record in cluster["records"]])
        file = BlockFile(Path(module.params["path"]), blocks, module.params["purge"], check)
        result = write_blocks(file, check=module.check_mode, diff=module._diff)
    except PublishError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()

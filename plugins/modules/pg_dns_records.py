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
  - Manages one block of records for each cluster in a file in the format of C(/etc/hosts). dnsmasq reads the file from
    a directory (C(hostsdir)), and reads it again when it changes.
  - Everything outside of these blocks is kept. A name that has another address there, or in another file of the
    directory, is an error, because dnsmasq would answer with both.
  - The file is replaced atomically, and only if its content changes. It keeps its owner, group, mode, access control
    list and other extended attributes, such as an SELinux label.
  - A new file is readable by all. It belongs to root in a folder of root, and to the owner and the group of its folder
    elsewhere.
  - A symbolic link is followed only if all folders in its path belong to root and no other user can write to them, so
    not in the home directory of a user and not in C(/tmp). Elsewhere it is an error, also if another file of the
    directory is such a link. A file with several hard links, and anything that is not a regular file, is an error, too.
extends_documentation_fragment:
  - pgsvc.access._blocks
  - pgsvc.access._attributes
options:
  path:
    description: The file. Its directory must exist.
    type: path
    default: /etc/hosts.d/pgsvc
  clusters:
    suboptions:
      name:
        description: The name of the cluster and of its block.
        type: str
        required: true
      records:
        description: All records of the cluster. If the list is empty, the block is removed.
        type: list
        elements: dict
        default: []
        suboptions:
          name:
            description: The name.
            type: str
            required: true
          address:
            description: The IPv4 or IPv6 address of the name.
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
  description: The status of each cluster's block.
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

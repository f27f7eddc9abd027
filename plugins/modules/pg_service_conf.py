#!/usr/bin/python
# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_service_conf
short_description: Keep the services of PostgreSQL clusters in libpq's connection service file
version_added: 1.0.0
author: pgsvc.access contributors (@pgsvc)
description:
  - Manages one block of sections for each cluster in a C(pg_service.conf), so that C(psql service=pg-test-primary) and
    all other programs that use libpq can connect by a service name.
  - Everything outside of these blocks is kept. A section of the same name outside of them is an error, because libpq
    uses the first one.
  - The file is replaced atomically, and only if its content changes. It keeps its owner, group, mode, access control
    list and other extended attributes, such as an SELinux label.
  - A new file belongs to root in a folder of root, and to the owner and the group of its folder elsewhere. It is
    readable by all, or only by its owner if one of the sections has a password or another secret.
  - A symbolic link is followed only if all folders in its path belong to root and no other user can write to them, so
    not in the home directory of a user and not in C(/tmp). Elsewhere it is an error. A file with several hard links,
    and anything that is not a regular file, is an error, too.
extends_documentation_fragment:
  - pgsvc.access._blocks
  - pgsvc.access._attributes
options:
  path:
    description:
      - The file. Debian's libpq reads V(/etc/postgresql-common/pg_service.conf), every libpq C(~/.pg_service.conf) and
        the file that the environment variable C(PGSERVICEFILE) names.
    type: path
    default: /etc/postgresql-common/pg_service.conf
  clusters:
    suboptions:
      name:
        description: The name of the cluster and of its block.
        type: str
        required: true
      sections:
        description: All sections of the cluster. If the list is empty, the block is removed.
        type: list
        elements: dict
        default: []
        suboptions:
          name:
            description: The name of the section, to which clients refer as C(service=NAME).
            type: str
            required: true
          comment:
            description: A comment line above the section.
            type: str
          parameters:
            description:
              - The parameters of libpq, such as C(host), C(port), C(dbname).
              - Do not put a password here, as all users who can read the file can read it; use a password file
                (C(passfile)). A password that is given is neither logged nor returned by Ansible.
            type: dict
            required: true
attributes:
  diff_mode:
    description:
      - Shows the file before and after, without the values of passwords and other secrets, whoever wrote them.
seealso:
  - name: The Connection Service File
    description: The chapter of PostgreSQL's manual.
    link: https://www.postgresql.org/docs/current/libpq-pgservice.html
"""

EXAMPLES = r"""
- name: Configure a service name for the read-write service of pg-test
  pgsvc.access.pg_service_conf:
    clusters:
      - name: pg-test
        sections:
          - name: pg-test-primary
            comment: read-write on the primary, via pool
            parameters: {host: 10.10.10.3, port: 5433, dbname: shop}
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
from typing import Any, Optional

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.pgsvc.access.plugins.module_utils._blocks.block_file import BlockFile, write_blocks
from ansible_collections.pgsvc.access.plugins.module_utils._blocks.service_secrets import holds_secret, masked, shown
from ansible_collections.pgsvc.access.plugins.module_utils._blocks.service_sections import check_sections, section_lines
from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import PublishError

_SECTION = {
    "name": {"type": "str", "required": True},
    "comment": {"type": "str"},
    "parameters": {"type": "dict", "required": True},
}
_CLUSTER = {
    "name": {"type": "str", "required": True},
    "sections": {"type": "list", "elements": "dict", "default": [], "options": _SECTION},
}
_ARGUMENTS = {
    "path": {"type": "path", "default": "/etc/postgresql-common/pg_service.conf"},
    "clusters": {"type": "list", "elements": "dict", "required": True, "options": _CLUSTER},
    "purge": {"type": "bool", "default": False},
}


class _Module(AnsibleModule):
    """The module, which hides secrets in the arguments that Ansible logs and returns."""

    _clusters: Optional[list[dict[str, Any]]] = None

    def take_clusters(self) -> list[dict[str, Any]]:
        """Return the argument `clusters`, and hide the secrets in the module's arguments from here on."""
        if self._clusters is None:
            self._clusters = self.params["clusters"]
            self.params["clusters"] = masked(self._clusters)
        return self._clusters

    def _log_invocation(self) -> None:
        # The constructor of the module logs the arguments, so the secrets have to be hidden before.
        self.take_clusters()
        super()._log_invocation()  # type: ignore[no-untyped-call]


def main() -> None:
    module = _Module(argument_spec=_ARGUMENTS, supports_check_mode=True)  # type: ignore[no-untyped-call]
    clusters = module.take_clusters()
    try:
        names = [section["name"] for cluster in clusters for section in cluster["sections"]]
        file = BlockFile(
            Path(module.params["path"]),
            {cluster["name"]: section_lines(cluster["sections"]) for cluster in clusters},
            module.params["purge"],
            check_sections(names),
            shown=shown,
            mode=0o600 if holds_secret(clusters) else 0o644,
        )
        result = write_blocks(file, check=module.check_mode, diff=module._diff)
    except PublishError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()

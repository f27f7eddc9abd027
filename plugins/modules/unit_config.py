#!/usr/bin/python
# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: unit_config
short_description: Write the configuration of a systemd service and apply it, or restore the old one
version_added: 1.0.0
author: pgsvc.access contributors (@pgsvc)
description:
  - Writes the configuration files of a service, and its unit or a drop-in of it, as one change. The program that reads
    them validates them before they replace the present ones.
  - Then restarts or reloads the service. If that fails, the earlier files are restored and the service runs with them
    again; the error message has the reason.
  - Files that a run has written but not applied, because it was killed or with O(apply=false), are applied or restored
    by a later run.
  - The roles P(pgsvc.access.haproxy#role), P(pgsvc.access.lb_vip#role), P(pgsvc.access.pg_dns#role) and
    P(pgsvc.access.pg_vip#role) use it.
extends_documentation_fragment:
  - pgsvc.access._attributes.linux
  - pgsvc.access._attributes
options:
  unit:
    description: The name of the service, without C(.service).
    type: str
    required: true
  files:
    description: The configuration files of the service.
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description: The path of the file.
        type: path
        required: true
      content:
        description:
          - The text of the file. It is shown only in diff mode, and not even there if the text of the present or the
            new file may contain a secret (if it has the word password, token or the like).
        type: str
        required: true
      mode:
        description:
          - The permissions of the file, in octal. A file that may contain a secret is never readable by others.
        type: str
        default: '0644'
  validate:
    description:
      - A command that validates the new files, as a list of words. Folders of the files in the command are replaced by
        copies that have the new files.
    type: list
    elements: str
    default: []
  loaded:
    description:
      - A file that the service writes each time it has read its configuration. If it is given, changes are applied by a
        reload, and by a restart only if the process was not started with the arguments of its unit.
      - Otherwise changes are applied by a restart.
    type: path
  write:
    description: With V(false) no file is changed, and files on disk that have not been applied are applied.
    type: bool
    default: true
  apply:
    description: With V(false) the files are validated and written, and the running service is not changed.
    type: bool
    default: true
  start:
    description: Whether to start the service if it does not run.
    type: bool
    default: false
attributes:
  check_mode:
    description: Reports what would be done and validates the files; writes nothing outside the temporary folder.
    support: full
  diff_mode:
    description: Shows each file that changes, unless it may hold a secret.
    support: full
  idempotent:
    description: When the files are there and the service runs with them, nothing is done.
    support: full
  platform:
    description: Linux with systemd.
"""

EXAMPLES = r"""
- name: Configure dnsmasq
  pgsvc.access.unit_config:
    unit: dnsmasq
    files:
      - path: /etc/dnsmasq.d/local.conf
        content: |
          domain-needed
          bogus-priv
    validate: [/usr/sbin/dnsmasq, --test, "--conf-dir=/etc/dnsmasq.d"]
    start: true
"""

RETURN = r"""
applied:
  description: The action on the service, V(none), V(start), V(restart) or V(reload).
  returned: success
  type: str
  sample: reload
arguments:
  description: The arguments of the unit's program, as shown by systemd.
  returned: success
  type: str
  sample: --conf-dir=/etc/dnsmasq.d
files:
  description: The files that were changed.
  returned: success
  type: list
  elements: str
  sample: [/etc/dnsmasq.d/local.conf]
warnings:
  description: What could not be found out in check mode.
  returned: when there are any
  type: list
  elements: str
diff:
  description: All files that change, before and after.
  returned: in diff mode
  type: list
  elements: dict
rolled_back:
  description: Whether files had been changed and have been restored.
  returned: failure
  type: bool
  sample: true
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.pgsvc.access.plugins.module_utils._host import compile_once

compile_once.install()

from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import PublishError
from ansible_collections.pgsvc.access.plugins.module_utils._unit.configuration import Request, configure
from ansible_collections.pgsvc.access.plugins.module_utils._unit.files import Wanted

_FILE: dict[str, Any] = {
    "path": {"type": "path", "required": True},
    "content": {"type": "str", "required": True},
    "mode": {"type": "str", "default": "0644"},
}
_ARGUMENTS: dict[str, Any] = {
    "unit": {"type": "str", "required": True},
    "files": {"type": "list", "elements": "dict", "required": True, "options": _FILE},
    "validate": {"type": "list", "elements": "str", "default": []},
    "loaded": {"type": "path"},
    "write": {"type": "bool", "default": True},
    "apply": {"type": "bool", "default": True},
    "start": {"type": "bool", "default": False},
}


def main() -> None:
    module = AnsibleModule(argument_spec=_ARGUMENTS, supports_check_mode=True)
    arguments = dict(module.params)
    arguments["files"] = [_wanted(module, file) for file in arguments["files"]]
    if not arguments["files"]:
        module.fail_json(msg="files: the list is empty; allowed: the configuration files of the service, at least one")
    if arguments["loaded"] is not None:
        arguments["loaded"] = Path(arguments["loaded"])
    try:
        result = configure(Request(**arguments, check=module.check_mode, temporary=module.tmpdir))
    except PublishError as error:
        module.fail_json(msg=str(error), rolled_back=error.rolled_back)
    for warning in result.warnings:
        module.warn(warning)
    module.exit_json(**result.to_dict(diff=module._diff))


def _wanted(module: AnsibleModule, file: dict[str, Any]) -> Wanted:
    # Ansible returns the parameters, and shows them with -vvv. With no_log it would remove the text from the diff, too.
    content = file.pop("content")
    try:
        mode = int(file["mode"], 8)
    except ValueError:
        module.fail_json(msg=f"files: mode: {file['mode']!r} is not a mode; allowed: an octal number such as '0644'")
    return Wanted(Path(file["path"]), content, mode)


if __name__ == "__main__":
    main()

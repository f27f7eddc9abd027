# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write docs/variables.md from the argument specs of the roles: `make docs`.

A test fails while the page and the specs differ.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "variables.md"

_INTRODUCTION = """# Variables and fields

<!-- Written by docs/variables.py from the argument specs of the roles: make docs -->

This page lists all variables of the collection. Set them in the inventory, unless the table says otherwise. Variables
that Pigsty also has keep Pigsty's names and defaults. Text is converted, so values from INI inventories and extra
variables work: `"5433"` is read as a number, `"false"` as false.
"""

# Variables that only a playbook reads, so that no role specifies them.
PLAYBOOKS: dict[str, dict[str, Any]] = {
    "pg_service_conf_hosts": {
        "default": "!all",
        "description": [
            "The hosts on which the playbook C(pgsvc.access.access) writes a libpq service file, as an Ansible pattern"
            " such as V(app,pg-test). By default no host gets one. Set it as an extra variable (C(-e)).",
        ],
    },
    "pg_member_cluster": {
        "required": True,
        "description": [
            "The cluster of O(pg_member), the value of its C(pg_cluster). This variable and the following ones are"
            " those of the playbook C(pgsvc.access.member). Set them as extra variables (C(-e)).",
        ],
    },
    "pg_member": {
        "required": True,
        "description": ["The member to take out or to bring back, C(pg_cluster) and C(pg_seq) joined by C(-)."],
    },
    "pg_member_state": {
        "required": True,
        "choices": ["drain", "maint", "ready"],
        "description": [
            "V(drain) keeps new connections away from the member. V(maint) also ends its sessions. V(ready) brings it"
            " back.",
        ],
    },
    "pg_member_wait": {
        "default": 0,
        "description": [
            "How many seconds to wait for the sessions of the member to end, or with V(ready) for its health checks."
            " With V(ready) the default is 30.",
        ],
    },
    "pg_member_force": {
        "default": False,
        "description": ["Whether the member is taken out even where a service is left without a usable server."],
    },
    "pg_switchover_cluster": {
        "required": True,
        "description": [
            "The cluster whose primary moves, by its C(pg_cluster). This variable and the following ones are those"
            " of the playbook C(pgsvc.access.switchover). Set them as extra variables (C(-e)).",
        ],
    },
    "pg_switchover_member": {
        "description": [
            "The member that is to lead, C(pg_cluster) and C(pg_seq) joined by C(-). Without it, a synchronous standby,"
            " or else the member that lags least.",
        ],
    },
    "pg_switchover_yes": {
        "default": False,
        "description": ["Whether the primary moves without a question."],
    },
    "pg_switchover_force": {
        "default": False,
        "description": ["Whether the primary moves in spite of what stands in the way, where Patroni allows it."],
    },
    "pg_switchover_lag": {
        "default": "16MB",
        "description": ["The replication lag that the member may have."],
    },
    "patroni_username": {
        "description": [
            "The user of Patroni's REST API (C(restapi.authentication)), for the playbook C(pgsvc.access.switchover)."
            " Without it no credentials are sent. A variable of the members.",
        ],
    },
    "patroni_password": {"description": ["The password of O(patroni_username)."]},
    "pg_service_status_path": {
        "description": [
            "The file on the controller to which the playbook C(pgsvc.access.status) writes its report as JSON. Without"
            " it the report is printed as a table. Set it as an extra variable (C(-e)).",
        ],
    },
    "pg_catalog_path": {
        "required": True,
        "description": [
            "The file on the controller to which the playbook C(pgsvc.access.catalog) writes its page. This variable"
            " and the following ones are those of this playbook. Set them as extra variables (C(-e)).",
        ],
    },
    "pg_catalog_title": {"default": "PostgreSQL services", "description": ["The title of the page."]},
    "pg_catalog_user": {"description": ["The user of all URLs. Without one the client decides."]},
    "pg_catalog_database": {"description": ["The database of all URLs. Without one the client decides."]},
    "pg_catalog_sslmode": {"description": ["The C(sslmode) of all URLs. Without one the client decides."]},
    "pg_catalog_status": {
        "description": [
            "A file on the controller with the report of C(pgsql-svc all --status --format json). With it the page also"
            " shows which members serve, and what is wrong.",
        ],
    },
}


def page() -> str:
    """The text of docs/variables.md."""
    cluster, haproxy = _options("pg_service"), _options("haproxy")
    own = {name: option for name, option in haproxy.items() if name not in cluster}
    parts = [
        _INTRODUCTION,
        "## PostgreSQL services\n",
        *_table(cluster),
        "\n## A service definition\n",
        "An item of `pg_default_services` or `pg_services`.\n",
        *_table(cluster["pg_services"]["options"]),
        "\n## Load balancers\n",
        "Variables of role `pgsvc.access.haproxy`, in addition to those above.\n",
        *_table(own),
        "\n## An item of `haproxy_services`\n",
        *_table(haproxy["haproxy_services"]["options"]),
        "\n## A server of an item of `haproxy_services`\n",
        *_table(haproxy["haproxy_services"]["options"]["servers"]["options"]),
        "\n## Names\n",
        "Variables of role `pgsvc.access.pg_dns`.\n",
        *_table(_options("pg_dns")),
        "\n## Virtual addresses\n",
        "Variables of role `pgsvc.access.pg_vip`.\n",
        *_table(_options("pg_vip")),
        "\n## Virtual addresses of dedicated load balancers\n",
        "Variables of role `pgsvc.access.lb_vip`.\n",
        *_table(_options("lb_vip")),
        "\n## Playbooks\n",
        "Variables of the playbooks of the collection that belong to no role.\n",
        *_table(PLAYBOOKS),
    ]
    return "\n".join(parts) + "\n"


def _options(role: str) -> dict[str, Any]:
    specs = yaml.safe_load((ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    options: dict[str, Any] = specs["argument_specs"]["main"]["options"]
    return options


def _table(options: dict[str, Any]) -> Iterator[str]:
    yield "| name | default | meaning |"
    yield "|---|---|---|"
    for name, option in options.items():
        yield f"| `{name}` | {_default(name, option)} | {_meaning(option)} |"


def _default(name: str, option: dict[str, Any]) -> str:
    if option.get("required"):
        return "required"
    default = option.get("default")
    if default is None:
        return "none"
    if name == "pg_default_services":
        return ", ".join(f"`{service['name']}` {service['port']}" for service in default)
    text = {True: "true", False: "false"}.get(default, str(default)) if isinstance(default, bool) else str(default)
    return f"`{text or chr(39) * 2}`"


def _meaning(option: dict[str, Any]) -> str:
    described = option["description"]
    text = described if isinstance(described, str) else " ".join(described)
    if "choices" in option:
        text += f" One of {', '.join(f'`{choice}`' for choice in option['choices'])}."
    text = re.sub(r"O\([^()#]+#[^()]*:([^():]+)\)", r"O(\1)", text)  # an option of another role
    text = re.sub(r"[MP]\(([^)#]*)#?[^)]*\)", r"`\1`", text)
    return re.sub(r"[CVO]\(([^()]*(?:\([^()]*\))?[^()]*)\)", r"`\1`", text).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

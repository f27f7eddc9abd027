# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``bin/pgsql-svc CLUSTER --urls``: reads the inventory like ``ansible-inventory`` and connects to no host."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

from ansible import context
from ansible.cli import CLI
from ansible.cli.arguments import option_helpers
from ansible.utils.display import Display
from ansible.vars.hostvars import HostVars

from ansible_collections.pgsvc.access.plugins.plugin_utils._access.endpoint_text import FORMATS, narrowed
from ansible_collections.pgsvc.access.plugins.plugin_utils._access.endpoints import KINDS
from ansible_collections.pgsvc.access.plugins.plugin_utils._access.planner import AccessPlanner
from ansible_collections.pgsvc.access.plugins.plugin_utils._access.urls import login
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.inventory import Inventory
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import PlanError, Report, merged_lines


class EndpointsCLI(CLI):
    """A command with Ansible's own handling of inventories, vaults, extra variables and errors."""

    name = "pgsql-svc"

    def init_parser(self, *_arguments: Any, **_keywords: Any) -> None:
        super().init_parser(desc="Show every way to reach a PostgreSQL cluster.")  # type: ignore[no-untyped-call]
        option_helpers.add_inventory_options(self.parser)
        option_helpers.add_vault_options(self.parser)
        option_helpers.add_runtask_options(self.parser)
        parser: Any = self.parser
        parser.usage = "pgsql-svc CLUSTER --urls [options]"  # ansible-core 2.20 and newer take no `usage` above
        parser.add_argument("cluster", help="the value of pg_cluster of its members")
        parser.add_argument("--urls", action="store_true", help=argparse.SUPPRESS)
        parser.add_argument("--user", "-U", dest="login_user", help="the user of the URLs")
        parser.add_argument("--db", "-d", dest="database", help="the database of the URLs")
        parser.add_argument("--sslmode", help="libpq's sslmode")
        parser.add_argument(
            "--with-password",
            action="store_true",
            help="put the password of the environment variable PGPASSWORD into the URLs",
        )
        parser.add_argument("--by", action="append", default=[], help=f"only these: {', '.join(KINDS)}")
        parser.add_argument("--service", action="append", default=[], help="only these services, postgres or pgbouncer")
        parser.add_argument("--format", default="table", choices=list(FORMATS), help="how to print (default: table)")

    def post_process_args(self, options: argparse.Namespace) -> argparse.Namespace:
        options = super().post_process_args(options)  # type: ignore[no-untyped-call]
        self.validate_conflicts(options)  # type: ignore[no-untyped-call]
        return options

    def run(self) -> int:
        super().run()  # type: ignore[no-untyped-call]
        loader, hosts, variables = self._play_prereqs()  # type: ignore[no-untyped-call]
        report = Report()
        inventory = Inventory(HostVars(hosts, variables, loader), hosts.get_groups_dict(), report)
        try:
            sys.stdout.write(self._text(inventory, report))
        except (PlanError, ValueError) as error:
            Display().error(str(error), wrap_text=False)
            return 2
        for warning in merged_lines(report.warnings):
            Display().warning(warning)
        return 0

    def _text(self, inventory: Inventory, report: Report) -> str:
        options: dict[str, Any] = dict(context.CLIARGS)
        password = os.environ.get("PGPASSWORD") if options["with_password"] else None
        who = login(options["login_user"], options["database"], options["sslmode"], password, report)
        found = AccessPlanner(inventory, report).endpoints(options["cluster"])
        chosen = narrowed(found, options["by"], options["service"], report)
        report.raise_problems()
        return FORMATS[options["format"]](chosen, who)


if __name__ == "__main__":
    EndpointsCLI.cli_executor(["pgsql-svc", *sys.argv[1:]])  # type: ignore[no-untyped-call]

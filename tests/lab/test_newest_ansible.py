# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The newest ansible-core, on the Python of Debian 13, as the controller of the same run."""

from __future__ import annotations

from collections.abc import Callable

from labtest import clients, services
from labtest.cluster import Cluster
from labtest.services import wait_for_up
from pgsvc_lab import controller, settings

EXTRA = {"name": "extra", "port": 5441, "dest": "postgres", "check": "/primary", "selector": "[]"}


def test_newest_ansible(pg_test: Cluster, published: Callable[..., object]) -> None:
    """ansible-core 2.21 publishes a further service with bin/pgsql-svc, and its second run changes nothing."""
    published("pg-test")
    version = services.run(controller.in_newest_root(["ansible", "--version"])).output
    assert "core 2.21." in version
    assert "python version = 3.13." in version

    variables = f'{{"pg_services": [{services.as_json(EXTRA)}]}}'
    command = [str(settings.COLLECTION / "bin/pgsql-svc"), "pg-test", "--", "--extra-vars", variables]
    first = services.run(controller.in_newest_root(command))
    assert first.status == 0, first.output
    wait_for_up(pg_test.members, "pg-test-extra", {"pg-test-1"})
    assert clients.can_write(pg_test.members[1].ipv4, 5441)

    second = services.run(controller.in_newest_root(command))
    assert "pgsql-svc: 3 load balancers: 3 unchanged" in second.output.splitlines(), second.output

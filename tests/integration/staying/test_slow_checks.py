# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""New checks that take their time: members that are as slow as `inter` allows pass them before the reload, too."""

from __future__ import annotations

import contextlib

from ansible_collections.pgsvc.access.tests.integration.staying import scenario
from ansible_collections.pgsvc.access.tests.integration.staying.changes import (
    RELOAD,
    Change,
    of_members,
    patient_before,
)
from ansible_collections.pgsvc.access.tests.integration.staying.site import REST_TLS, Balancer, Site
from ansible_collections.pgsvc.access.tests.support.slow import forwarded

SLOW_PORT, DELAY = 8038, 0.4


def slow_tls(balancer: Balancer, site: Site) -> None:
    slow = {"patroni_ssl_enabled": True, "patroni_port": SLOW_PORT, "patroni_ca_file": str(balancer.tls[0])}
    of_members(**slow)(balancer, site)


def test_members_that_are_slow_to_shake_hands(balancer: Balancer) -> None:
    with contextlib.ExitStack() as stack:
        for member in balancer.patroni.members.values():
            stack.enter_context(forwarded(member.address, SLOW_PORT, REST_TLS, DELAY))
        outcome = scenario.run(balancer, Change(slow_tls, RELOAD, before=patient_before))

    scenario.assert_unnoticed(outcome, RELOAD)

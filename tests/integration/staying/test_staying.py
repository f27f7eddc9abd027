# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever changes about a server that stays: no session of it is cut, no new connection lost, none misrouted."""

from __future__ import annotations

import pytest

from ansible_collections.pgsvc.access.tests.integration.staying import scenario
from ansible_collections.pgsvc.access.tests.integration.staying.changes import CHANGES
from ansible_collections.pgsvc.access.tests.integration.staying.site import Balancer


@pytest.mark.spread
@pytest.mark.parametrize("name", CHANGES)
def test_a_server_that_stays_is_not_felt(balancer: Balancer, name: str) -> None:
    change = CHANGES[name]
    outcome = scenario.run(balancer, change)
    print(f"{name}: {outcome}")
    scenario.assert_unnoticed(outcome, change.method)

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Live roles keep the promise of a change that no client notices, and so does the change to live roles and back."""

from __future__ import annotations

import pytest

from ansible_collections.pgsvc.access.tests.integration.live.changes import CHANGES
from ansible_collections.pgsvc.access.tests.integration.staying import scenario
from ansible_collections.pgsvc.access.tests.integration.staying.site import Balancer


@pytest.mark.spread
@pytest.mark.parametrize("name", CHANGES)
def test_no_client_notices_a_change(balancer: Balancer, name: str) -> None:
    change = CHANGES[name]
    outcome = scenario.run(balancer, change)
    print(f"{name}: {outcome}")
    scenario.assert_unnoticed(outcome, change.method)

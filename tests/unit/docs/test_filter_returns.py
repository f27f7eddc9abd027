# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation of the filter `plan` names every field of what it returns."""

from __future__ import annotations

import dataclasses
import re

import pytest
import yaml

from ansible_collections.pgsvc.access.plugins.filter import plan
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.service import (
    CheckBackend,
    CheckServer,
    Server,
    Service,
)
from ansible_collections.pgsvc.access.tests.unit.plugins.plugin_utils.planning import pg_test
from ansible_collections.pgsvc.access.tests.unit.plugins.plugin_utils.planning import plan as planned

CONTENTS = yaml.safe_load(plan.RETURN)["_value"]["contains"]
# The paragraph on load balancers, on services, and on checks.
LOAD_BALANCERS, SERVICES, _TRACK, CHECKS = CONTENTS["load_balancers"]["description"]


def fields(*kinds: type) -> set[str]:
    return {field.name for kind in kinds for field in dataclasses.fields(kind)}


@pytest.mark.parametrize(
    ("paragraph", "returned"),
    [
        (LOAD_BALANCERS, set(planned(pg_test()).to_dict()["load_balancers"]["10.10.10.11"])),
        (SERVICES, fields(Service, Server)),
        (CHECKS, fields(CheckBackend, CheckServer)),
    ],
    ids=["load balancers", "services", "checks"],
)
def test_fields_are_documented(paragraph: str, returned: set[str]) -> None:
    assert set(re.findall(r"C\((\w+)\)", paragraph)) == returned


def test_parts_of_the_plan_are_documented() -> None:
    assert set(CONTENTS) == set(planned(pg_test()).to_dict())

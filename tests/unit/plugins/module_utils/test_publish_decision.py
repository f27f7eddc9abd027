# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The choice of the way from what HAProxy runs to what the files say."""

from __future__ import annotations

import pytest

from ansible_collections.pgsvc.access.plugins.module_utils._publish.decision import Decision, decide
from ansible_collections.pgsvc.access.plugins.module_utils._publish.record import Head

A, B = Head("o", "a"), Head("o", "b")

Case = tuple[dict[str, Head], set[str], dict[str, Head], set[str], dict[str, str], Decision]

ALREADY = Decision("none", "HAProxy already runs the configuration of the files")

DECISIONS: dict[str, Case] = {
    "nothing to do": ({"x": A}, set(), {"x": A}, {"x", "y"}, {}, ALREADY),
    "nothing at all": ({}, {"y"}, {}, {"x"}, {}, ALREADY),
    "servers": (
        {"x": A, "y": A}, set(), {"x": A, "y": A}, {"x", "y"}, {"y": ""},
        Decision("runtime", "only servers changed (y)"),
    ),
    "servers that only a reload can change": (
        {"x": A, "y": A}, set(), {"x": A, "y": A}, {"x", "y"}, {"x": "", "y": "y is balanced by source"},
        Decision("reload", "only a reload can apply this (y is balanced by source)"),
    ),
    "a new service": (
        {"x": A}, set(), {}, set(), {"x": ""}, Decision("reload", "only a reload can apply this (x: new)"),
    ),
    "a removed service": (
        {}, {"x"}, {"x": A}, {"x"}, {}, Decision("reload", "only a reload can apply this (x: removed)"),
    ),
    "another head, and servers": (
        {"x": B}, set(), {"x": A}, {"x"}, {"x": ""},
        Decision("reload", "only a reload can apply this (x: changed beyond its servers)"),
    ),
    "not known to be loaded": (
        {"x": A}, set(), {}, {"x"}, {},
        Decision("reload", "only a reload can apply this (x: on disk but perhaps not loaded yet)"),
    ),
    "many reasons": (
        {"x": B, "y": A, "z": A}, {"g"}, {"x": A}, {"x", "g", "z"}, {},
        Decision(
            "reload",
            "only a reload can apply this (y: new; g: removed; x: changed beyond its servers; z: on disk but perhaps "
            "not loaded yet)",
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", DECISIONS)
def test_decide(case: str) -> None:
    target, gone, loaded, proxies, servers, expected = DECISIONS[case]
    assert decide({name: head.digest for name, head in target.items()}, gone, loaded, proxies, servers) == expected

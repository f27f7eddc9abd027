# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a changed configuration reaches a running HAProxy, and what check mode says of it."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.pgsvc.access.tests.integration.unit_config.service import HAProxyService
from ansible_collections.pgsvc.access.tests.support.haproxy import wait_until

CHANGES: dict[str, tuple[dict[str, Any], str, list[str]]] = {
    "nothing": ({}, "none", []),
    "base": ({"port": 9102}, "reload", ["reload"]),
    "arguments": ({"socket": "n"}, "restart", ["daemon-reload", "restart"]),
    "both": ({"port": 9102, "socket": "n"}, "restart", ["daemon-reload", "restart"]),
}


@pytest.mark.spread
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_applied_once(haproxy: HAProxyService, change: str) -> None:
    what, applied, calls = CHANGES[change]
    assert haproxy.configure(check=True).applied == "start"
    assert haproxy.files() == {}
    assert haproxy.configure().applied == "start"
    haproxy.calls()

    foreseen = haproxy.configure(**what, check=True)
    assert haproxy.calls() == []
    result = haproxy.configure(**what)

    assert foreseen.to_dict(diff=True) == {**result.to_dict(diff=True), "arguments": foreseen.arguments}
    assert (result.applied, haproxy.calls()) == (applied, calls)
    assert haproxy.listens_on() == {what.get("port", 9101)}
    assert sorted(haproxy.files()) == ["haproxy/haproxy.cfg", "x.service.d/pgsvc.conf"]
    before = haproxy.files()
    assert haproxy.configure(**what).to_dict(diff=True) == {
        "changed": False,
        "applied": "none",
        "arguments": haproxy.unit.arguments,
        "files": [],
        "diff": [],
    }
    assert (haproxy.files(), haproxy.calls()) == (before, [])


@pytest.mark.spread
@pytest.mark.parametrize("change", ["base", "arguments"])
def test_written_now_and_applied_later(haproxy: HAProxyService, change: str) -> None:
    what, applied, calls = CHANGES[change]
    haproxy.configure()
    haproxy.calls()

    assert haproxy.configure(**what, apply=False).applied == "none"
    assert haproxy.configure(**what, apply=False).to_dict(diff=False)["changed"] is False
    assert (haproxy.calls(), haproxy.listens_on()) == ([], {9101})

    # The tag that writes nothing looks at the files and the unit, not at the arguments of the call.
    assert haproxy.configure(write=False, start=False, check=True).applied == applied
    assert haproxy.configure(write=False, start=False).applied == applied
    assert haproxy.calls() == calls
    assert haproxy.configure(write=False, start=False).applied == "none"
    assert haproxy.configure(**what).to_dict(diff=False)["changed"] is False


def test_a_stopped_service(haproxy: HAProxyService) -> None:
    haproxy.configure()
    haproxy.stop()

    assert haproxy.configure(start=False).applied == "none"
    assert haproxy.configure(port=9102, start=False).applied == "none"
    assert haproxy.configure(port=9102, apply=False).applied == "start"
    assert haproxy.listens_on() == {9102}
    assert haproxy.configure(port=9102).applied == "none"


def test_a_service_that_somebody_restarted(haproxy: HAProxyService) -> None:
    """It runs the new files; were they to be put back later, these would be it."""
    haproxy.configure()
    haproxy.configure(port=9102, apply=False)
    haproxy.stop()
    haproxy.configure(write=False)
    haproxy.configure(port=9103, apply=False)
    haproxy.stop()
    assert haproxy.configure(write=False).applied == "start"
    assert haproxy.configure(port=9103).to_dict(diff=False)["changed"] is False
    wait_until(lambda: haproxy.listens_on() == {9103})
    assert sorted(haproxy.files()) == ["haproxy/haproxy.cfg", "x.service.d/pgsvc.conf"]


def test_mode_and_secrets(haproxy: HAProxyService) -> None:
    line = "    setenv TOKEN pgsvc-secret"
    assert haproxy.configure().to_dict(diff=True)["diff"][0]["after"].startswith("global\n")
    assert haproxy.files()["haproxy/haproxy.cfg"][1] == 0o644

    added = haproxy.configure(lines=line)
    assert haproxy.files()["haproxy/haproxy.cfg"][1] == 0o640
    haproxy.base.chmod(0o644)
    foreseen = haproxy.configure(lines=line, check=True)
    assert foreseen.to_dict(diff=False)["changed"] is True
    assert haproxy.configure(lines=line).to_dict(diff=False) == foreseen.to_dict(diff=False)
    assert haproxy.files()["haproxy/haproxy.cfg"][1] == 0o640
    removed = haproxy.configure()

    hidden = [{"prepared": f"{haproxy.base} changes; its text may contain a secret and is not shown\n"}]
    assert [result.to_dict(diff=True)["diff"] for result in (added, removed)] == [hidden, hidden]

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A configuration that the service does not take: the files and the process are as before, and the message says so."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import PublishError
from ansible_collections.pgsvc.access.plugins.module_utils._unit import files, service
from ansible_collections.pgsvc.access.plugins.module_utils._unit.configuration import Request, configure
from ansible_collections.pgsvc.access.plugins.module_utils._unit.files import Wanted
from ansible_collections.pgsvc.access.tests.integration.unit_config.service import HAProxyService, Service
from ansible_collections.pgsvc.access.tests.support.haproxy import wait_until


@contextmanager
def taken(address: str, port: int) -> Iterator[None]:
    """Somebody else listens there: `haproxy -c` does not notice."""
    with closing(socket.socket()) as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind((address, port))
        other.listen()
        yield


def refused(haproxy: HAProxyService, **what: Any) -> PublishError:
    with pytest.raises(PublishError) as raised:
        haproxy.configure(**what)
    return raised.value


def test_validation_refuses(haproxy: HAProxyService) -> None:
    haproxy.configure()
    before, pid = haproxy.files(), haproxy.unit.pid
    for check in (True, False):
        error = refused(haproxy, lines="    nbthread many", check=check)
        assert str(error).startswith(f"{haproxy.binary} rejects the new configuration: [ALERT]")
        assert f"parsing [{haproxy.base}:4]" in str(error)
        assert str(error).endswith(". Nothing was changed")
        assert error.rolled_back is False
    assert (haproxy.files(), haproxy.unit.pid) == (before, pid)


def test_validation_repeats_no_secret(haproxy: HAProxyService) -> None:
    """HAProxy prints a line whose quote is not closed."""
    haproxy.configure()
    assert "pgsvc-secret" not in str(refused(haproxy, lines='    setenv TOKEN "pgsvc-secret'))


def test_a_file_of_the_folder_may_have_any_name(haproxy: HAProxyService) -> None:
    names = ["my app.cfg", "it's.cfg", 'a"b.cfg', "[a-z]*?.cfg", "$(touch x).cfg", "-f.cfg", "a;b&c.cfg", "é.cfg"]
    for number, name in enumerate(names):
        (haproxy.conf / name).write_text(f"listen a{number}\n    bind {haproxy.address}:{9200 + number}\n")
    haproxy.configure()
    assert len(haproxy.listens_on()) == 1 + len(names)

    (haproxy.conf / "my app.cfg").write_text("listen a0\n    nonsense\n")
    assert f"parsing [{haproxy.conf}/my app.cfg:2]" in str(refused(haproxy, port=9102))


def test_a_failed_reload(haproxy: HAProxyService) -> None:
    haproxy.configure()
    before, pid = haproxy.files(), haproxy.unit.pid
    with taken(haproxy.address, 9102):
        error = refused(haproxy, port=9102)
    assert str(error).startswith("x did not reload: [ALERT]")
    assert f"[{haproxy.address}:9102]" in str(error)
    assert str(error).endswith(f". {haproxy.base} is as before, and x still runs with the configuration it had")
    assert error.rolled_back is True
    assert (haproxy.files(), haproxy.unit.pid) == (before, pid)
    assert haproxy.listens_on() == {9101}
    assert haproxy.configure().to_dict(diff=False)["changed"] is False
    assert haproxy.configure(port=9102).applied == "reload"


def test_a_failed_restart(haproxy: HAProxyService) -> None:
    haproxy.configure()
    before = haproxy.files()
    error = refused(haproxy, port=9102, socket="nowhere/m")
    assert str(error).startswith("x did not restart: ")
    assert str(error).endswith(f". {haproxy.base} and {haproxy.drop_in} are as before, and x runs with it again")
    assert haproxy.files() == before
    assert haproxy.unit.active
    assert haproxy.listens_on() == {9101}
    assert haproxy.configure().to_dict(diff=False)["changed"] is False


def test_a_failed_start(haproxy: HAProxyService) -> None:
    """The first configuration at all, then a later one of a stopped service."""
    with taken(haproxy.address, 9101):
        error = refused(haproxy)
    assert str(error).endswith(f". {haproxy.base} and {haproxy.drop_in} are as before, and x is stopped, as it was")
    assert haproxy.files() == {}
    haproxy.configure()
    haproxy.stop()
    before = haproxy.files()
    with taken(haproxy.address, 9102):
        error = refused(haproxy, port=9102)
    assert str(error).endswith(f". {haproxy.base} is as before, and x is stopped, as it was")
    assert (haproxy.files(), haproxy.unit.active) == (before, False)


def test_the_earlier_configuration_does_not_start_either(haproxy: HAProxyService) -> None:
    haproxy.configure()
    before = haproxy.files()
    (haproxy.conf / "other.cfg").write_text(f"listen other\n    bind {haproxy.address}:9300\n")
    with taken(haproxy.address, 9300):
        error = refused(haproxy, socket="n")
    assert f". {haproxy.drop_in} is as before, but x does not start with that either: [ALERT]" in str(error)
    (haproxy.conf / "other.cfg").unlink()
    assert haproxy.files() == before
    assert haproxy.unit.active is False
    assert haproxy.configure(write=False).applied == "start"


def test_nothing_is_known_to_put_back(haproxy: HAProxyService) -> None:
    """The file was changed by hand, and the tag that writes nothing finds that HAProxy does not take it."""
    haproxy.configure()
    text = haproxy.base.read_text()
    haproxy.base.write_text(text.replace(":9101", ":9102"))
    with taken(haproxy.address, 9102):
        error = refused(haproxy, write=False)
    assert str(error).endswith(
        f". x still runs with the configuration it had; no earlier version of {haproxy.base} and {haproxy.drop_in} is"
        " known, so nothing was put back"
    )
    assert error.rolled_back is False
    assert haproxy.listens_on() == {9101}


def test_what_was_written_earlier_and_not_applied_is_put_back(haproxy: HAProxyService) -> None:
    """The configuration in force comes back, not the one in between."""
    haproxy.configure()
    before = haproxy.files()
    haproxy.configure(port=9102, apply=False)
    haproxy.configure(port=9103, apply=False)
    with taken(haproxy.address, 9103):
        refused(haproxy, write=False, start=False)
    assert haproxy.files() == before


STEPS: dict[str, Callable[[pytest.MonkeyPatch, Callable[..., None]], None]] = {
    "the earlier file is kept": lambda patch, die: patch.setattr(Path, "replace", die),
    "the files are written": lambda patch, die: patch.setattr(files, "_sync", die),
    "systemd has read the unit": lambda patch, die: patch.setattr(service, "start", die),
    "the service was restarted": lambda patch, die: patch.setattr(files, "discard", die),
}


@pytest.mark.spread
@pytest.mark.parametrize("step", STEPS)
def test_killed(haproxy: HAProxyService, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """The next run completes the work, or puts back what was there before the killed one."""
    what = {"port": 9102, "socket": "n"}
    haproxy.configure()
    before = haproxy.files()
    for outcome in ("completed", "put back"):
        killed(haproxy, monkeypatch, step, what)
        if outcome == "completed":
            haproxy.configure(**what)
            assert haproxy.listens_on() == {9102}
            assert haproxy.configure(**what).to_dict(diff=False)["changed"] is False
            assert sorted(haproxy.files()) == sorted(before)
            haproxy.configure()
            before = haproxy.files()
        elif step != "the service was restarted":  # else the new files are in force
            refused(haproxy, port=9102, socket="nowhere/m")
            assert haproxy.files() == before
            # The process that was restarted may still be closing its listeners.
            wait_until(lambda: haproxy.listens_on() == {9101}, timeout=5)


def killed(haproxy: HAProxyService, monkeypatch: pytest.MonkeyPatch, step: str, what: dict[str, Any]) -> None:
    """Run until the step in a process of its own, which ends there without any cleaning up."""
    child = os.fork()
    if child == 0:
        STEPS[step](monkeypatch, lambda *_arguments: os._exit(9))
        haproxy.configure(**what)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def test_dnsmasq(dnsmasq: Service) -> None:
    """A service that reads its configuration once: every change restarts it, and it says so when it ends at once."""
    path = dnsmasq.etc / "dnsmasq.d/pgsvc.conf"

    def request(text: str, **more: Any) -> Request:
        validate = ["dnsmasq", "--test", "--conf-file=/dev/null", f"--conf-dir={path.parent},.dpkg-old"]
        return Request("x", [Wanted(path, text)], validate, start=True, temporary=str(dnsmasq.folder), **more)

    assert configure(request("port=9053\n")).applied == "start"
    before = dnsmasq.files()
    assert configure(request("port=9054\n", check=True)).applied == "restart"
    assert configure(request("port=9054\n", apply=False)).applied == "none"
    assert configure(request("port=9054\n")).applied == "restart"
    assert configure(request("port=9054\n")).to_dict(diff=False)["changed"] is False
    assert configure(request("port=9053\n")).applied == "restart"
    assert list(dnsmasq.files()) == list(before)
    before = dnsmasq.files()

    (path.parent / "other.conf").write_text("no-hosts\n")
    with pytest.raises(
        PublishError, match=r"^dnsmasq rejects the new configuration: .*pgsvc\.conf\. Nothing was changed$"
    ):
        configure(request("port=9053\nnonsense\n"))
    with taken(dnsmasq.address, 9055), pytest.raises(PublishError) as raised:
        configure(request("port=9055\n"))
    assert str(raised.value).startswith("x did not restart: ")
    assert str(raised.value).endswith(f". {path} is as before, and x runs with it again")
    (path.parent / "other.conf").unlink()
    assert dnsmasq.files() == before
    assert dnsmasq.unit.active

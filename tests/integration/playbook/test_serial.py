# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In which order load balancers are published, and what becomes of the others when one of them fails."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from ansible_collections.pgsvc.access.tests.integration.playbook.fleet import Fleet, Output
from ansible_collections.pgsvc.access.tests.support.fixtures import private_address

DEFAULT = ["pg-test-default", "pg-test-offline", "pg-test-primary", "pg-test-replica"]
META = ["pg-meta-primary"]
SERIAL = ("-t", "pg_service", "-e", "pg_service_serial=1")

# A haproxy that notes when it begins and ends to validate the files of which load balancer.
WATCHED = """\
#!/bin/sh
[ "$1" = -c ] || exec {haproxy} "$@"
for last in "$@"; do :; done
host=$(sed -n 's/^# service: .* @ \\(.*\\):[0-9]*$/\\1/p' "$last" | head -n 1)
echo "begin $host" >>{log}
{haproxy} "$@"
status=$?
{meanwhile}
echo "end $host" >>{log}
exit $status
"""
# Ends when the load balancers of a batch have all begun: five in batches of two.
TOGETHER = """\
for _each in $(seq 400); do
    case $(grep -c ^begin {log}) in 2 | 4 | 5) break ;; esac
    sleep 0.05
done
"""


@pytest.fixture
def members(members: list[str]) -> list[str]:
    """In the order of the inventory, which is written sorted."""
    return sorted(members)


@pytest.fixture
def proxies(proxies: list[str]) -> list[str]:
    """In the same order."""
    return sorted(proxies)


@pytest.fixture
def order(fleet: Fleet, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Callable[[], list[str]]:
    """A function that tells when which load balancer was published: `begin HOST` and `end HOST`.

    Its parameter is what a load balancer does between the two.
    """
    log, programs = fleet.folder / "order", fleet.folder / "bin"
    programs.mkdir()
    program = programs / "haproxy"
    meanwhile = getattr(request, "param", "sleep 0.3").format(log=log)
    program.write_text(WATCHED.format(haproxy=shutil.which("haproxy"), log=log, meanwhile=meanwhile))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    return lambda: log.read_text().splitlines() if log.exists() else []


def one_by_one(*hosts: str) -> list[str]:
    return [f"{word} {host}" for host in hosts for word in ("begin", "end")]


@pytest.fixture
def delegating(fleet: Fleet) -> str:
    """A member of pg-meta, which alone publishes both load balancers of the group when the run is limited to it."""
    host: str = next(iter(fleet.groups["pg-meta"]["hosts"]))
    return host


@pytest.mark.every_core
def test_every_load_balancer_after_the_other(
    fleet: Fleet, members: list[str], proxies: list[str], order: Callable[[], list[str]]
) -> None:
    said = fleet.playbook(*SERIAL)

    assert said.code == 0, said.text
    assert order() == one_by_one(*members, *proxies)
    assert [fleet.files(host) for host in [*members, *proxies]] == [DEFAULT] * 3 + [META] * 2


def test_delegated_load_balancers_one_after_the_other(
    fleet: Fleet, proxies: list[str], delegating: str, order: Callable[[], list[str]]
) -> None:
    said = fleet.playbook(*SERIAL, "-l", delegating)

    assert said.code == 0, said.text
    assert order() == one_by_one(*proxies)
    assert [fleet.files(host) for host in proxies] == [META] * 2


def test_the_command_says_what_was_not_published(fleet: Fleet, proxies: list[str], delegating: str) -> None:
    break_host(fleet, proxies[0])

    said = fleet.pgsql_svc("pg-meta", "--", "-e", "pg_service_serial=1", "-l", delegating)

    assert said.code == 2, said.text
    assert said.last == f"pgsql-svc: 2 load balancers: 1 failed ({proxies[0]}), 1 not published"


@pytest.mark.parametrize("order", [TOGETHER], indirect=True)
def test_a_share_at_once(fleet: Fleet, members: list[str], proxies: list[str], order: Callable[[], list[str]]) -> None:
    """Half of the five at once is two: both begin before one of them ends, and the next two wait for both."""
    said = fleet.playbook("-t", "pg_service", "-e", "pg_service_serial=50%", "-l", "pg-test:proxy")

    assert said.code == 0, said.text
    log = order()
    for batch in (members[:2], [members[2], proxies[0]], [proxies[1]]):
        events, log = log[: 2 * len(batch)], log[2 * len(batch) :]
        for word, part in (("begin", events[: len(batch)]), ("end", events[len(batch) :])):
            assert sorted(part) == sorted(f"{word} {host}" for host in batch)
    assert [fleet.files(host) for host in [*members, *proxies]] == [DEFAULT] * 3 + [META] * 2


def break_host(fleet: Fleet, host: str) -> None:
    shutil.rmtree(fleet.conf_dir(host))


def unplug_host(fleet: Fleet, host: str) -> None:
    """Nothing listens on this port of a loopback address: the connection is refused at once."""
    for group in fleet.groups.values():
        if host in group["hosts"]:
            group["hosts"][host].update(ansible_connection="ssh", ansible_port=1, ansible_host=host)
    fleet.save()


Breaks = Callable[[Fleet, str], None]
BREAKS = pytest.mark.parametrize("breaks", [break_host, unplug_host])
#: How a load balancer fails, and which one.
FAILURES = pytest.mark.parametrize(
    ("breaks", "broken"),
    [
        (break_host, 1),
        (unplug_host, 0),
        pytest.param(break_host, 0, marks=pytest.mark.full),
        pytest.param(unplug_host, 1, marks=pytest.mark.full),
    ],
)


@FAILURES
def test_the_first_failure_stops_the_rest(
    fleet: Fleet, members: list[str], order: Callable[[], list[str]], breaks: Breaks, broken: int
) -> None:
    breaks(fleet, members[broken])

    said = fleet.playbook(*SERIAL, "-l", "pg-test")

    assert said.code != 0, said.text
    assert order() == one_by_one(*members[:broken])
    assert [fleet.files(host) for host in members] == [DEFAULT] * broken + [[]] * (3 - broken)


@FAILURES
def test_the_first_failure_stops_the_delegated_rest(
    fleet: Fleet, proxies: list[str], delegating: str, order: Callable[[], list[str]], breaks: Breaks, broken: int
) -> None:
    breaks(fleet, proxies[broken])

    said = fleet.playbook(*SERIAL, "-l", delegating)

    assert said.code != 0, said.text
    assert order() == one_by_one(*proxies[:broken])
    assert [fleet.files(host) for host in proxies] == [META] * broken + [[]] * (2 - broken)


@pytest.mark.every_core
def test_the_failure_of_the_first_of_three_stops_the_last_too(fleet: Fleet, delegating: str) -> None:
    """The second turn of the loop is left out, not failed; the third looks at it."""
    hosts = sorted([*fleet.groups["proxy"]["hosts"], private_address()])
    fleet.group("proxy", {host: {} for host in hosts})
    break_host(fleet, hosts[0])

    said = fleet.playbook(*SERIAL, "-l", delegating)

    assert said.code == 2, said.text
    assert [fleet.files(host) for host in hosts] == [[]] * 3


@BREAKS
def test_a_failure_ends_the_run_with_its_batch(fleet: Fleet, members: list[str], breaks: Breaks) -> None:
    breaks(fleet, members[0])

    said = fleet.playbook("-t", "pg_service", "-e", "pg_service_serial=2", "-l", "pg-test")

    assert said.code != 0, said.text
    assert [fleet.files(host) for host in members] == [[], DEFAULT, []]


def test_applying_stops_as_well(fleet: Fleet, proxies: list[str], delegating: str) -> None:
    """Both have files that their HAProxy cannot be given, because it is not running."""
    assert fleet.playbook("-t", "pg_service_config", "-l", delegating).code == 0
    for host in proxies:
        fleet.groups["proxy"]["hosts"][host]["pg_reload"] = True
    fleet.save()

    together = fleet.playbook("-t", "pg_service_reload", "-l", delegating)
    said = fleet.playbook("-t", "pg_service_reload", "-e", "pg_service_serial=1", "-l", delegating)

    assert (together.code, said.code) == (2, 2)
    assert together.text.count("HAProxy is not running") > said.text.count("HAProxy is not running") > 0
    assert not any(f"failed: [{delegating} -> {proxies[1]}" in line for line in said.text.splitlines())


@BREAKS
def test_without_serial_the_others_are_published(
    fleet: Fleet, members: list[str], proxies: list[str], delegating: str, breaks: Breaks
) -> None:
    for host in (members[0], proxies[0]):
        breaks(fleet, host)

    said = fleet.playbook("-t", "pg_service", "-l", f"pg-test,{delegating}")

    assert said.code == 2, said.text
    assert [fleet.files(host) for host in members] == [[], DEFAULT, DEFAULT]
    assert [fleet.files(host) for host in proxies] == [[], META]


def own_play(fleet: Fleet, hosts: str) -> Output:
    """The role in a play of one's own with serial."""
    playbook = fleet.folder / "site.yml"
    roles = [{"role": "pgsvc.access.pg_service", "vars": {"pg_service_serial": 1}}]
    playbook.write_text(yaml.safe_dump([{"hosts": hosts, "gather_facts": False, "serial": 1, "roles": roles}]))
    return fleet.playbook(playbook=str(playbook))


def test_the_role_in_a_play_of_ones_own(
    fleet: Fleet, proxies: list[str], delegating: str, order: Callable[[], list[str]]
) -> None:
    break_host(fleet, proxies[0])

    said = own_play(fleet, delegating)

    assert said.code == 2, said.text
    assert order() == []
    assert [fleet.files(host) for host in proxies] == [[]] * 2
    Path(fleet.conf_dir(proxies[0])).mkdir()
    assert own_play(fleet, delegating).code == 0
    assert order() == one_by_one(*proxies)

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two runs at once on one load balancer: the result is the sum, never a mix."""

from __future__ import annotations

import fcntl
import os

from ansible_collections.pgsvc.access.plugins.module_utils._host import lock
from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import PublishError
from ansible_collections.pgsvc.access.tests.integration.publish.node import Node, statuses


def test_different_owners(node: Node) -> None:
    owners = [f"member/pg-{number}" for number in range(4)]
    files = {
        owner: [node.service(f"pg-{number}-{kind}", 5440 + 10 * number + kind, owner=owner) for kind in range(3)]
        for number, owner in enumerate(owners)
    }
    runs = [node.begin(files[owner], owners=[owner]) for owner in owners]

    for run in runs:
        assert set(statuses(run.result()).values()) == {"created"}

    every = {file["name"]: file["content"] for owner in owners for file in files[owner]}
    assert node.files() == {f"{name}.cfg": content for name, content in every.items()}
    assert node.proxies() == set(every)
    for owner in owners:
        assert node.publish(files[owner], owners=[owner])["changed"] is False


def test_the_same_owner(node: Node) -> None:
    """Each ends with what it was asked for; what stays is one of the two sets, whole."""
    one = [node.service("a", 5440), node.service("b", 5442), node.service("one", 5444)]
    two = [node.service("a", 5442), node.service("b", 5440), node.service("two", 5444)]
    runs = [node.begin(files) for files in (one, two, one, two)]
    for run in runs:
        statuses(run.result())
    left = node.files()
    assert left in [{f"{file['name']}.cfg": file["content"] for file in files} for files in (one, two)]
    assert {f"{name}.cfg" for name in node.proxies()} == set(left)


def test_who_holds_the_lock(node: Node) -> None:
    descriptor = os.open(node.conf_dir, os.O_RDONLY)
    message = ""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        try:
            with lock.locked(node.conf_dir, 0.2):
                raise AssertionError("the lock was given twice")
        except PublishError as error:
            message = str(error)
    finally:
        os.close(descriptor)
    assert message.startswith(f"{node.conf_dir} has been locked by another run (process {os.getpid()}, ")
    assert message.endswith(") for 0.2 seconds: run again when it has ended")

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``make demo``: the walk through the sandbox, from nothing to nothing."""

from __future__ import annotations

import re
from pathlib import Path

from ansible_collections.pgsvc.access.tests.integration.demo.examples import Examples, answers
from ansible_collections.pgsvc.access.tests.support.haproxy import wait_until

PROCESSES = 7 * 2 + 1
"""Master and worker of each node, and the members."""

ANSWERS = {
    "app-default": {"app-1 postgres"},
    "app-offline": {"app-3 postgres"},
    "app-primary": {"app-1 postgres"},
    "app-replica": {"app-2 postgres"},
    "pg-meta-default": {"pg-meta-1 postgres"},
    "pg-meta-offline": {"refused"},
    "pg-meta-primary": {"pg-meta-1 pgbouncer"},
    "pg-meta-replica": {"pg-meta-1 pgbouncer"},
    "pg-test-default": {"pg-test-1 postgres"},
    "pg-test-offline": {"pg-test-3 postgres"},
    "pg-test-primary": {"pg-test-1 pgbouncer"},
    "pg-test-replica": {"pg-test-2 pgbouncer", "pg-test-3 pgbouncer"},
    "pg-test-standby": {"pg-test-2 pgbouncer"},
}


def shown_in_readme(checkout: Path) -> list[str]:
    """The lines that README.md shows of ``make demo``."""
    blocks = re.findall(r"^```\n(== .*?)^```", (checkout / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    (block,) = (block for block in blocks if "examples/sandbox/demo status" in block)
    return [line for line in block.splitlines() if line]


def test_demo_shows_plan_files_answers_and_what_the_commands_do(checkout: Path, examples: Examples) -> None:
    story = examples.demo("up").text

    assert "pg-test-offline  5438  /replica    -> pg-test-3:5432, pg-test-2:5432 (backup)" in story
    *summaries, moved = [line for line in story.splitlines() if line.startswith("pgsql-svc: ")]
    assert summaries == [
        "pgsql-svc: 3 load balancers: 3 would be changed by a reload",
        "pgsql-svc: 1 load balancer: 1 changed by a reload",
        "pgsql-svc: 3 load balancers: 3 changed by a reload",
        "pgsql-svc: 3 load balancers: 3 changed by a reload",
        "pgsql-svc: 3 load balancers: 3 unchanged",
        "pgsql-svc: pg-test-3 drain on 3 load balancers: 3 changed, 0 unchanged; 0 sessions left",
        "pgsql-svc: pg-test-3 ready on 3 load balancers: 3 changed, 0 unchanged; it can get connections on 3 of 3",
    ]
    assert moved.startswith("pgsql-svc: pg-test-2 is the primary, pg-test-1 was: ")
    # What README.md shows of it. How often a server answers is left to chance, and addresses differ in length.
    printed = {tuple(line.split()) for line in story.splitlines()}
    shown = [line for line in shown_in_readme(checkout) if " connections" not in line and " x " not in line]
    missing = [line for line in shown if tuple(line.replace("127.10.10.", examples.prefix).split()) not in printed]
    assert missing == []
    assert answers(line for line in shown_in_readme(checkout) if " x " in line) == ANSWERS
    assert "member_in_drain: pg-test-3 is in drain on" in story
    assert "roles_drifted: the inventory declares pg-test-1 as primary, and Patroni's leader is pg-test-2" in story
    assert "listen pg-test-standby\n" in story
    answered = story.partition("== The server that answers on each service")[2].partition("== A second run")[0]
    assert answers(line for line in answered.splitlines() if " x " in line) == ANSWERS
    assert story.rstrip().endswith("Stop the sandbox and remove its folder: examples/sandbox/demo down")

    # The primary has moved. Then by force, as the README of the sandbox says, and the services follow.
    assert examples.status("sandbox/inventory.yml")["pg-test-primary"] == {"pg-test-2 pgbouncer"}
    (examples.sandbox / f"{examples.prefix}12" / "role").write_text("replica\n")
    (examples.sandbox / f"{examples.prefix}13" / "role").write_text("primary\n")
    wait_until(lambda: examples.status("sandbox/inventory.yml")["pg-test-primary"] == {"pg-test-3 pgbouncer"})

    # Once more, over the one that runs: a new sandbox, and no process of the first one left behind.
    examples.demo("start")
    assert examples.files(f"{examples.prefix}11") == {}
    assert len(examples.processes()) == PROCESSES

    assert examples.demo("down").last == f"sandbox stopped, {examples.sandbox} removed"
    assert examples.processes() == []
    assert not examples.sandbox.exists()


def test_a_folder_that_is_no_sandbox_is_left_alone(examples: Examples) -> None:
    examples.sandbox.mkdir()
    (examples.sandbox / "mine").write_text("precious\n")

    said = examples.demo("start", code=1)

    assert said.last == f"sandbox: {examples.sandbox} exists and is not a sandbox; set PGSVC_SANDBOX to another folder"
    examples.demo("down")
    assert (examples.sandbox / "mine").read_text() == "precious\n"

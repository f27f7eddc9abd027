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


def test_readme_shows_the_steps_and_the_answers_of_the_demo(checkout: Path) -> None:
    lines = shown_in_readme(checkout)
    headings = [line.removeprefix("== ") for line in lines if line.startswith("== ")]
    commands = [line.removeprefix("   $ ") for line in lines if line.startswith("   $ ")]
    script = (checkout / "examples" / "sandbox" / "demo").read_text()
    assert len(headings) == len(commands) == 2
    for heading, command in zip(headings, commands, strict=True):
        assert f'step "{heading}" "{command}"' in script
    assert answers(line for line in lines if " 127.10.10." in line) == ANSWERS
    assert lines[-1] == "pgsql-svc: 3 load balancers: 3 unchanged"  # the summary of that step in the test below


def test_demo_shows_plan_files_answers_and_a_second_run_that_changes_nothing(examples: Examples) -> None:
    story = examples.demo("up").text

    assert "pg-test-offline  5438  /replica    -> pg-test-3:5432, pg-test-2:5432 (backup)" in story
    summaries = [line for line in story.splitlines() if line.startswith("pgsql-svc: ")]
    assert summaries == [
        "pgsql-svc: 3 load balancers: 3 would be changed by a reload",
        "pgsql-svc: 1 load balancer: 1 changed by a reload",
        "pgsql-svc: 3 load balancers: 3 changed by a reload",
        "pgsql-svc: 3 load balancers: 3 changed by a reload",
        "pgsql-svc: 3 load balancers: 3 unchanged",
    ]
    assert "listen pg-test-standby\n" in story
    assert examples.status("sandbox/inventory.yml") == ANSWERS
    assert story.rstrip().endswith("Stop the sandbox and remove its folder: examples/sandbox/demo down")

    # The next step that the demo suggests: another member becomes the primary, and the services follow.
    (examples.sandbox / f"{examples.prefix}11" / "role").write_text("replica\n")
    (examples.sandbox / f"{examples.prefix}12" / "role").write_text("primary\n")
    wait_until(lambda: examples.status("sandbox/inventory.yml")["pg-test-primary"] == {"pg-test-2 pgbouncer"})

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

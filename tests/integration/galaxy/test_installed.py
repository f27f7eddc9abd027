# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection as a user gets it: built, installed into an empty folder, and run from there without a warning."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from ansible_collections.pgsvc.access.tests.benchmark.sandbox import Sandbox

pytestmark = [pytest.mark.every_core, pytest.mark.xdist_group("galaxy")]

# Tests and tools stay in the repository.
WORKSHOP = (
    ".ansible-lint",
    ".ci/",
    ".config/",
    ".github/",
    ".gitignore",
    "Makefile",
    "changelogs/fragments/",
    "docs/site/",
    "galaxy.yml",
    "molecule/",
    "pyproject.toml",
    "tests/",
)
SECRETS = (
    ".env",
    ".pgpass",
    ".private/main.yml",
    ".vault_pass",
    "README.md.orig",
    "ansible.cfg",
    "backup.sql",
    "group_vars/all/vault.yml",
    "host_vars/pg-test-1/main.yml",
    "id_ed25519",
    "id_rsa",
    "inventory.yml",
    "main.yml",
    "main.yml~",
    "pg_service.conf",
    "secrets.j2",
    "secrets.yml",
    "server.key",
    "tasks/main.yml",
    "vars/secrets.yml",
    "vault.pass",
    "vault.yml",
)
SERVICES = {"primary", "replica", "default", "offline", "standby"}


def run(*command: str | Path, home: Path, **variables: str) -> str:
    """Run a command as a user does who has nothing but the installed collection; return all it said."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "PYTHON"))}
    environment |= {
        "ANSIBLE_COLLECTIONS_PATH": str(home / "collections"),
        "ANSIBLE_DEPRECATION_WARNINGS": "true",
        "ANSIBLE_NOCOLOR": "true",
        "ANSIBLE_TRANSFORM_INVALID_GROUP_CHARS": "ignore",
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        **variables,
    }
    done = subprocess.run(
        command, cwd=home, env=environment, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def tarball(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a checkout in which people have left what they should not."""
    home = tmp_path_factory.mktemp("build")
    for file in committed(checkout):
        (home / "checkout" / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(checkout / file, home / "checkout" / file)
    plant(home / "checkout")
    run("ansible-galaxy", "collection", "build", home / "checkout", "--output-path", home, home=home)
    (built,) = home.glob("*.tar.gz")
    return built


def committed(checkout: Path) -> list[str]:
    """The files that git has, or would take: what is known to belong to the project."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=checkout, check=True, capture_output=True, text=True).stdout.split("\0")
    return [name for name in names if name and (checkout / name).exists()]


def plant(folder: Path) -> None:
    """Leave every kind of secret in every folder, and some folders of them."""
    for inner in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
        for name in SECRETS:
            if not (inner / name).exists():
                (inner / name).parent.mkdir(parents=True, exist_ok=True)
                (inner / name).write_text("s3cret", encoding="utf-8")


@pytest.fixture(scope="module")
def home(tarball: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder with the collection installed in it, and a cluster of three local nodes to publish to."""
    home = tmp_path_factory.mktemp("home")
    run("ansible-galaxy", "collection", "install", tarball, "--offline", "-p", home / "collections", home=home)
    Sandbox(home / "nodes", 3).make()
    return home


@pytest.fixture
def nodes(home: Path) -> Sandbox:
    sandbox = Sandbox(home / "nodes", 3)
    sandbox.wipe()
    return sandbox


def published(sandbox: Sandbox) -> list[set[str]]:
    """The services on each host."""
    return [
        {file.stem.removeprefix("pg-0001-") for file in sandbox.service_files(number)}
        for number in range(sandbox.hosts)
    ]


def test_tarball_holds_the_product_and_nothing_else(checkout: Path, tarball: Path) -> None:
    with tarfile.open(tarball) as archive:
        names = {member.name for member in archive if not member.isdir()}
        listed = json.load(archive.extractfile("FILES.json") or pytest.fail("FILES.json is not a file"))["files"]
    product = {name for name in committed(checkout) if not name.startswith(WORKSHOP)}
    assert names == {"MANIFEST.json", "FILES.json", *product}, "name a new file in galaxy.yml"
    assert {entry["name"] for entry in listed if entry["ftype"] == "file"} == product


def test_playbook_by_its_name(home: Path, nodes: Sandbox) -> None:
    command = ["ansible-playbook", "pgsvc.access.pgsql", "-i", str(nodes.inventory), "-t", "pg_service"]
    said = run(*command, home=home)
    assert published(nodes) == [SERVICES] * 3
    assert "WARNING" not in said
    said = run(*command, home=home)
    assert said.count("changed=0") == 3
    assert "WARNING" not in said


def test_wrapper_of_the_installed_collection(home: Path, nodes: Sandbox) -> None:
    wrapper = home / "collections" / "ansible_collections" / "pgsvc" / "access" / "bin" / "pgsql-svc"
    said = run(wrapper, "-i", nodes.inventory, "pg-0001", home=home)
    assert published(nodes) == [SERVICES] * 3
    assert said.splitlines()[-1] == "pgsql-svc: 3 load balancers: 3 written, not applied"
    assert "WARNING" not in said


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("(hostvars | pgsvc.access.plan(groups=groups)).load_balancers | length", "3"),
        (
            "hostvars | pgsvc.access.services(cluster='pg-0001', groups=groups) | map(attribute='port') | join(' ')",
            "5433 5434 5436 5438 5435",
        ),
    ],
)
def test_filters(home: Path, nodes: Sandbox, template: str, expected: str) -> None:
    said = run(
        "ansible", "127.10.0.1", "-i", nodes.inventory, "-m", "debug", "-a", f"msg='is {{{{ {template} }}}}'", home=home
    )
    assert f"is {expected}" in said
    assert "WARNING" not in said

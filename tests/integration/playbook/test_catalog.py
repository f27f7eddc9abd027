# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``bin/pgsql-svc --catalog FILE`` and its playbook."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgsvc.access.tests.integration.playbook.fleet import Fleet


def clusters(path: Path) -> dict[str, dict[str, Any]]:
    """The clusters of a catalogue."""
    data = path.read_text(encoding="utf-8").partition('id="data">')[2].partition("</script>")[0]
    return {cluster["name"]: cluster for cluster in json.loads(data)["clusters"]}


@pytest.mark.every_core
def test_writes_a_page_and_then_finds_nothing_to_do(fleet: Fleet) -> None:
    path = fleet.folder / "catalog.html"

    foretold = fleet.pgsql_svc("--check", "--diff", "--catalog", "catalog.html")
    assert (foretold.code, foretold.last) == (0, f"pgsql-svc: {path}: would be written")
    assert "+<!DOCTYPE html>" in foretold.text
    assert not path.exists()

    written = fleet.pgsql_svc("--catalog", "catalog.html")
    assert (written.code, written.text) == (0, f"pgsql-svc: {path}: written\n")
    assert list(clusters(path)) == ["pg-meta", "pg-test"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert path.stat().st_uid == os.getuid()

    assert fleet.pgsql_svc("--catalog", "catalog.html").text == f"pgsql-svc: {path}: unchanged\n"
    assert fleet.playbook("-e", f"pg_catalog_path={path}", playbook="pgsvc.access.catalog").changed == {"localhost": 0}


def test_options(fleet: Fleet) -> None:
    odd = """o'dd "user" \\ <b>"""
    fleet.pgsql_svc("--catalog=catalog.html", "pg-test", "--title", "Shop & Co", "--user", odd, "--db=shop")

    text = (fleet.folder / "catalog.html").read_text(encoding="utf-8")
    assert list(clusters(fleet.folder / "catalog.html")) == ["pg-test"]
    assert "<title>Shop &amp; Co</title>" in text
    assert "o%27dd%20%22user%22%20%5C%20%3Cb%3E" in text


def test_the_status_is_asked_for(fleet: Fleet) -> None:
    looked = fleet.pgsql_svc("--catalog", "catalog.html", "--status")
    assert looked.code == 0, looked.text
    found = clusters(fleet.folder / "catalog.html")
    assert {name: cluster["status"]["health"] for name, cluster in found.items()} == dict.fromkeys(found, "critical")


@pytest.mark.every_core
def test_an_earlier_status_is_taken(fleet: Fleet) -> None:
    finding = {"severity": "warning", "code": "no_leader", "text": "{{ 7 * 7 }}", "fix": "wait"}
    cluster = {"cluster": "pg-test", "health": "warning", "members": [], "services": [], "findings": [finding]}
    report = {"clusters": [cluster]}
    (fleet.folder / "report.json").write_text(json.dumps(report))
    os.utime(fleet.folder / "report.json", (1_700_000_000, 1_700_000_000))
    for outcome in ("written", "unchanged"):
        done = fleet.pgsql_svc("--catalog", "other.html", "--status-json", "report.json")
        assert done.text == f"pgsql-svc: {fleet.folder}/other.html: {outcome}\n"
    found = clusters(fleet.folder / "other.html")
    assert found["pg-test"]["status"]["health"] == "warning"
    assert found["pg-test"]["status"]["findings"] == [finding]
    assert "status" not in found["pg-meta"]
    assert '"statusTime":1700000000' in (fleet.folder / "other.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--catalog"], "pgsql-svc: --catalog requires a value"),
        (
            ["--catalog", "f", "--what"],
            "pgsql-svc: unknown option '--what' of --catalog; options of ansible-playbook go after --",
        ),
        (
            ["--catalog", "f", "--status", "--status-json", "r"],
            "pgsql-svc: --status and --status-json: give one of them",
        ),
        (["--catalog", "f", "--status-json", "none.json"], "pgsql-svc: failed, the catalogue was not written"),
        (["--catalog", "f", "pg-tset"], "pgsql-svc: failed, the catalogue was not written"),
        (["--catalog", "none/f"], "pgsql-svc: failed, the catalogue was not written"),
    ],
)
def test_refusals(fleet: Fleet, words: list[str], message: str) -> None:
    refused = fleet.pgsql_svc(*words)

    assert (refused.code, refused.last) == (2, message)
    assert not (fleet.folder / "f").exists()
    assert "none.json" not in words or f"{fleet.folder}/none.json" in refused.text


@pytest.mark.every_core
def test_a_mistake_is_named(fleet: Fleet) -> None:
    refused = fleet.pgsql_svc("--catalog", "f", "pg-tset")
    assert "- pg-tset: 'pg-tset' is not a cluster of the inventory, did you mean 'pg-test'?" in refused.text

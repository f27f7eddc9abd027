# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports that YAML has read as another number than the one that a person wrote."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ansible_collections.pgsvc.access.plugins.plugin_utils._input.yaml_numbers import misread

#: A line, and how the number in it is written; empty for one that is what it seems.
LINES: list[tuple[str, str]] = [
    ("port: 05435", "05435"),
    ("  - port: 05435  # standby", "05435"),
    ("- { name: standby, port: 05435, selector: '[]' }", "05435"),
    ("- {port: 90:55}", "90:55"),
    ("pg_port: 90:55", "90:55"),
    ("patroni_port:    010010", "010010"),
    ("pgbouncer_port: 06432", "06432"),
    ("haproxy_exporter_port: 011", "011"),
    ("dest: 05432", "05432"),
    ('"port": 05435', "05435"),
    ("port: 5435", ""),
    ("port: 0", ""),
    ("port: '05435'", ""),
    ("port: 08080", ""),
    ("port: 0x10", ""),
    ("# port: 05435", ""),
    ("x: 1 # port: 05435", ""),
    ("export: 05435", ""),
    ("mode: 0644", ""),
    ("port: 90:65", ""),
]


@pytest.mark.parametrize(("line", "written"), LINES)
def test_lines(tmp_path: Path, line: str, written: str) -> None:
    path = tmp_path / "pigsty.yml"
    path.write_text(f"---\n{line}\n")
    found = list(misread([str(path)]))
    assert [(each.path, each.line, each.written) for each in found] == ([(str(path), 2, written)] if written else [])
    for each in found:
        assert yaml.safe_load(f"a: {written}") == {"a": each.value}
        assert (str(each.value) == written) is False


def test_where_it_looks(tmp_path: Path) -> None:
    """The sources, and the folders of variables beside them; what is no file, or no YAML, is left alone."""
    places = ["pigsty.yml", "group_vars/all.yml", "group_vars/pg-test/ports.yml", "host_vars/10.10.10.11"]
    for name in [*places, "other.yml", "host_vars/notes.txt"]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("port: 05435\n")
    found = {
        Path(each.path).relative_to(tmp_path).as_posix() for each in misread([str(tmp_path / "pigsty.yml"), "a,b,"])
    }
    assert found == set(places)
    found = {Path(each.path).relative_to(tmp_path).as_posix() for each in misread([str(tmp_path)])}
    assert found == {*places, "other.yml"}
    assert list(misread([str(tmp_path / "missing.yml")]))

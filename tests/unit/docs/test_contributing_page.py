# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files and names in the example of CONTRIBUTING.md exist."""

from __future__ import annotations

import re

import pytest

from ansible_collections.pgsvc.access.tests.conftest import ROOT

EXAMPLE = (
    (ROOT / "CONTRIBUTING.md")
    .read_text(encoding="utf-8")
    .partition("## Example: a new field of a service")[2]
    .partition("\n## ")[0]
)
PATHS = sorted(set(re.findall(r"`((?:plugins|roles|tests|docs|changelogs)/[\w/.-]+)`", EXAMPLE)))
NAMES = {
    "plugins/plugin_utils/_model/definition.py": ["class Definition:", "_PARSERS: ", "ValueProblem", "values.integer("],
    "plugins/plugin_utils/_input/defaults.py": ["SERVICE: "],
    "plugins/plugin_utils/_model/service.py": ["class Service:"],
    "plugins/plugin_utils/_plan/resolver.py": ["Definition"],
    "plugins/filter/plan.py": ["RETURN = "],
    "plugins/plugin_utils/_plan/rendering.py": ["def render_service(", "_SELF_CONTAINED = (", '"retries 3",'],
}


def test_the_example_names_files() -> None:
    assert set(NAMES) < set(PATHS)


@pytest.mark.parametrize("path", PATHS)
def test_a_file_of_the_example_exists(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("path", NAMES)
def test_a_file_of_the_example_defines_its_names(path: str) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")
    assert [name for name in NAMES[path] if name not in text] == []

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The paths of a call, as people type them, and its files as one text."""

from __future__ import annotations

import json

import pytest

from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import PublishError
from ansible_collections.pgsvc.access.plugins.module_utils._publish.directory import Wanted
from ansible_collections.pgsvc.access.plugins.module_utils._publish.request import absolute_path, files_of

UNDERSTOOD: dict[str, str] = {
    "/etc/haproxy": "/etc/haproxy",
    "/etc/haproxy/": "/etc/haproxy",
    "//etc/haproxy": "/etc/haproxy",
    "///etc//haproxy//": "/etc/haproxy",
    "/etc/./haproxy/.": "/etc/haproxy",
    "/./run/./a.sock": "/run/a.sock",
    "/": "/",
    "//": "/",
    "/my files/b": "/my files/b",
    # The parent of what a link leads to is not the folder that the link is in.
    "/link/../b/": "/link/../b",
}


@pytest.mark.parametrize("given", UNDERSTOOD)
def test_understood(given: str) -> None:
    assert absolute_path("conf_dir", given) == UNDERSTOOD[given]


@pytest.mark.parametrize("given", ["", ".", "etc/haproxy", "./etc", "~nobody-here/haproxy"])
def test_refused(given: str) -> None:
    with pytest.raises(PublishError) as caught:
        absolute_path("conf_dir", given)
    assert str(caught.value) == f"conf_dir: {given!r} is not an absolute path; allowed: one that begins with '/'"


GIVEN = {"name": "a", "owner": "node", "content": "listen a\n"}


def test_files_in_json() -> None:
    given = [GIVEN, {**GIVEN, "cut_removed": False, "may_be_empty": True}]
    assert files_of(json.dumps(given)) == [
        Wanted("a", "node", "listen a\n"),
        Wanted("a", "node", "listen a\n", cut_removed=False, may_be_empty=True),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "1", "[1]", "[[]]", '["a"]', "[{}]", "[" * 100_000,
        *(json.dumps([{**GIVEN, **wrong}]) for wrong in (
            {"name": 1}, {"owner": None}, {"content": ["listen a"]}, {"cut_removed": "yes"}, {"may_be_empty": 1},
            {"x": 1},
        )),
    ],
)  # fmt: skip
def test_files_in_json_refused(text: str) -> None:
    with pytest.raises(PublishError) as caught:
        files_of(text)
    assert str(caught.value).startswith("files_json: not a list of files in JSON, with the fields of files (")

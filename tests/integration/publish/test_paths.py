# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders and sockets in another form than the shortest."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.pgsvc.access.tests.integration.publish.node import Node, statuses

FORMS = {"as is": "{}", "slashes before": "//{}", "a slash behind": "{}/", "a dot": "/.{}/."}
SOCKETS = {"as is": "{}", "slashes before": "//{}", "a slash behind": "{}", "a dot": "/.{}"}


@pytest.mark.spread
@pytest.mark.parametrize("form", FORMS)
def test_the_form_of_a_path_makes_no_difference(node: Node, form: str) -> None:
    arguments: dict[str, Any] = {
        **{
            name: FORMS[form].format(path)
            for name, path in (("conf_dir", node.conf_dir), ("state_dir", node.state_dir))
        },
        "master_socket": SOCKETS[form].format(node.haproxy.master_socket),
        "stats_socket": SOCKETS[form].format(node.haproxy.stats_socket),
    }

    first = node.publish([node.service("a", 5440)], **arguments)
    again = node.publish([node.service("a", 5440)], **arguments)

    assert statuses(first) == {"a": "created"}
    assert (node.state_dir / "a.state").exists()
    assert node.proxies() == {"a"}
    assert again["changed"] is False


@pytest.mark.spread
@pytest.mark.parametrize("argument", ["conf_dir", "state_dir", "master_socket", "stats_socket"])
@pytest.mark.parametrize("path", ["haproxy", ""])
def test_a_relative_path_is_refused(node: Node, argument: str, path: str) -> None:
    wrong: dict[str, Any] = {argument: path}

    result = node.publish([node.service("a", 5440)], **wrong)

    assert result["msg"] == f"{argument}: {path!r} is not an absolute path; allowed: one that begins with '/'"
    assert result["rolled_back"] is False
    assert node.files() == {}

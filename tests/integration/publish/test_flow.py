# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a call does when everything is well: first files, changes under way, nothing to do, check mode, diff."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.pgsvc.access.tests.integration.publish.node import OWNER, Node, statuses
from ansible_collections.pgsvc.access.tests.support.haproxy import HAProxy, wait_until


def test_from_nothing_to_services_that_run(node: Node) -> None:
    primary, replica = node.service("pg-test-primary", 5433), node.service("pg-test-replica", 5434)

    result = node.publish([primary, replica])

    assert result["changed"] is True
    assert result["services"] == [
        {"name": "pg-test-primary", "owner": OWNER, "status": "created"},
        {"name": "pg-test-replica", "owner": OWNER, "status": "created"},
    ]
    assert result["applied"] == {
        "method": "reload",
        "reason": "only a reload can apply this (pg-test-primary, pg-test-replica: new)",
        "draining": [],
    }
    assert result["old_workers"] == {"count": 0, "sessions": 0}
    assert node.files() == {"pg-test-primary.cfg": primary["content"], "pg-test-replica.cfg": replica["content"]}
    assert node.proxies() == {"pg-test-primary", "pg-test-replica"}
    assert node.reloads() == 1


def test_files_are_for_everybody_and_the_state_folder_for_root(node: Node) -> None:
    node.state_dir.rmdir()
    node.publish([node.service("pg-test-primary", 5433)])
    assert (node.conf_dir / "pg-test-primary.cfg").stat().st_mode & 0o7777 == 0o644
    assert node.state_dir.stat().st_mode & 0o7777 == 0o700
    assert {path.stat().st_mode & 0o7777 for path in node.state_dir.iterdir()} == {0o600}


def test_nothing_is_touched_when_nothing_changed(node: Node) -> None:
    files = [node.service("pg-test-primary", 5433), node.service("pg-test-replica", 5434)]
    node.publish(files)
    before, worker = node.snapshot(), node.haproxy.worker

    result = node.publish(files)

    assert result == {
        "changed": False,
        "services": [
            {"name": "pg-test-primary", "owner": OWNER, "status": "unchanged"},
            {"name": "pg-test-replica", "owner": OWNER, "status": "unchanged"},
        ],
        "applied": {"method": "none", "reason": "HAProxy already runs the configuration of the files", "draining": []},
        "old_workers": {"count": 0, "sessions": 0},
        "diff": [],
    }
    assert node.snapshot() == before
    assert (node.haproxy.worker, node.reloads()) == (worker, 1)


def test_an_unchanged_set_needs_no_haproxy_binary(node: Node) -> None:
    files = [node.service("pg-test-primary", 5433)]
    node.publish(files)
    assert node.publish(files, binary="/nonexistent")["changed"] is False


Edit = Callable[[Node], list[dict[str, Any]]]

CHANGES: dict[str, tuple[Edit, dict[str, str], str]] = {
    "another port": (
        lambda node: [node.service("a", 5441), node.service("b", 5442)],
        {"a": "updated", "b": "unchanged"},
        "a: changed beyond its servers",
    ),
    "the ports of two services are exchanged": (
        lambda node: [node.service("a", 5442), node.service("b", 5440)],
        {"a": "updated", "b": "updated"},
        "a, b: changed beyond its servers",
    ),
    "one is removed, another takes its port": (
        lambda node: [node.service("a", 5440), node.service("c", 5442)],
        {"a": "unchanged", "b": "removed", "c": "created"},
        "c: new; b: removed",
    ),
    "the last ones are removed": (lambda _node: [], {"a": "removed", "b": "removed"}, "a, b: removed"),
    "another directive": (
        lambda node: [node.service("a", 5440), node.service("b", 5442, options=["option tcpka"])],
        {"a": "unchanged", "b": "updated"},
        "b: changed beyond its servers",
    ),
}


@pytest.mark.spread
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_under_way(node: Node, change: str) -> None:
    edit, expected, reason = CHANGES[change]
    node.publish([node.service("a", 5440), node.service("b", 5442)])
    files = edit(node)

    foreseen = node.publish(files, check=True)
    assert node.reloads() == 1
    result = node.publish(files)

    assert statuses(result) == expected
    assert result["applied"] == {
        "method": "reload",
        "reason": f"only a reload can apply this ({reason})",
        "draining": [],
    }
    assert foreseen == result
    assert node.files() == {f"{file['name']}.cfg": file["content"] for file in files}
    assert node.proxies() == {file["name"] for file in files}
    assert node.reloads() == 2
    assert node.publish(files)["changed"] is False


def test_check_mode_writes_nothing(node: Node) -> None:
    node.state_dir.rmdir()
    result = node.publish([node.service("a", 5440)], check=True)
    assert statuses(result) == {"a": "created"}
    assert node.files() == {}
    assert not node.state_dir.exists()
    assert node.proxies() == set()


def test_the_diff_shows_no_secret(node: Node) -> None:
    """A file from before such lines were refused is replaced, then one is removed."""
    secret = node.service("web", 5440, options=["mode http", "http-request set-header X-Token pgsvc-secret"])
    assert statuses(node.publish([secret])) == {"web": "created"}
    removed = node.publish([])
    assert statuses(node.publish([secret])) == {"web": "created"}
    replaced = node.publish([node.service("web", 5440)])
    path = node.conf_dir / "web.cfg"
    hidden = [{"prepared": f"{path} changes; its text contains a secret and is not shown\n"}]
    assert [removed["diff"], replaced["diff"]] == [hidden, hidden]


def test_the_diff_shows_what_a_file_was_and_becomes(node: Node) -> None:
    old, new = node.service("a", 5440), node.service("a", 5441)
    created, updated, removed = node.publish([old]), node.publish([new]), node.publish([])
    path = str(node.conf_dir / "a.cfg")
    before, after = old["content"], new["content"]
    assert created["diff"] == [{"before": "", "after": before, "before_header": "/dev/null", "after_header": path}]
    assert updated["diff"] == [{"before": before, "after": after, "before_header": path, "after_header": path}]
    assert removed["diff"] == [{"before": after, "after": "", "before_header": path, "after_header": "/dev/null"}]


def test_written_now_and_applied_later(node: Node) -> None:
    node.publish([node.service("a", 5440), node.service("gone", 5449)])
    later = [node.service("a", 5441), node.service("b", 5442)]

    written = node.publish(later, apply=False)

    assert statuses(written) == {"a": "updated", "b": "created", "gone": "removed"}
    assert written["applied"] == {"method": "none", "reason": "apply is false", "draining": []}
    assert node.proxies() == {"a", "gone"}
    assert node.publish(later, apply=False)["changed"] is False

    files = node.files()
    foreseen, applied = node.publish([], write=False, check=True), node.publish([], write=False)

    assert statuses(applied) == {"a": "unchanged", "b": "unchanged"}
    assert applied["applied"] == {
        "method": "reload",
        "reason": "only a reload can apply this (b: new; gone: removed; a: changed beyond its servers)",
        "draining": [],
    }
    assert foreseen == applied
    assert node.files() == files
    assert node.proxies() == {"a", "b"}
    assert node.publish([], write=False)["changed"] is False


def test_without_apply_the_sockets_are_left_alone(node: Node) -> None:
    result = node.publish(
        [node.service("a", 5440)],
        apply=False,
        config_args=node.haproxy.config_args,
        master_socket="/nonexistent/m.sock",
        stats_socket="/nonexistent/s.sock",
    )
    assert statuses(result) == {"a": "created"}


def test_files_that_someone_changed_by_hand_are_set_right_and_applied(node: Node) -> None:
    files = [node.service("a", 5440)]
    node.publish(files)
    path = node.conf_dir / "a.cfg"
    path.write_text(path.read_text().replace(":5440", ":5441"))
    node.haproxy.reload()

    result = node.publish(files)

    assert statuses(result) == {"a": "updated"}
    assert result["applied"]["method"] == "reload"
    assert node.publish(files)["changed"] is False


def test_a_process_that_somebody_else_reloaded_has_nothing_to_load(node: Node) -> None:
    """Files that are older than the process by more than the two seconds that reading them may have taken."""
    files = [node.service("a", 5440)]
    node.publish(files)
    recorded = time.time()  # a busy machine notes the time of a file well after it has written it
    wait_until(lambda: time.time() > recorded + 2.5)
    node.haproxy.reload()
    before = node.snapshot()
    assert node.publish(files)["changed"] is False
    assert node.snapshot() == before


def test_a_file_that_changed_after_an_unknown_process_began_is_applied(node: Node) -> None:
    """The record is of another process, and the file is younger than this one: nobody knows that it is loaded."""
    node.publish([node.service("a", 5440)])
    node.haproxy.restart()
    node.publish([node.service("a", 5441)], apply=False)

    result = node.publish([node.service("a", 5441)])

    assert statuses(result) == {"a": "unchanged"}
    assert result["applied"]["reason"] == "only a reload can apply this (a: on disk but perhaps not loaded yet)"
    assert node.publish([node.service("a", 5441)])["changed"] is False


def test_nobody_runs(haproxy: HAProxy, new_address: Callable[[], str]) -> None:
    node = Node(haproxy, new_address())
    files = [node.service("a", 5440)]
    arguments: dict[str, Any] = {"config_args": haproxy.config_args}
    where = f"no process answers at {haproxy.master_socket} or {haproxy.stats_socket}"

    foreseen = node.publish(files, check=True, **arguments)
    result = node.publish(files, **arguments)

    assert statuses(foreseen) == {"a": "created"}
    assert foreseen["warnings"] == [f"HAProxy is not running ({where}): start it before a real run"]
    assert result["failed"] is True
    assert result["rolled_back"] is False
    assert result["msg"] == (
        f"HAProxy is not running ({where}). The files in {node.conf_dir} are valid and were kept: start it "
        "(systemctl start haproxy), or set haproxy_master_socket and haproxy_stats_socket to its sockets"
    )
    haproxy.start()
    assert node.proxies() == {"a"}
    assert "a.cfg" in node.files()


def test_the_files_are_not_sent_back(node: Node) -> None:
    """A load balancer of thousands of services would return all of them in full with each result."""
    for files in ([node.service("a", 5440)], [node.service("a", 5440, options=["no such option"])]):
        _code, output = node.begin(files).output()
        result = json.loads(output)
        assert result["invocation"]["module_args"]["files"] == ["a"]
        assert "default-server" not in json.dumps(result["invocation"])

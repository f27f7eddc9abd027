# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose files are touched: those of the call's owners, and files that say nothing but the service itself."""

from __future__ import annotations

from ansible_collections.pgsvc.access.tests.integration.publish.node import OWNER, Node, statuses

PIGSTY = """\
#---------------------------------------------------------------------
# service: pg-test-primary @ 10.10.10.11:5433
#---------------------------------------------------------------------
# service instances 10.10.10.11
listen pg-test-primary
    bind {address}:5433
    mode tcp
    maxconn 5000
    balance roundrobin
    timeout connect 3s
    timeout client 24h
    timeout server 24h
    option httpchk OPTIONS /primary
    http-check expect status 200
    default-server inter 3s fastinter 1s downinter 5s rise 3 fall 3 on-marked-down shutdown-sessions
    server pg-test-1 {address}:9 check port 9 weight 100
"""


def test_the_neighbour_whose_name_begins_alike(node: Node) -> None:
    """`pg-test` never touches what belongs to `pg-test-dr`."""
    recovery = node.service("pg-test-dr-primary", 5443, owner="member/pg-test-dr")
    node.publish([node.service("pg-test-primary", 5433)])
    node.publish([recovery], owners=["member/pg-test-dr"])

    result = node.publish([], owners=[OWNER])

    assert statuses(result) == {"pg-test-primary": "removed"}
    assert node.files() == {"pg-test-dr-primary.cfg": recovery["content"]}
    assert node.proxies() == {"pg-test-dr-primary"}
    assert [path.name for path in node.state_dir.glob("*.state")] == ["pg-test-dr-primary.state"]


def test_a_pattern_speaks_for_all_owners_below_it(node: Node) -> None:
    files = [
        node.service("a", 5440, owner="member/pg-a"),
        node.service("b", 5441, owner="member/pg-b"),
        node.service("c", 5442, owner="delegated/pg-c"),
    ]
    node.publish(files, owners=["member/*", "delegated/pg-c"])
    result = node.publish(files[:1], owners=["member/*"])
    assert statuses(result) == {"a": "unchanged", "b": "removed"}
    assert set(node.files()) == {"a.cfg", "c.cfg"}


def test_files_of_nobody_and_of_others_stay(node: Node) -> None:
    """Services without an owner, folders, hidden files, other suffixes, editors' backups, and links."""
    theirs = {
        "theirs.cfg": PIGSTY.format(address=node.address).replace("pg-test-primary", "theirs"),
        ".hidden.cfg": "nonsense",
        "notes.tmp": "theirs",
        "pg-test-primary.cfg.bak": "theirs",
    }
    for name, content in theirs.items():
        (node.conf_dir / name).write_text(content)
    (node.conf_dir / "certs").mkdir()
    (node.conf_dir / "certs" / "site.pem").write_text("theirs")
    service = node.service("pg-test-primary", 5440)

    node.publish([service])
    (node.conf_dir / "certs" / "site.pem").unlink()
    (node.conf_dir / "certs").rmdir()

    assert node.files() == {**theirs, "pg-test-primary.cfg": service["content"]}
    node.publish([])
    assert node.files() == theirs


def test_pigstys_file_of_the_same_service_is_adopted(node: Node) -> None:
    """It is the same service by other hands: replaced in place, shown in the diff, and then ours."""
    path = node.conf_dir / "pg-test-primary.cfg"
    path.write_text(PIGSTY.format(address=node.address))
    node.haproxy.reload()
    before = path.read_text()
    service = node.service("pg-test-primary", 5433)

    foreseen, result = node.publish([service], check=True), node.publish([service])

    assert foreseen == result
    assert statuses(result) == {"pg-test-primary": "updated"}
    assert [(each["before"], each["after"]) for each in result["diff"]] == [(before, service["content"])]
    assert result["applied"]["method"] == "reload"
    assert node.publish([service])["changed"] is False
    assert statuses(node.publish([])) == {"pg-test-primary": "removed"}


def test_a_link_in_the_place_of_a_service_is_replaced_and_its_target_stays(node: Node) -> None:
    target = node.haproxy.folder / "shared.cfg"
    target.write_text(PIGSTY.format(address=node.address))
    (node.conf_dir / "pg-test-primary.cfg").symlink_to(target)
    service = node.service("pg-test-primary", 5433)
    assert statuses(node.publish([service])) == {"pg-test-primary": "updated"}
    assert not (node.conf_dir / "pg-test-primary.cfg").is_symlink()
    assert target.read_text() == PIGSTY.format(address=node.address)


def test_paths_relative_to_the_configuration_resolve_while_it_is_validated(node: Node) -> None:
    (node.conf_dir / "errors").mkdir()
    (node.conf_dir / "errors" / "503.http").write_text("HTTP/1.0 503 Service Unavailable\r\n\r\n")
    node.haproxy.base.write_text(node.haproxy.base.read_text().replace("global\n", "global\n    default-path config\n"))
    (node.conf_dir / "web.cfg").write_text("backend web\n    mode http\n    errorfile 503 errors/503.http\n")
    node.haproxy.restart()
    assert statuses(node.publish([node.service("a", 5440)])) == {"a": "created"}

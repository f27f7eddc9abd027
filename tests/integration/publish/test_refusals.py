# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a call refuses, in which words, and that it leaves everything as it was."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgsvc.access.tests.integration.publish.node import Node, statuses
from ansible_collections.pgsvc.access.tests.support.haproxy import HAProxy

Call = Callable[[Node], dict[str, Any]]


def with_owner_line(node: Node, line: str) -> dict[str, Any]:
    file = node.service("a", 5440)
    return {**file, "content": re.sub("# managed by .*", line, file["content"])}


REFUSED: dict[str, tuple[Call, str]] = {
    "the name of the base configuration": (
        lambda node: {"files": [node.service("haproxy", 5440)]},
        "files: 'haproxy' cannot be the name of a service file; allowed: letters, digits, '-', '_', '.', not a leading "
        "'.', and not 'haproxy'",
    ),
    "a path": (
        lambda node: {"files": [node.service("../a", 5440)]},
        "files: '../a' cannot be the name of a service file; allowed: letters, digits, '-', '_', '.', not a leading "
        "'.', and not 'haproxy'",
    ),
    "one name twice": (
        lambda node: {"files": [node.service("a", 5440), node.service("a", 5441)]},
        "files: a is given twice; allowed: each name once",
    ),
    "an owner that the call does not speak for": (
        lambda node: {"files": [node.service("a", 5440, owner="node")]},
        "files: a has the owner node, which is not in owners (member/pg-test)",
    ),
    "a pattern as an owner": (
        lambda node: {"files": [node.service("a", 5440, owner="member/*")], "owners": ["member/*"]},
        "files: a has the owner 'member/*'; allowed: no blank, ':' or '*'",
    ),
    "content without its owner": (
        lambda node: {"files": [with_owner_line(node, "# nobody's")]},
        "files: the content of a does not name its owner; allowed: a line '# managed by pgsvc.access, owner "
        "member/pg-test: changes made here are overwritten'",
    ),
    "content with another owner": (
        lambda node: {"files": [with_owner_line(node, "# managed by pgsvc.access, owner node: x")]},
        "files: the content of a does not name its owner; allowed: a line '# managed by pgsvc.access, owner "
        "member/pg-test: changes made here are overwritten'",
    ),
    "two services on one port": (
        lambda node: {"files": [node.service("a", 5440), node.service("b", 5440)]},
        "a.cfg and b.cfg would both listen on port 5440 (listen a on {address}:5440, listen b on {address}:5440) and "
        "HAProxy would split the connections between them: give one of them another port or address, or remove the "
        "file that is not needed",
    ),
    "the port of a file of someone else's": (
        lambda node: {"files": [node.service("a", 5450)]},
        "a.cfg and theirs.cfg would both listen on port 5450 (listen a on {address}:5450, frontend theirs on *:5450) "
        "and HAProxy would split the connections between them: give one of them another port or address, or remove "
        "the file that is not needed",
    ),
    "a file of someone else's in the way": (
        lambda node: {"files": [node.service("theirs", 5440)]},
        "theirs.cfg already exists, was not written by pgsvc.access and contains more than 'listen theirs': move it "
        "away, or give the service another name",
    ),
    "a file of another owner in the way": (
        lambda node: {"files": [node.service("nodes", 5440)]},
        "nodes.cfg already exists and belongs to node, not to member/pg-test: give one of the two services another "
        "name, or remove the file if its owner no longer exists",
    ),
    "an address that this machine has not": (
        lambda node: {"files": [with_bind(node, "192.0.2.1:5440")]},
        "HAProxy could not open listen a on 192.0.2.1:5440: Cannot assign requested address; give the service an "
        "address of this host, or allow addresses that are added later, such as a virtual one (sysctl "
        "net.ipv4.ip_nonlocal_bind=1)",
    ),
    "arguments that do not load the directory": (
        lambda node: {"files": [node.service("a", 5440)], "config_args": ["-f", str(node.haproxy.base)]},
        "HAProxy does not load {conf_dir}: according to config_args it is started with -f {base}. Let the role "
        "pgsvc.access.haproxy set up the unit, set haproxy_conf_dir to a directory that HAProxy loads, or set "
        "haproxy_config_args when it is started in another way",
    ),
    "files in two ways": (
        lambda node: {"files": [node.service("a", 5440)], "files_json": "[]"},
        "files_json: not allowed together with files; remove one of the two",
    ),
    "no binary": (
        lambda node: {"files": [node.service("a", 5440)], "binary": "/nonexistent/haproxy"},
        "there is no /nonexistent/haproxy to validate the files with: install the package haproxy (role "
        "pgsvc.access.haproxy), or give the path of another binary",
    ),
    "a file for a directory": (
        lambda node: {"files": [], "conf_dir": str(node.haproxy.base)},
        "{base} is a file: set haproxy_conf_dir to the folder that HAProxy loads",
    ),
    "no directory": (
        lambda _node: {"files": [], "conf_dir": "/nonexistent/conf.d"},
        "there is no directory /nonexistent/conf.d: install HAProxy (role pgsvc.access.haproxy), or set "
        "haproxy_conf_dir",
    ),
}


def with_bind(node: Node, bind: str) -> dict[str, Any]:
    file = node.service("a", 5440)
    return {**file, "content": re.sub("bind .*", f"bind {bind}", file["content"])}


@pytest.mark.spread
@pytest.mark.parametrize("case", REFUSED)
def test_refused(node: Node, case: str) -> None:
    call, message = REFUSED[case]
    (node.conf_dir / "theirs.cfg").write_text("frontend theirs\n    mode tcp\n    bind *:5450\n    timeout client 1s\n")
    node.publish([node.service("nodes", 5451, owner="node")], owners=["node"])
    before, reloads = node.snapshot(), node.reloads()
    arguments = call(node)

    result = node.publish(**arguments)

    assert result["failed"] is True
    assert result["rolled_back"] is False
    assert result["msg"] == message.format(address=node.address, conf_dir=node.conf_dir, base=node.haproxy.base)
    assert node.snapshot() == before
    assert node.reloads() == reloads


@pytest.mark.spread
@pytest.mark.parametrize("check", [False, True])
def test_a_set_that_haproxy_rejects(node: Node, check: bool) -> None:
    """HAProxy's own words, with the path that the file would have had; also when only one of many files is wrong."""
    node.publish([node.service("a", 5440), node.service("gone", 5449)])
    before, reloads = node.snapshot(), node.reloads()

    result = node.publish([node.service("a", 5441), node.service("b", 5442, options=["nonsense"])], check=check)

    path = re.escape(str(node.conf_dir / "b.cfg"))
    assert result["rolled_back"] is False
    assert re.fullmatch(
        r"HAProxy rejects the new files: "
        rf"\[ALERT\] +\(\d+\) : config : parsing \[{path}:20\] ?: unknown keyword 'nonsense' in 'listen' section\n"
        rf"\[ALERT\] +\(\d+\) : config : Error\(s\) found in configuration file : {path}\n"
        r"\[ALERT\] +\(\d+\) : config : Fatal errors found in configuration\.",
        result["msg"],
    ), result["msg"]
    assert node.snapshot() == before
    assert node.reloads() == reloads
    assert node.proxies() == {"a", "gone"}


@pytest.mark.spread
@pytest.mark.parametrize("wrong", ["new", ""])
def test_a_file_of_others_that_was_broken_before(node: Node, wrong: str) -> None:
    """It is named, and said not to be this run's fault, whether or not the new files are wrong as well."""
    node.publish([node.service("a", 5440)])
    theirs = node.conf_dir / "theirs.cfg"
    theirs.write_text("frontend theirs\n    mode tcp\n    bnid *:5450\n")
    before, reloads = node.snapshot(), node.reloads()

    result = node.publish([node.service("a", 5441, options=["nonsense"] if wrong else [])])

    assert result["rolled_back"] is False
    assert re.match(
        r"HAProxy rejects the configuration of this host even without the new files: correct it first\. Nothing was "
        rf"changed\. \[ALERT\] +\(\d+\) : config : parsing \[{re.escape(str(theirs))}:3\] ?: unknown keyword 'bnid'",
        result["msg"],
    ), result["msg"]
    assert "nonsense" not in result["msg"]
    assert node.snapshot() == before
    assert node.reloads() == reloads


def test_a_port_that_another_program_holds(node: Node) -> None:
    with socket.create_server((node.address, 5440)):
        result = node.publish([node.service("a", 5440)])
    assert result["msg"] == (
        f"HAProxy could not open listen a on {node.address}:5440: Address already in use; another program listens "
        "there: give the service another port, or stop that program (ss -ltnp)"
    )
    assert node.files() == {}
    assert statuses(node.publish([node.service("a", 5440)])) == {"a": "created"}


def test_a_running_master_that_does_not_load_the_directory(haproxy: HAProxy, new_address: Callable[[], str]) -> None:
    """Debian's own unit: only the base configuration."""
    conf_dir = haproxy.folder / "other.d"
    conf_dir.mkdir()
    node = Node(haproxy.start(), new_address())
    result = node.publish([node.service("a", 5440)], conf_dir=str(conf_dir))
    master = haproxy.master.processes().master
    assert result["msg"] == (
        f"HAProxy does not load {conf_dir}: according to the running master (process {master}) it is started with "
        f"-f {haproxy.base} -f {haproxy.conf_dir}. Let the role pgsvc.access.haproxy set up the unit, set "
        "haproxy_conf_dir to a directory that HAProxy loads, or set haproxy_config_args when it is started in another "
        "way"
    )
    assert list(conf_dir.iterdir()) == []


def test_a_socket_that_is_not_haproxys(node: Node, tmp_path: Path) -> None:
    path = tmp_path / "other.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        server.settimeout(60)
        module = node.begin([node.service("a", 5440)], master_socket=str(path))
        connection, _address = server.accept()
        with connection:
            connection.recv(100)
            connection.sendall(b"220 ready\n")
        result = module.result()
    assert result["msg"] == (
        f"{path} is not the socket of an HAProxy master: it answered 'show proc' with: 220 ready. Nothing was changed"
    )
    assert node.files() == {}

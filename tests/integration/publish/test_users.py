# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HAProxy and who publishes to it as different users: which listeners are refused. Runs as root."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgsvc.access.tests.integration.publish.node import Node
from ansible_collections.pgsvc.access.tests.support.haproxy import BASE, HAProxy

ROOT, PROXY, OTHER = 0, 65534, 12345
SYSTEM_PYTHON = "/usr/bin/python3"  # the one in an environment may be in a folder that is not everybody's

SERVER = """
import socket, sys
with socket.create_server((sys.argv[1], int(sys.argv[2])), reuse_port=sys.argv[3] == "share"):
    print("listening", flush=True)
    sys.stdin.read()
"""
PROBE = """
import json, sys
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.bindable import check_bindable
from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import PublishError
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.config import bind_addresses
try:
    check_bindable(bind_addresses("listen a\\n    bind " + sys.argv[1]), int(sys.argv[2]))
    print("null")
except PublishError as error:
    print(json.dumps(str(error)))
"""
PUBLISH = """
import json, sys
from pathlib import Path
from ansible_collections.pgsvc.access.plugins.module_utils._publish.directory import Wanted
from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import PublishError
from ansible_collections.pgsvc.access.plugins.module_utils._publish.publication import publish
from ansible_collections.pgsvc.access.plugins.module_utils._publish.request import Request
said = json.load(sys.stdin)
said["files"] = [Wanted(**file) for file in said["files"]]
for name in ("conf_dir", "state_dir"):
    said[name] = Path(said[name])
try:
    print(json.dumps(publish(Request(**said)).to_dict(said["conf_dir"], diff=False)))
except PublishError as error:
    print(json.dumps({"failed": True, "msg": str(error)}))
"""


def as_user(uid: int) -> list[str]:
    """The command that runs another one as a user without any rights of root."""
    return ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--"] if uid else []


def _free_port() -> int:
    """One that nothing listens on at any address."""
    with socket.create_server(("", 0)) as server:
        port: int = server.getsockname()[1]
        return port


class Place:
    """A folder that every user may enter, with the host's side of the collection."""

    def __init__(self, folder: Path, binary: Path, address: str) -> None:
        self.folder = folder
        self.binary = binary
        self.address = address
        self.port = _free_port()
        self._running: list[HAProxy] = []
        folder.chmod(0o755)
        packages = folder / "ansible_collections/pgsvc/access/plugins"
        shutil.copytree(Path(__file__).parents[3] / "plugins/module_utils", packages / "module_utils")

    def haproxy(self, user: int, base: str = BASE) -> Node:
        """A HAProxy of that user which listens on `port`."""
        instance = HAProxy(self.binary, self.folder / "lb", base=base, prefix=as_user(user))
        node = Node(instance, self.address)
        instance.write("a", str(node.service("a", self.port)["content"]))
        for path in (instance.folder, *instance.folder.rglob("*")):
            os.chown(path, user, user)
        self._running.append(instance)
        instance.start()
        return node

    def refusal(self, node: Node, user: int, bind: str) -> str | None:
        """What the check says to that user of a listener."""
        said: str | None = json.loads(self.python(user, PROBE, bind, str(node.haproxy.worker)))
        return said

    def publish(self, node: Node, user: int, file: dict[str, Any]) -> dict[str, Any]:
        arguments = {**node.arguments([file]), "temporary": "/tmp"}
        result: dict[str, Any] = json.loads(self.python(user, PUBLISH, given=json.dumps(arguments)))
        return result

    def python(self, user: int, script: str, *words: str, given: str = "") -> str:
        command = [*as_user(user), SYSTEM_PYTHON, "-c", script, *words]
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, input=given, env=environment, cwd="/"
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def close(self) -> None:
        for instance in self._running:
            instance.stop()


@pytest.fixture
def place(haproxy_binary: Path, new_address: Callable[[], str]) -> Iterator[Place]:
    # Not tmp_path, which is its owner's alone.
    folder = Path(tempfile.mkdtemp(prefix="pgsvc-"))
    place = Place(folder, haproxy_binary, new_address())
    yield place
    place.close()
    shutil.rmtree(folder)


@pytest.fixture
def program() -> Iterator[Callable[[int, str, int, str], None]]:
    """A function that has a program of a user listen somewhere."""
    running: list[subprocess.Popen[str]] = []

    def listen(user: int, address: str, port: int, share: str = "") -> None:
        command = [*as_user(user), SYSTEM_PYTHON, "-c", SERVER, address, str(port), share]
        running.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        assert running[-1].stdout is not None
        assert running[-1].stdout.readline() == "listening\n"

    yield listen
    for process in running:
        process.communicate()


Program = Callable[..., None]


@pytest.mark.spread
@pytest.mark.parametrize(("runs", "asks"), [(ROOT, ROOT), (PROXY, ROOT), (PROXY, PROXY), (ROOT, PROXY), (OTHER, PROXY)])
@pytest.mark.parametrize("base", [BASE, BASE.replace("global\n", "global\n    noreuseport\n")])
def test_what_haproxy_listens_on_is_never_refused(place: Place, runs: int, asks: int, base: str) -> None:
    node = place.haproxy(runs, base)

    assert place.refusal(node, asks, f"{place.address}:{place.port}") is None
    # It covers the one that HAProxy has: a reload pauses that.
    assert place.refusal(node, asks, f"*:{place.port}") is None


IN_USE = "Address already in use; another program listens there: give the service another port, or stop that program "
NOT_HERE = (
    "Cannot assign requested address; give the service an address of this host, or allow addresses that are added "
    "later, such as a virtual one (sysctl net.ipv4.ip_nonlocal_bind=1)"
)


@pytest.mark.spread
@pytest.mark.parametrize(
    ("runs", "asks", "holds", "share", "refused"),
    [
        (ROOT, ROOT, ROOT, "", True),
        (ROOT, ROOT, ROOT, "share", False),
        (ROOT, ROOT, OTHER, "share", True),
        # Root may share with root, so root does not notice that HAProxy may not.
        (PROXY, ROOT, ROOT, "share", False),
        (PROXY, ROOT, OTHER, "", True),
        (PROXY, PROXY, ROOT, "", True),
        (PROXY, PROXY, PROXY, "", True),
        (PROXY, PROXY, PROXY, "share", False),
        # Whether it shares is known to the kernel and to those who may look into it.
        (PROXY, ROOT, PROXY, "", False),
        # A process of another user cannot be looked into.
        (ROOT, PROXY, OTHER, "", False),
        (OTHER, PROXY, ROOT, "", False),
    ],
)
def test_a_port_that_another_program_holds(
    place: Place, program: Program, runs: int, asks: int, holds: int, share: str, refused: bool
) -> None:
    node = place.haproxy(runs)
    program(holds, place.address, 5441, share)

    said = place.refusal(node, asks, f"{place.address}:5441")

    where = f"HAProxy could not open listen a on {place.address}:5441: "
    assert said == (f"{where}{IN_USE}(ss -ltnp)" if refused else None)


@pytest.mark.spread
@pytest.mark.parametrize(
    ("runs", "asks", "refused"),
    [(ROOT, ROOT, True), (PROXY, ROOT, True), (PROXY, PROXY, True), (ROOT, PROXY, False), (OTHER, PROXY, False)],
)
def test_an_address_that_this_machine_has_not(place: Place, runs: int, asks: int, refused: bool) -> None:
    node = place.haproxy(runs)

    said = place.refusal(node, asks, "192.0.2.1:5441")

    assert said == (f"HAProxy could not open listen a on 192.0.2.1:5441: {NOT_HERE}" if refused else None)


@pytest.mark.spread
@pytest.mark.parametrize("runs", [ROOT, PROXY])
def test_a_port_that_only_root_may_open_is_not_judged(place: Place, runs: int) -> None:
    assert place.refusal(place.haproxy(runs), PROXY, f"{place.address}:81") is None


def test_a_haproxy_in_another_network_namespace_is_not_judged(place: Place, program: Program) -> None:
    node = place.haproxy(ROOT)
    command = ["unshare", "--net", "--", SYSTEM_PYTHON, "-c", PROBE, "192.0.2.1:5441", str(node.haproxy.worker)]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, env={"PYTHONPATH": str(place.folder)}, cwd="/"
    )
    assert json.loads(done.stdout) is None


def test_publishing_as_the_user_of_haproxy(place: Place) -> None:
    """A new service, a change that needs a reload while HAProxy holds the port, and nothing to do."""
    node = place.haproxy(PROXY)
    created = place.publish(node, PROXY, node.service("a", place.port, options=["timeout client-fin 7s"]))
    again = place.publish(node, PROXY, node.service("a", place.port, options=["timeout client-fin 7s"]))

    assert (created.get("msg"), created["applied"]["method"], created["changed"]) == (None, "reload", True)
    assert again["changed"] is False
    assert node.proxies() == {"a"}

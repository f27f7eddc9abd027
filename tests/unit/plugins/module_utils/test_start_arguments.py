# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How HAProxy is started, and with which arguments it validates."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy import start_arguments, unit
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.start_arguments import (
    Startup,
    configuration_arguments,
)
from ansible_collections.pgsvc.access.plugins.module_utils._host import systemd
from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import PublishError

ARGUMENTS: dict[str, str] = {
    "-Ws -f /etc/haproxy/haproxy.cfg -p /run/haproxy.pid -S /run/haproxy-master.sock": "-f /etc/haproxy/haproxy.cfg",
    "-sf 12 13 -x /run/a.sock -Ws -f /a -f /b": "-f /a -f /b",
    "-W -q -db -D -V -dr -dW -f /a": "-dr -dW -f /a",
    "-f /a -n 2000 -m 512 -L peer1 -C /etc/haproxy": "-f /a -n 2000 -m 512 -L peer1 -C /etc/haproxy",
    "-Ws -S /run/m.sock -- /a /b": "-- /a /b",
    "-st 12 -f /a": "-f /a",
    "--argv0 haproxy -f /a": "-f /a",
    "": "",
}


@pytest.mark.parametrize("command", ARGUMENTS)
def test_the_arguments_about_the_configuration(command: str) -> None:
    assert " ".join(configuration_arguments(command.split())) == ARGUMENTS[command]


LOADS: dict[str, bool] = {
    "-f /etc/haproxy": True,
    "-f /etc/haproxy/": True,
    "-f /etc/haproxy/haproxy.cfg": False,
    "-f /etc/haproxy/conf.d": False,
    "-f /etc/other.cfg -f /etc/haproxy": True,
    "-- /etc/other.cfg /etc/haproxy": True,
    "-C /etc -f haproxy": True,
    "-f haproxy": False,
    "-L /etc/haproxy -f /etc/other.cfg": False,
    "-f /etc/haproxy/../haproxy": True,
    "": False,
}


@pytest.mark.parametrize("arguments", LOADS)
def test_whether_the_directory_is_loaded(arguments: str) -> None:
    assert Startup(tuple(arguments.split()), "test").loads(Path("/etc/haproxy")) is LOADS[arguments]


def test_a_link_to_the_directory_loads_it(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert Startup(("-f", str(tmp_path / "link")), "test").loads(tmp_path / "real")
    assert Startup(("-f", "link"), "test", str(tmp_path)).loads(tmp_path / "real")


# The directory is to have pg.cfg, which is new, and pg-b.cfg and haproxy.cfg, which stay. HAProxy loads in this order.
FILES = ("haproxy.cfg", "pg.cfg", "pg-b.cfg")
LOADED = "-f /etc/haproxy/haproxy.cfg -f /etc/haproxy/pg-b.cfg -f STAGE/pg.cfg"
STAGED: dict[str, str] = {
    "-f /etc/haproxy": LOADED,
    "-f /etc/haproxy/haproxy.cfg -f /etc/haproxy": f"-f /etc/haproxy/haproxy.cfg {LOADED}",
    "-f /etc/haproxy/pg.cfg -f /etc/haproxy/pg-b.cfg": "-f STAGE/pg.cfg -f /etc/haproxy/pg-b.cfg",
    "-f /etc/base.cfg -f /etc/haproxy -n 10": f"-f /etc/base.cfg {LOADED} -n 10",
    "-f /etc/haproxy/conf.d": "-f /etc/haproxy/conf.d",
    "-L /etc/haproxy -f /etc/haproxy": f"-L /etc/haproxy {LOADED}",
    "-C /etc -f haproxy": "-C /etc -f haproxy/haproxy.cfg -f haproxy/pg-b.cfg -f STAGE/pg.cfg",
    "-n 10 -- /etc/base.cfg /etc/haproxy": f"-n 10 -- /etc/base.cfg {LOADED.replace('-f ', '')}",
    "-f -f": "-f -f",
    "-f": "-f ",
    "-n": "-n",
}


@pytest.mark.parametrize("arguments", STAGED)
def test_the_validation_sees_the_new_files_and_those_that_stay(arguments: str, tmp_path: Path) -> None:
    (tmp_path / "pg.cfg").touch()
    found = Startup(tuple(arguments.split()), "test").validation_arguments(Path("/etc/haproxy"), FILES, tmp_path)
    assert " ".join(found) == "-c " + STAGED[arguments].replace("STAGE", str(tmp_path))


def test_a_running_process_tells_its_arguments_environment_and_place(tmp_path: Path) -> None:
    environment = {"PORT": "5433", "HAPROXY_MWORKER_REEXEC": "1", "NOTIFY_SOCKET": "/run/x", "PATH": os.environ["PATH"]}
    command = ["sh", "-c", "echo; read line", "-f", "/etc/haproxy", "-Ws"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        found = start_arguments.find(None, process.pid, "haproxy", Path("/etc/haproxy"))
        process.communicate(b"\n")
    assert found.arguments == ("-f", "/etc/haproxy")
    assert found.source == f"the running master (process {process.pid})"
    assert found.directory == str(tmp_path)
    assert found.environment["PORT"] == "5433"
    assert not {"HAPROXY_MWORKER_REEXEC", "NOTIFY_SOCKET"} & set(found.environment)


def test_given_arguments_win() -> None:
    found = start_arguments.find(["-Ws", "-f", "/a"], os.getpid(), "haproxy", Path("/etc/haproxy"))
    assert (found.arguments, found.source) == (("-f", "/a"), "config_args")


@pytest.fixture
def shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with systemd, whose `systemctl` shows what is in the file."""
    text = tmp_path / "shown"
    program = tmp_path / "systemctl"
    program.write_text(f"#!/bin/sh\nexec cat {text}\n")
    program.chmod(0o755)
    monkeypatch.setattr(systemd, "_BOOTED", tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return text


DEBIAN = """\
MainPID=0
WorkingDirectory=
ExecStart={ path=/usr/sbin/haproxy ; argv[]=/usr/sbin/haproxy -Ws -f $CONFIG -p $PIDFILE $EXTRAOPTS ; \
ignore_errors=no ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }
Environment=CONFIG=/etc/haproxy/haproxy.cfg PIDFILE=/run/haproxy.pid "EXTRAOPTS=-S /run/haproxy-master.sock"
EnvironmentFiles=/nonexistent/default/haproxy (ignore_errors=yes)
EnvironmentFiles={file} (ignore_errors=yes)
LoadState=loaded
ActiveState=inactive
"""

ENVIRONMENT_FILES: dict[str, str] = {
    "": "-f /etc/haproxy/haproxy.cfg",
    "# -\nEXTRAOPTS=-f /etc/haproxy/conf.d -S /run/m.sock\n": "-f /etc/haproxy/haproxy.cfg -f /etc/haproxy/conf.d",
    'EXTRAOPTS="-f /etc/haproxy/conf.d"\n; comment\n': "-f /etc/haproxy/haproxy.cfg -f /etc/haproxy/conf.d",
    "CONFIG=/etc/haproxy\n": "-f /etc/haproxy",
}


@pytest.mark.parametrize("text", ENVIRONMENT_FILES)
def test_debians_unit(shown: Path, tmp_path: Path, text: str) -> None:
    file = tmp_path / "default"
    file.write_text(text)
    shown.write_text(DEBIAN.replace("{file}", str(file)))
    found = start_arguments.find(None, None, "haproxy", Path("/etc/haproxy"))
    assert " ".join(found.arguments) == ENVIRONMENT_FILES[text]
    assert (found.source, found.directory) == ("the unit haproxy", "/")


def test_a_unit_that_is_not_there(shown: Path) -> None:
    shown.write_text("LoadState=not-found\nActiveState=inactive\n")
    found = start_arguments.find(None, None, "haproxy", Path("/etc/haproxy"))
    assert (found.arguments, found.source) == (("-f", "/etc/haproxy"), "the defaults")


def test_a_machine_without_systemd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(systemd, "_BOOTED", Path("/nonexistent"))
    found = start_arguments.find(None, None, "haproxy", Path("/etc/haproxy"))
    assert found.arguments == ("-f", "/etc/haproxy")


EXPANDED: dict[str, list[str]] = {
    "a $MANY b": ["a", "one", "two words", "b"],
    "a ${MANY} b": ["a", "one 'two words'", "b"],
    "x${ONE}y": ["xoney"],
    "x$ONE": ["x$ONE"],
    "$NONE": [],
    "${NONE}": [""],
    "$$ONE": ["$ONE"],
}


@pytest.mark.parametrize("words", EXPANDED)
def test_variables_are_filled_in_as_systemd_does(words: str) -> None:
    environment = {"MANY": "one 'two words'", "ONE": "one"}
    assert list(unit.expand(words.split(), environment)) == EXPANDED[words]


def test_a_process_older_than_its_unit_is_to_be_restarted(shown: Path) -> None:
    shown.write_text(DEBIAN.replace("$CONFIG", "/etc/haproxy").replace("{file}", "/nonexistent"))
    running = Startup(("-f", "/etc/haproxy/haproxy.cfg"), "the running master (process 12)")
    message = (
        "HAProxy does not load /etc/haproxy: the running master (process 12) was started with "
        "-f /etc/haproxy/haproxy.cfg, before its unit was changed: run systemctl restart haproxy"
    )
    with pytest.raises(PublishError, match=f"^{re.escape(message)}$"):
        start_arguments.check(running, Path("/etc/haproxy"), "haproxy")


def test_debians_own_unit_is_refused(shown: Path) -> None:
    shown.write_text(DEBIAN.replace("{file}", "/nonexistent"))
    startup = start_arguments.find(None, None, "haproxy", Path("/etc/haproxy"))
    message = (
        "HAProxy does not load /etc/haproxy: according to the unit haproxy it is started with -f "
        "/etc/haproxy/haproxy.cfg. Let the role pgsvc.access.haproxy set up the unit, set haproxy_conf_dir to a "
        "directory that HAProxy loads, or set haproxy_config_args when it is started in another way"
    )
    with pytest.raises(PublishError, match=f"^{re.escape(message)}$"):
        start_arguments.check(startup, Path("/etc/haproxy"), "haproxy")


def test_a_failed_reload_by_systemd_says_why(shown: Path) -> None:
    shown.with_name("systemctl").write_text("#!/bin/sh\necho Unit haproxy.service cannot be reloaded. >&2\nexit 1\n")
    assert unit.reload("haproxy") == "Unit haproxy.service cannot be reloaded."


OWN = ["{root}/conf.d/a.cfg", "{root}/conf.d/b.cfg"]
SIZES: dict[str, tuple[tuple[str, ...], list[str]]] = {
    "a folder": (("-f", "{root}/conf.d"), OWN),
    "with a slash": (("-f", "{root}/conf.d/"), ["{root}/conf.d//a.cfg", "{root}/conf.d//b.cfg"]),
    "a file, too": (("-f", "{root}/x.cfg", "-f", "{root}/conf.d"), ["{root}/x.cfg", *OWN]),
    "another folder": (("-f", "{root}/more", "-f", "{root}/conf.d"), ["{root}/more/c.cfg", *OWN]),
    "relative": (("-C", "{root}", "-f", "conf.d"), ["conf.d/a.cfg", "conf.d/b.cfg"]),
}


@pytest.mark.parametrize(("arguments", "names"), SIZES.values(), ids=SIZES)
def test_size_of_names(tmp_path: Path, arguments: tuple[str, ...], names: list[str]) -> None:
    """The variable that HAProxy's master sets, and its closing NUL. Only names that HAProxy loads count."""
    for folder in ("conf.d", "more"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "old.txt").touch()
        (tmp_path / folder / ".hidden.cfg").touch()
    (tmp_path / "more" / "c.cfg").touch()
    startup = Startup(tuple(word.format(root=tmp_path) for word in arguments), "a test")
    variable = "HAPROXY_CFGFILES=" + ";".join(name.format(root=tmp_path) for name in names)
    assert startup.size_of_names(tmp_path / "conf.d", ["a.cfg", "b.cfg"]) == len(variable) + 1

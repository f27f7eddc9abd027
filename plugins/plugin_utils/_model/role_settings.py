# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of the roles, checked and converted to their types before the roles write anything.

Variables that only the plans use are checked in `_access` and `_plan`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.grammar import SECTIONS
from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.secrets import may_hold_secret
from ansible_collections.pgsvc.access.plugins.plugin_utils._input import defaults, values
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.cluster_settings import Setting
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import (
    Problem,
    Report,
    ValueProblem,
    merged_lines,
    not_allowed,
)
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.load_balancer import Listener, report_clashes
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.node_service import parse_node_services

# A word of a command line in a unit, without characters that are special to systemd or HAProxy.
_ARGUMENT = re.compile(r"[A-Za-z0-9_./:=@,+~%-]+", re.ASCII)
# HAProxy treats the text after a comma as an option of the socket, and appends a suffix to the path temporarily.
_SOCKET = re.compile(r"[^,:%@]{1,90}")
_USERNAME = re.compile(r"[^\s:\"'\\#]{1,100}")
_KEYWORD = re.compile(r"\.?[a-z0-9][a-z0-9._-]*", re.ASCII)
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]+(:[a-z0-9]+)?(=[A-Za-z0-9.+:~-]+)?", re.ASCII)
_FORWARDER_PORT = re.compile(r"(.+)#([0-9]{1,5})", re.ASCII)


class SettingsError(Exception):
    """Variables of a role are invalid; ``problems`` are all of them, as is the message."""

    def __init__(self, role: str, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        lines = merged_lines(problems)
        noun = "problem" if len(lines) == 1 else "problems"
        title = f"{len(lines)} {noun} in the variables of role pgsvc.access.{role}, which has changed nothing:"
        super().__init__("\n".join([title, *(f"- {line}" for line in lines)]))


def _path(value: Any) -> str:
    return values.path(value, "a path")


def _folder_or_found(value: Any) -> str:
    return "" if value == "" else _path(value)


def _socket_or_found(value: Any) -> str:
    if value == "":
        return ""
    word = values.path(value, "the path of a socket")
    if not _SOCKET.fullmatch(word):
        raise not_allowed(value, "the path of a socket", "an absolute path of up to 90 letters, digits and -_.+=~/")
    return word


def _arguments(value: Any) -> list[str]:
    words = value.split() if isinstance(value, str) else values.sequence(value, "a list of words")
    found = [values.text(word, "an argument of HAProxy") for word in words]
    for word in found:
        if not _ARGUMENT.fullmatch(word):
            raise not_allowed(word, "an argument of HAProxy", "words of letters, digits and -_./:=@,+~%")
    return found


def _global_lines(value: Any) -> list[str]:
    return [_global_line(line) for line in values.sequence(value, "a list of lines")]


def _global_line(value: Any) -> str:
    line = values.text(value, "a line").strip()
    words = line.split()
    if line.isprintable() and words and words[0] not in SECTIONS and _KEYWORD.fullmatch(words[0]):
        return line
    allowed = "one printable line of the global section, such as 'nbthread 2'"
    if may_hold_secret(line):
        said = f"a line (not shown, as it may contain a secret) is not a directive; allowed: {allowed}"
        raise ValueProblem(said, "not-allowed")
    raise not_allowed(value, "a directive of the global section", allowed)


def _username(value: Any) -> str:
    word = values.one_line(value, "a user name")
    if not _USERNAME.fullmatch(word):
        raise not_allowed(value, "a user name", "up to 100 characters without ':', '#', '\\', blanks and quotes")
    return word


def _package(value: Any) -> str:
    word = values.text(value, "a package")
    if not _PACKAGE.fullmatch(word):
        raise not_allowed(value, "a package", "the name of a Debian package, with or without =<version>")
    return word


def _listen(value: Any) -> list[str]:
    return [_ip(word, "an address to listen on") for word in values.word_list(value, "an address to listen on")]


def _forwarders(value: Any) -> list[str]:
    return [_forwarder(word) for word in values.word_list(value, "a name server")]


def _forwarder(word: str) -> str:
    match = _FORWARDER_PORT.fullmatch(word)
    if match is None:
        return _ip(word, "a name server")
    return f"{_ip(match[1], 'a name server')}#{values.port(match[2])}"


def _ip(word: str, what: str) -> str:
    address = values.ip_address(word.strip())
    if address is None:
        raise not_allowed(word, what, "an IPv4 or an IPv6 address")
    return address


def _connections(value: Any) -> int:
    return values.integer(value, (0, 10_000_000), "a number of connections")


def _cluster(value: Any) -> str:
    return values.name(value, "a cluster name")


_BALANCER = defaults.LOAD_BALANCER
ROLES: dict[str, dict[str, Setting]] = {
    "haproxy": {
        "haproxy_enabled": Setting(values.boolean, _BALANCER["haproxy_enabled"]),
        "haproxy_clean": Setting(values.boolean, False),
        "haproxy_reload": Setting(values.boolean, _BALANCER["haproxy_reload"]),
        "haproxy_conf_dir": Setting(_folder_or_found, _BALANCER["haproxy_conf_dir"]),
        "haproxy_state_dir": Setting(_path, _BALANCER["haproxy_state_dir"]),
        "haproxy_config_args": Setting(_arguments, []),
        "haproxy_master_socket": Setting(_socket_or_found, _BALANCER["haproxy_master_socket"]),
        "haproxy_stats_socket": Setting(_socket_or_found, _BALANCER["haproxy_stats_socket"]),
        "haproxy_maxconn": Setting(_connections, 0),
        "haproxy_hard_stop_after": Setting(values.duration, "1h"),
        "haproxy_client_timeout": Setting(values.duration, _BALANCER["haproxy_client_timeout"]),
        "haproxy_server_timeout": Setting(values.duration, _BALANCER["haproxy_server_timeout"]),
        "haproxy_global_options": Setting(_global_lines, []),
        "haproxy_exporter_port": Setting(values.port, _BALANCER["haproxy_exporter_port"]),
        "haproxy_admin_username": Setting(_username, "admin"),
        "haproxy_admin_password": Setting(values.secret, "", secret=True),
        "pg_service_ip": Setting(values.bind_addresses, (_BALANCER["pg_service_ip"],)),
    },
    "lb_vip": {
        "vip_enabled": Setting(values.boolean, False),
        "vip_auth_pass": Setting(values.secret, "", secret=True),
        "lb_vip_package": Setting(_package, "keepalived"),
    },
    "pg_dns": {
        "pg_dns_purge": Setting(values.boolean, False),
        "pg_dns_hosts_dir": Setting(_path, "/etc/hosts.d"),
        "pg_dns_listen": Setting(_listen, []),
        "pg_dns_port": Setting(values.port, 53),
        "pg_dns_forwarders": Setting(_forwarders, []),
        "pg_dns_serve_etc_hosts": Setting(values.boolean, False),
    },
    "pg_service": {
        "pg_service_conf_path": Setting(_path, "/etc/postgresql-common/pg_service.conf"),
        "pg_service_conf_purge": Setting(values.boolean, False),
    },
    "pg_vip": {
        "pg_cluster": Setting(_cluster, ""),
        "pg_vip_package": Setting(_package, "vip-manager"),
        "pg_vip_binary": Setting(_path, "/usr/bin/vip-manager"),
        "pg_vip_etcd_password": Setting(values.secret, "", secret=True),
        "pg_vip_consul_token": Setting(values.secret, "", secret=True),
    },
}
# On a host where this variable is false, the other variables are not checked.
_SWITCHES = {"haproxy": "haproxy_enabled"}

ValueOf = Callable[[str], Any]


def read_settings(role: str, host: str, value_of: ValueOf) -> dict[str, Any]:
    """The variables of a role on one host, typed, without secrets. Raises `SettingsError` with all mistakes.

    `value_of` returns a variable in native types, None if it is not set, and raises `ValueProblem` if it cannot be
    templated.
    """
    report = Report()
    settings = ROLES[role]
    switch = _SWITCHES.get(role)
    if switch is not None and _read(settings[switch], switch, host, value_of, report) is False:
        return {switch: False}
    if not host.isprintable():
        report.problem(
            host, "is not a name of a host; allowed: one line of printable text", code="unprintable", value=host
        )
    found = {name: _read(setting, name, host, value_of, report) for name, setting in settings.items()}
    if role == "haproxy":
        _check_services(found, host, value_of, report)
    if report.problems:
        raise SettingsError(role, tuple(report.problems))
    return {name: values.native(value) for name, value in found.items() if not settings[name].secret}


def _read(setting: Setting, name: str, host: str, value_of: ValueOf, report: Report) -> Any:
    try:
        value = value_of(name)
        return setting.default if value is None else setting.parse(value)
    except ValueProblem as problem:
        found = problem
    if setting.secret and found.code == "untemplatable":
        text = f"{UNTEMPLATED}; the reason is not shown, as it may contain the value"
        found = ValueProblem(text, found.code)
    if (name, str(found)) not in {(known.field, known.message) for known in report.problems}:
        report.value_problem(host, found, field=name)
    return setting.default


UNTEMPLATED = "cannot be templated"


def _check_services(found: Mapping[str, Any], host: str, value_of: ValueOf, report: Report) -> None:
    try:
        declared = value_of("haproxy_services")
    except ValueProblem as problem:
        report.value_problem(host, problem, field="haproxy_services")
        return
    services = parse_node_services([] if declared is None else declared, host, report)
    listeners = [Listener("haproxy_exporter_port", ("*",), found["haproxy_exporter_port"])]
    listeners += [
        Listener(f"{service.name} of haproxy_services", service.ip or tuple(found["pg_service_ip"]), service.port)
        for service in services
    ]
    report_clashes(host, listeners, report)

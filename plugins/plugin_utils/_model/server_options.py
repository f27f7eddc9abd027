# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a ``default-server`` line and the arguments that they take (HAProxy manual 5.2).

Only options that apply to a server of a TCP service are here. Options that the collection writes to each server line
itself (``check``, ``backup``, the check port and its TLS) are not.
"""

from __future__ import annotations

import ipaddress
import itertools
import re
from collections.abc import Callable, Iterator
from typing import Any

from ansible_collections.pgsvc.access.plugins.plugin_utils._input import values
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import (
    ValueProblem,
    listed,
    nearest,
    not_allowed,
    shown,
)

_WORD = re.compile(r"[A-Za-z0-9_.,:/%=@+*()\[\]-]+", re.ASCII)

Check = Callable[[str], Any]


def _count(least: int) -> Check:
    return lambda word: values.integer(word, (least, values.COUNTS[1]), "a number")


def _one_of(*words: str) -> Check:
    def check(word: str) -> str:
        if word not in words:
            said = f"{shown(word)} is unknown{nearest(word, words)}; allowed: {listed(words)}"
            raise ValueProblem(said, "not-allowed", word)
        return word

    return check


def _weight(word: str) -> int:
    return values.integer(word, values.WEIGHTS, "a weight")


def _time(word: str) -> str:
    return values.duration(word)


def _path(word: str) -> str:
    return values.path(word, "a path")


def _networks(word: str) -> list[Any]:
    try:
        return [ipaddress.ip_network(network, strict=False) for network in word.split(",")]
    except ValueError:
        raise not_allowed(word, "a list of networks", "networks separated by commas, such as 10.0.0.0/8") from None


def _matching(pattern: str, what: str, allowed: str) -> Check:
    compiled = re.compile(pattern, re.ASCII)

    def check(word: str) -> str:
        if not compiled.fullmatch(word):
            raise not_allowed(word, what, allowed)
        return word

    return check


def _initial_addresses(word: str) -> list[str]:
    methods = word.split(",")
    addresses = [method for method in methods if method not in ("last", "libc", "none")]
    if len(set(methods)) < len(methods) or len(addresses) > 1 or any(map(_is_no_address, addresses)):
        allowed = "last, libc, none and one address, each once, separated by commas"
        raise not_allowed(word, "a way to find the first address", allowed)
    return methods


def _is_no_address(word: str) -> bool:
    return values.ip_address(word) is None


def _source(word: str) -> str:
    match = re.fullmatch(r"([0-9.]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?", word, re.ASCII)
    if not match:
        raise not_allowed(
            word,
            "an address to connect from",
            "an IPv4 address, or an IPv6 address in brackets, with or without a port",
        )
    values.integer(match[2] or 0, (0, 65535), "a port")
    return values.bind_address(match[1])


def _any(word: str) -> str:
    return word


_WITH_ARGUMENT: dict[str, Check] = {
    "agent-inter": _time,
    "agent-port": values.port,
    "ca-file": _path,
    "ciphers": _any,
    "ciphersuites": _any,
    "crl-file": _path,
    "crt": _path,
    "downinter": _time,
    "error-limit": _count(1),
    "fall": _count(1),
    "fastinter": _time,
    "init-addr": _initial_addresses,
    "inter": _time,
    "maxconn": _count(0),
    "maxqueue": _count(0),
    "minconn": _count(0),
    "namespace": _any,
    "observe": _one_of("layer4"),
    "on-error": _one_of("fastinter", "fail-check", "sudden-death", "mark-down"),
    "on-marked-down": _one_of("shutdown-sessions"),
    "on-marked-up": _one_of("shutdown-backup-sessions"),
    "resolve-net": _networks,
    "resolve-prefer": _one_of("ipv4", "ipv6"),
    "resolvers": _any,
    "rise": _count(1),
    "slowstart": _time,
    "sni": _matching(
        r"ssl_fc_sni|str\([A-Za-z0-9._-]+\)", "an expression for the server name", "ssl_fc_sni or str(<name>)"
    ),
    "source": _source,
    "ssl-max-ver": _one_of("SSLv3", "TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3"),
    "ssl-min-ver": _one_of("SSLv3", "TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3"),
    "tcp-ut": _time,
    "verify": _one_of("none", "required"),
    "verifyhost": _any,
    "weight": _weight,
}
_ALONE = frozenset(
    {
        "agent-check",
        "check-send-proxy",
        "check-ssl",
        "no-check-ssl",
        "no-ssl",
        "no-ssl-reuse",
        "no-tls-tickets",
        "non-stick",
        "send-proxy",
        "send-proxy-v2",
        "ssl",
        "ssl-reuse",
        "stick",
        "tfo",
        "tls-tickets",
    }
)
# Options that are set elsewhere or not supported, with the reason or the alternative.
_REFUSED = {
    "addr": "checks use pg_address of the member",
    "backup": "the field backup of the service selects them",
    "check": "every server of a service has it",
    "cookie": "it needs HTTP",
    "disabled": "pg_weight: 0 of a member keeps new connections away from it",
    "enabled": "every server of a service is",
    "no-check": "a server without health checks would get connections whatever its role; leave it out",
    "port": "checks use patroni_port of the member",
    "redir": "it needs HTTP",
    "track": "roles: live has servers follow shared health checks",
}
KNOWN = frozenset(_WITH_ARGUMENT) | _ALONE

# Options of a health check alone, and those of a server that also say how its check is made.
TIMINGS = ("inter", "fastinter", "downinter", "rise", "fall")
_OF_CHECKS = frozenset({*TIMINGS, "check-send-proxy", "check-ssl", "no-check-ssl"})
_OF_BOTH = frozenset(
    {
        *("ca-file", "ciphers", "ciphersuites", "crl-file", "crt", "init-addr", "namespace", "no-tls-tickets"),
        *("resolve-net", "resolve-prefer", "resolvers", "source", "ssl-max-ver", "ssl-min-ver", "tcp-ut"),
        *("tls-tickets", "verify", "verifyhost"),
    }
)
# A server that follows the check of another one has none that these could act on.
_NEEDS_OWN_CHECK = frozenset({"agent-check", "agent-inter", "agent-port", "error-limit", "observe", "on-error"})


def split_options(options: str) -> tuple[str, str]:
    """The options (of `server_options`) of a check backend, and those of the servers that follow its checks.

    Raises `ValueProblem` for an option that needs a health check on the server itself.
    """
    checks: list[str] = []
    servers: list[str] = []
    for option in _grouped(options):
        word = option[0]
        if word in _NEEDS_OWN_CHECK:
            raise ValueProblem(
                f"{word!r} needs a health check of the server's own, and with roles: live servers share their checks; "
                "allowed: without it, or roles: declared",
                "conflict",
                word,
            )
        if word in _OF_CHECKS or word in _OF_BOTH:
            checks += option
        if word not in _OF_CHECKS:
            servers += option
    return " ".join(checks), " ".join(servers)


def without_option(options: str, name: str) -> str:
    """The options (of `server_options`) without one of them."""
    return " ".join(word for option in _grouped(options) if option[0] != name for word in option)


def timings_of(options: str) -> dict[str, str]:
    """The timings of health checks among the options (of `server_options`), by keyword."""
    return {option[0]: option[1] for option in _grouped(options) if option[0] in TIMINGS}


def _grouped(options: str) -> Iterator[list[str]]:
    """Each option with its argument."""
    words = options.split()
    position = 0
    while position < len(words):
        length = 1 if words[position] in _ALONE else 2
        yield words[position : position + length]
        position += length


def server_options(value: Any) -> str:
    """Check the options and return them as one line of words separated by single spaces.

    Raises `ValueProblem` for the first word that HAProxy would not accept there, or that could end the line early.
    """
    words = list(_checked(iter(values.one_line(value, "server options").split())))
    _check_verification(words)
    return " ".join(words)


def _check_verification(words: list[str]) -> None:
    """HAProxy verifies certificates by default and does not start without a CA file (manual 5.2, "verify")."""
    tls = next((word for word in ("ssl", "check-ssl") if word in words), None)
    verify = [argument for word, argument in itertools.pairwise(words) if word == "verify"]
    if tls and "ca-file" not in words and verify[-1:] != ["none"]:
        raise ValueProblem(
            f"{tls!r} needs a way to verify the certificate; allowed: with 'ca-file <path>' or with 'verify none'",
            "conflict",
            tls,
        )


def _checked(words: Iterator[str]) -> Iterator[str]:
    seen: set[str] = set()
    for word in words:
        if not _WORD.fullmatch(word):
            raise ValueProblem(
                f"{shown(word)} contains a character that is special to HAProxy; allowed: letters, digits and "
                "_.,:/%=@+*()[]-",
                "not-allowed",
                word,
            )
        if word in seen:
            raise ValueProblem(f"{shown(word)} is given twice; allowed: each option once", "clash", word)
        seen.add(word)
        yield word
        if word in _ALONE:
            continue
        if word in _REFUSED:
            said = f"{shown(word)} is not an option of a service's servers: {_REFUSED[word]}"
            raise ValueProblem(said, "not-allowed", word)
        if word not in _WITH_ARGUMENT:
            raise ValueProblem(
                f"{shown(word)} is not a server option{nearest(word, KNOWN)}; allowed: {listed(sorted(KNOWN))}",
                "unknown-name",
                word,
            )
        argument = next(words, None)
        if argument is None:
            raise ValueProblem(f"{word!r} needs an argument", "missing", word)
        if not _WORD.fullmatch(argument):
            said = f"{word} {shown(argument)} is not an argument that HAProxy can read"
            raise ValueProblem(said, "not-allowed", argument)
        try:
            _WITH_ARGUMENT[word](argument)
        except ValueProblem as problem:
            raise problem.prefixed(f"{word} ") from None
        yield argument

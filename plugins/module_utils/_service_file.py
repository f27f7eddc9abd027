# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a service file says: its owner, its listeners, its head and its server lines. Text in, values out."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Optional

from ansible_collections.pgsvc.access.plugins.module_utils._server_line import ServerLine, parse_server_line

SUFFIX = ".cfg"

_NAME = re.compile(r"(?!\.)[A-Za-z0-9_.-]+")
_OWNER = re.compile(r"^# managed by pgsvc\.access, owner (\S+):", re.MULTILINE)
_OWNER_ARGUMENT = re.compile(r"[^\s:*]+")

# The keywords that open a section (HAProxy configuration manual 2.4 to 12, up to HAProxy 3.2).
_SECTIONS = frozenset(
    (
        *(
            "acme",
            "backend",
            "cache",
            "crt-store",
            "defaults",
            "fcgi-app",
            "frontend",
            "global",
            "http-errors",
            "listen",
        ),
        *("log-forward", "log-profile", "mailers", "peers", "program", "resolvers", "ring", "traces", "userlist"),
    )
)


@dataclass(frozen=True)
class ServiceFile:
    """One `<name>.cfg`, parsed.

    `head` is what HAProxy cannot change while it runs: every directive but the `server` lines, without comments and
    blank lines and with single spaces, so that two files that mean the same have the same head.
    """

    name: str
    owner: Optional[str]
    head: tuple[str, ...]
    server_lines: tuple[str, ...]
    default_server: tuple[str, ...]
    binds: frozenset[str]

    @property
    def head_digest(self) -> str:
        """SHA-256 (hex) of the head."""
        return hashlib.sha256("\n".join(self.head).encode(errors="surrogateescape")).hexdigest()

    @property
    def state_file(self) -> Optional[str]:
        """The file from which a new process takes the states of the servers; None for a service without one."""
        for line in self.head:
            keyword, _blank, path = line.partition(" ")
            if keyword == "server-state-file-name":
                return path
        return None

    def servers(self) -> list[ServerLine]:
        """The `server` lines, taken apart. Raises `ValueError` for one that is none to HAProxy either."""
        return [parse_server_line(line) for line in self.server_lines]


def valid_name(name: str) -> bool:
    """Whether a service may have this name: it becomes a file name, and `haproxy.cfg` is the base configuration."""
    return _NAME.fullmatch(name) is not None and name != "haproxy"


def valid_owner(owner: str) -> bool:
    """Whether an owner can be written into, and read back from, the owner line of a file."""
    return _OWNER_ARGUMENT.fullmatch(owner) is not None


def parse(name: str, text: str) -> ServiceFile:
    """Parse the text of `<name>.cfg`. Never fails: whether the text is valid is for HAProxy to say."""
    head: list[str] = []
    servers: list[str] = []
    defaults: list[str] = []
    binds: set[str] = set()
    for line in text.splitlines():
        words = _without_comment(line.split())
        if not words:
            continue
        if words[0] == "server":
            servers.append(line.strip())
            continue
        head.append(" ".join(words))
        if words[0] == "default-server":
            defaults.extend(words[1:])
        elif words[0] == "bind" and len(words) > 1:
            binds.update(words[1].split(","))
    return ServiceFile(name, owner_of(text), tuple(head), tuple(servers), tuple(defaults), frozenset(binds))


def directives(text: str) -> list[list[str]]:
    """The words of every line that is neither blank nor a comment, without the comment that may follow them."""
    lines = (_without_comment(line.split()) for line in text.splitlines())
    return [words for words in lines if words]


def _without_comment(words: list[str]) -> list[str]:
    for position, word in enumerate(words):
        if word.startswith("#"):
            return words[:position]
    return words


def owner_of(text: str) -> Optional[str]:
    """The owner that the file names in its `# managed by pgsvc.access, owner X: …` line; None for a foreign file."""
    match = _OWNER.search(text)
    return match.group(1) if match else None


def owned_by(owner: Optional[str], patterns: Iterable[str]) -> bool:
    """Whether an owner is one of the patterns: an exact owner, or `prefix/*` for every owner below the prefix.

    >>> owned_by("member/pg-test", ["member/*"]), owned_by("member/pg-test-dr", ["member/pg-test"])
    (True, False)
    """
    if owner is None:
        return False
    return any(owner == p or (p.endswith("/*") and owner.startswith(p[:-1])) for p in patterns)


def adoptable(name: str, text: str) -> bool:
    """Whether a file without an owner may be replaced by the service of the same name.

    Only when all it declares is one `listen <name>` section: then it is the same service, written by other hands
    (Pigsty's), and nothing else is lost with it.
    """
    lines = directives(text)
    if not lines or lines[0][:2] != ["listen", name]:
        return False
    return not any(words[0] in _SECTIONS for words in lines[1:])


@dataclass(frozen=True)
class Listener:
    """An address and port that a section binds. `address` is `*` for every address of the family.

    `transparent` listeners may have addresses that are not the machine's own.
    """

    section: str
    family: str
    address: str
    port: int
    transparent: bool = False

    def overlaps(self, other: Listener) -> bool:
        """Whether both would share connections: the kernel accepts them beside each other (SO_REUSEPORT)."""
        if (self.family, self.port) != (other.family, other.port):
            return False
        return self.address == other.address or "*" in (self.address, other.address)

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if self.family == "ipv6" else f"{self.address}:{self.port}"


def listeners(text: str) -> list[Listener]:
    """The TCP listeners of a configuration file, with the section of each (`listen pg-test-primary`).

    Reads what can be told from the text alone: sockets, variables, port ranges, and listeners that are tied to an
    interface or a network namespace are left out.
    """
    found: list[Listener] = []
    section = ""
    for words in directives(text):
        if words[0] in _SECTIONS:
            section = " ".join(words[:2])
        elif words[0] == "bind" and len(words) > 1 and not {"interface", "namespace"} & set(words[2:]):
            for address in words[1].split(","):
                listener = _listener(section, address, "transparent" in words)
                if listener is not None:
                    found.append(listener)
    return found


def _listener(section: str, bind: str, transparent: bool) -> Optional[Listener]:
    """One address of a `bind` line (HAProxy manual, 4.2 `bind` and 11.1 address formats)."""
    family = ""
    if bind.startswith(("ipv4@", "ipv6@")):
        family, _at, bind = bind.partition("@")
    host, colon, port = bind.rpartition(":")
    if not colon or not port.isdigit() or "$" in host or "@" in host or "/" in host:
        return None
    host = host.strip("[]")
    family = family or ("ipv6" if ":" in host else "ipv4")
    if host in {"", "*", "0.0.0.0", "::"}:
        host = "*"
    return Listener(section, family, host.lower(), int(port), transparent)

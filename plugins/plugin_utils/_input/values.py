# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parses values of variables.

INI inventories, extra variables and templates give text for numbers and booleans (``"6433"``, ``"false"``). Each
function takes such a value and returns the typed one, or raises `ValueProblem`.
"""

from __future__ import annotations

import ipaddress
import posixpath
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.grammar import MILLISECONDS
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import ValueProblem, not_allowed, shown

_TRUE = frozenset({"true", "yes", "on", "1", "y", "t"})
_FALSE = frozenset({"false", "no", "off", "0", "n", "f", ""})
_INTEGER = re.compile(r"\s*[+-]?[0-9]{1,19}\s*", re.ASCII)
_HOST_NAME = re.compile(
    r"(?=.{1,253}\Z)[A-Za-z0-9]([A-Za-z0-9_-]{0,62})(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,62}))*\.?", re.ASCII
)
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", re.ASCII)
_PATH = re.compile(r"/[A-Za-z0-9_.,:@%+=/~-]*", re.ASCII)
_DURATION = re.compile(r"([0-9]{1,12})(ms|s|m|h|d)?", re.ASCII)
_LONGEST_DURATION = 2**31 - 1
_LONGEST_SECRET = 500  # characters; HAProxy reads lines of up to 2,047

PORTS = (1, 65535)
WEIGHTS = (0, 256)
COUNTS = (1, 2**31 - 1)


def native(value: Any) -> Any:  # noqa: PLR0911  one line for each kind
    """The same value in plain Python types, without Ansible's wrappers (tagged, lazy, vaulted, unsafe)."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
        return float.__float__(value)
    if isinstance(value, Mapping):
        return {native(key): native(item) for key, item in value.items()}
    if isinstance(value, (bytes, bytearray)) or hasattr(value, "__ENCRYPTED__"):
        return str(value)
    if isinstance(value, (Sequence, set, frozenset)):
        return [native(item) for item in value]
    return str(value)


def integer(value: Any, bounds: tuple[int, int], what: str) -> int:
    """A whole number within ``bounds``, both included."""
    low, high = bounds
    allowed = f"{low} to {high}" if high != COUNTS[1] else f"a whole number from {low}"
    number = int(value) if isinstance(value, str) and _INTEGER.fullmatch(value) else value
    if isinstance(number, bool) or not isinstance(number, int) or not low <= number <= high:
        raise ValueProblem(f"{shown(number)} is not {what}; allowed: {allowed}", "not-allowed", value)
    return number


def port(value: Any) -> int:
    return integer(value, PORTS, "a port")


def boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower() if isinstance(value, (str, int)) else None
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise not_allowed(value, "a truth value", "true or false")


def text(value: Any, what: str = "text") -> str:
    """Text; an integer is converted (an unquoted ``name: 1``)."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        quotes = " (YAML reads on, off, yes and no as true and false unless they are in quotes)"
        raise not_allowed(value, what, f"text{quotes if isinstance(value, bool) else ''}")
    return value


def word_list(value: Any, what: str) -> list[str]:
    """A list of words, or text with words separated by commas or blanks."""
    if isinstance(value, str):
        return [word for word in re.split(r"[,\s]+", value) if word]
    if isinstance(value, list):
        return [text(item, f"{what} (in a list)") for item in value]
    raise not_allowed(value, what, "one, or a list of them")


def name(value: Any, what: str) -> str:
    """A name that is safe as a proxy name and a file name (HAProxy manual 4: letters, digits, ``-``, ``_``, ``.``)."""
    word = text(value, what)
    if not _NAME.fullmatch(word) or len(word) > 100:
        raise not_allowed(
            value, what, "up to 100 letters, digits, '-', '_' and '.', beginning with a letter, a digit or '_'"
        )
    return word


def path(value: Any, what: str) -> str:
    """An absolute path that HAProxy reads as one word, without ``..``, in its shortest form.

    The form must be unique: service files contain the path of the state file, which has to match the publisher's.
    """
    word = text(value, what)
    if not _PATH.fullmatch(word) or ".." in word.split("/") or len(word) > 1024:
        raise not_allowed(value, what, "an absolute path of up to 1024 letters, digits and -_.,:@%+=~/")
    return "/" + posixpath.normpath(word).lstrip("/")


def duration(value: Any, what: str = "a duration", least: int = 1) -> str:
    """A duration in HAProxy's format (manual 2.5): milliseconds, or a number with a unit, at most 24 days."""
    word = text(value, what).strip()
    match = _DURATION.fullmatch(word)
    if not match or not least <= int(match[1]) * MILLISECONDS[match[2] or "ms"] <= _LONGEST_DURATION:
        raise not_allowed(value, what, "a number with ms, s, m, h or d, such as 30s or 24h, up to 24d")
    return word


def ip_address(word: str) -> str | None:
    """An address in its shortest form; None if it is none or has a zone (``fe80::1%eth0``), which HAProxy rejects."""
    if word.startswith("[") and word.endswith("]"):
        word = word[1:-1]
    try:
        return None if "%" in word else str(ipaddress.ip_address(word))
    except ValueError:
        return None


def bind_address(value: Any) -> str:
    """An address to listen on: ``*``, IPv4, or IPv6 with or without brackets; in its shortest form."""
    word = text(value, "an address").strip()
    if word == "*":
        return word
    address = ip_address(word)
    if address is None:
        raise not_allowed(value, "an address to listen on", "'*', an IPv4 or an IPv6 address, or a list of them")
    return address


def bind_addresses(value: Any) -> tuple[str, ...]:
    """One address to listen on, or several, each once."""
    found = [bind_address(word) for word in word_list(value, "an address to listen on")]
    if not found:
        raise not_allowed(value, "an address to listen on", "'*', an IPv4 or an IPv6 address, or a list of them")
    return tuple(dict.fromkeys(found))


def host_address(value: Any, what: str = "an address") -> str:
    """The address of a host: IPv4, IPv6 or a name.

    ``0.0.0.0`` and ``::`` are refused: for HAProxy they mean the address that the client connected to (manual 5.2,
    "server").
    """
    word = text(value, what).strip()
    address = ip_address(word)
    if address is not None and address not in ("0.0.0.0", "::"):
        return address
    if _HOST_NAME.fullmatch(word) and not re.fullmatch(r"[0-9.]+", word):
        return word
    raise not_allowed(value, what, "an IPv4 address, an IPv6 address or a host name")


def with_port(address: str, number: int) -> str:
    """``10.0.0.1:5433``, ``*:5433``, ``[fd00::1]:5433``."""
    return f"[{address}]:{number}" if ":" in address else f"{address}:{number}"


def mapping(value: Any, what: str) -> dict[Any, Any]:
    if not isinstance(value, dict):
        raise not_allowed(value, what, "a mapping of fields")
    return value


def sequence(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise not_allowed(value, what, "a list")
    return value


def one_line(value: Any, what: str) -> str:
    """Printable text without a line break, which could inject a directive."""
    word = text(value, what)
    if not word.isprintable():
        raise ValueProblem(
            f"{shown(word)} contains a line break or another unprintable character; allowed: one line of printable "
            "text",
            "unprintable",
            value,
        )
    return word


def secret(value: Any) -> str:
    """One line of printable text that is never shown in a message."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value.isprintable() or len(value) > _LONGEST_SECRET:
        raise ValueProblem(
            "the value (not shown) is too long or not text, or contains a line break or another unprintable character,"
            " such as the Enter typed after it in ansible-vault encrypt_string; allowed: one line of up to "
            f"{_LONGEST_SECRET} printable characters",
            "not-allowed",
        )
    return value

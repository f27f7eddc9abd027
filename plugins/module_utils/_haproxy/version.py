# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks the version of HAProxy. 2.6 is the first with all the statistics and server states that are needed here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Optional

from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import PublishError

Version = tuple[int, int, int]

OLDEST: Version = (2, 6, 0)

_VERSION = re.compile(r"(\d{1,4})\.(\d{1,4})(?:\.(\d{1,6})|(-dev\d*))?(?![\d.])", re.ASCII)
_BANNER = re.compile(r"^HA-?Proxy version (\S+)", re.MULTILINE)
_WITHOUT_LUA = re.compile(r"^Feature list *:.* -LUA(?: |$)|^Built without Lua", re.MULTILINE)
_BEFORE_THE_RELEASE = -1
NEEDED = "pgsvc.access works with HAProxy {}.{} and later".format(*OLDEST)
_INSTALL = "Install such a version"


def parse(text: str) -> Optional[Version]:
    """Parse a version of HAProxy; None if the text is not one. A development version sorts before its release.

    >>> parse("2.6.12-1+deb12u1"), parse("3.2-dev5"), parse("unknown")
    ((2, 6, 12), (3, 2, -1), None)
    """
    match = _VERSION.match(text.strip())
    if match is None:
        return None
    major, minor, patch, development = match.groups()
    return int(major), int(minor), _BEFORE_THE_RELEASE if development else int(patch or 0)


def check_running(info: Mapping[str, str], where: str) -> Version:
    """The version of the HAProxy with this `show info`; `where` is its socket.

    Raises `PublishError` if it is too old.
    """
    text = info.get("Version", "")
    version = parse(text)
    remedy = f"{_INSTALL} and restart HAProxy. Nothing was changed"
    if version is None:
        raise PublishError(f"the HAProxy at {where} does not report its version ({_shown(text)}); {NEEDED}. {remedy}")
    if version < OLDEST:
        raise PublishError(f"the HAProxy at {where} is {_shown(text)}; {NEEDED}. {remedy}")
    return version


def in_banner(banner: str) -> Optional[str]:
    """The version in what HAProxy prints for `-v`; None if there is none."""
    match = _BANNER.search(banner)
    return match.group(1) if match else None


def check_binary(binary: str, banner: str) -> Version:
    """The version of a program; `banner` is its output for `-v`.

    Raises `PublishError` if it is not HAProxy or too old.
    """
    text = in_banner(banner)
    version = parse(text) if text else None
    remedy = f"{_INSTALL}, or set binary to one. Nothing was changed"
    if text is None or version is None:
        first = banner.strip().partition("\n")[0]
        raise PublishError(f"{binary} -v does not print a version of HAProxy ({_shown(first)}); {NEEDED}. {remedy}")
    if version < OLDEST:
        raise PublishError(f"{binary} is HAProxy {_shown(text)}; {NEEDED}. {remedy}")
    return version


def lacks_lua(banner: str) -> bool:
    """Whether a HAProxy says that it was built without Lua; `banner` is what its `-vv` prints."""
    return _WITHOUT_LUA.search(banner) is not None


def _shown(text: str) -> str:
    """Text from HAProxy for a message: shortened, on one line, and quoted unless it is a plain word."""
    return text if re.fullmatch(r"[\w.+~-]{1,60}", text, re.ASCII) else repr(text[:60])

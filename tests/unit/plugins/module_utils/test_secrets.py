# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which lines of configuration disclose a secret, and which only look up one."""

from __future__ import annotations

import pytest

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.secrets import (
    CHECK,
    HEADER,
    PARAMETER,
    STATS_AUTH,
    USER,
    credential,
    may_hold_secret,
)

DISCLOSING = {
    "stats auth admin:pw": STATS_AUTH,
    'stats "auth" admin:pw': STATS_AUTH,
    "s\\tats  auth admin:pw": STATS_AUTH,
    "user x insecure-password pw": USER,
    "user x groups g password $6$abc": USER,
    'http-check send hdr Authorization "Basic YWRtaW46eA=="': HEADER,
    "http-request set-header X-Api-Key abc": HEADER,
    'http-request set-header Authorization "Bearer abcdef"': HEADER,
    r"option httpchk GET / HTTP/1.1\r\nHost:\ x\r\nAuthorization:\ Basic\ YWRtaW46cHc=": HEADER,
    'acl ok req.hdr(authorization) -m str "Basic YWRtaW46cHc="': HEADER,
    'tcp-check send "AUTH pw\\r\\n"': CHECK,
    "http-check send uri /health?token=abc": PARAMETER,
}
HARMLESS = [
    "acl basic path /basic",
    "acl password path_beg /password",
    "balance hdr(Authorization)",
    "capture request header Authorization len 10",
    "http-request auth realm x unless { http_auth(users) }",
    "http-request del-header Authorization",
    "http-request set-header X-Token-Type jwt",
    "option httpchk GET /health",
    "stats enable",
    "user haproxy",
]
LOOKED_UP = [
    'http-check send hdr Authorization "Basic ${CHECK}"',
    'http-check send hdr Authorization "$CHECK"',
    "http-check send uri /health?token=${TOKEN}",
    "http-request set-header Authorization %[env(TOKEN)]",
    "http-request set-header X-Token %[var(txn.token)]",
    'tcp-check send "AUTH ${PASSWORD}\\r\\n"',
]


@pytest.mark.parametrize(("line", "what"), DISCLOSING.items())
def test_a_line_that_discloses_a_secret(line: str, what: str) -> None:
    assert credential(line) == what
    assert may_hold_secret(line)


@pytest.mark.parametrize("line", [*HARMLESS, *LOOKED_UP])
def test_a_line_that_discloses_none(line: str) -> None:
    assert credential(line) == ""


@pytest.mark.parametrize("line", ["setenv X y", "    presetenv X y", "etcd-password: x", "consul-token: x"])
def test_text_that_not_everybody_should_read(line: str) -> None:
    assert may_hold_secret(f"global\n{line}\n")


def test_ordinary_text() -> None:
    assert not may_hold_secret("global\n    nbthread 2\n    ssl-default-bind-options no-tls-tickets\n")

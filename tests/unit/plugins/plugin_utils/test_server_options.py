# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of a ``default-server`` line."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgsvc.access.plugins.plugin_utils._input.defaults import SERVICE
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import listed
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.server_options import KNOWN, server_options
from ansible_collections.pgsvc.access.tests.unit.plugins.plugin_utils.planning import Wrong, assert_refused

TIME = "is not a duration; allowed: a number with ms, s, m, h or d, such as 30s or 24h, up to 24d"
TLS = "needs a way to verify the certificate; allowed: with 'ca-file <path>' or with 'verify none'"

# Each option, with every kind of argument it takes, at its bounds.
ACCEPTED = [
    SERVICE["options"],
    "",
    "agent-check agent-port 5 agent-inter 24d",
    "check-send-proxy send-proxy non-stick no-ssl-reuse no-tls-tickets no-ssl no-check-ssl",
    "check-ssl verify none verifyhost pg.example.org",
    "ssl verify none sni str(pg-test) ssl-min-ver TLSv1.2 ssl-max-ver TLSv1.3 ssl-reuse tls-tickets",
    "ssl verify none sni ssl_fc_sni",
    "error-limit 1 observe layer4 on-error mark-down",
    "error-limit 2147483647 fall 2147483647 rise 2147483647",
    "init-addr last,libc,none",
    "init-addr last,10.0.0.1,none",
    "init-addr fd00::1",
    "inter 2147483647 fastinter 1 downinter 596h tcp-ut 1s",
    "maxconn 0 maxqueue 0 minconn 0",
    "maxconn 2147483647 maxqueue 2147483647 minconn 2147483647",
    "on-marked-up shutdown-backup-sessions",
    "on-error fail-check",
    "resolve-net 10.0.0.0/8,fd00::/8 resolve-prefer ipv6",
    "send-proxy-v2 stick",
    "slowstart 2147483647ms weight 256",
    "source 10.0.0.1",
    "source [fd00::1]:0",
    "weight 0",
]

REFUSED: list[tuple[Any, Wrong]] = [
    ("inter", Wrong("missing", "inter", says="'inter' needs an argument")),
    ("inter 0", Wrong("not-allowed", "0", says=f"inter '0' {TIME}")),
    ("inter fast", Wrong("not-allowed", "fast")),
    ("inter 25d", Wrong("not-allowed", "25d")),
    ("rise 0", Wrong("not-allowed", "0")),
    ("maxconn 2147483648", Wrong("not-allowed", "2147483648")),
    ("weight 257", Wrong("not-allowed", "257")),
    (
        "fastinterr 1s",
        Wrong(
            "unknown-name",
            "fastinterr",
            says=f"'fastinterr' is not a server option, did you mean 'fastinter'?; allowed: {listed(sorted(KNOWN))}",
        ),
    ),
    ("zzz", Wrong("unknown-name", "zzz")),
    ("on-error explode", Wrong("not-allowed", "explode")),
    ("verify nome", Wrong("not-allowed", "nome")),
    ("ssl", Wrong("conflict", "ssl", says=f"'ssl' {TLS}")),
    (
        "check-ssl verify none verify required",
        Wrong("clash", "verify", says="'verify' is given twice; allowed: each option once"),
    ),
    ("sni req.hdr(host)", Wrong("not-allowed", "req.hdr(host)")),
    ("init-addr x", Wrong("not-allowed", "x")),
    ("resolve-net x", Wrong("not-allowed", "x")),
    ("source fd00::1", Wrong("not-allowed", "fd00::1")),
    ("source 1.2.3.4:70000", Wrong("not-allowed", "70000")),
    ("ca-file pki/ca.crt", Wrong("not-allowed", "pki/ca.crt")),
    ("inter 3s # fast", Wrong("not-allowed", "#")),
    ("inter $X", Wrong("not-allowed", "$X")),
    (
        "inter 3s\n    server evil 10.0.0.1:1",
        Wrong(
            "unprintable",
            "inter 3s\n    server evil 10.0.0.1:1",
            says=(
                "'inter 3s\\n    server evil 10.0.0.1:1' contains a line break or another unprintable character; "
                "allowed: one line of printable text"
            ),
        ),
    ),
    (["inter 3s"], Wrong("not-allowed", ["inter 3s"])),
    ("ssl verify required", Wrong("conflict", "ssl")),
    ("inter 3s rise 2 inter 3s", Wrong("clash", "inter")),
    (
        "inter 3s no-check",
        Wrong(
            "not-allowed",
            "no-check",
            says="'no-check' is not an option of a service's servers: "
            "a server without health checks would get connections whatever its role; leave it out",
        ),
    ),
    *(
        (f"inter 3s {words}", Wrong("not-allowed", words.split()[0]))
        for words in (
            *("check", "backup", "disabled", "enabled", "port 8008", "addr 10.0.0.1", "cookie a", "redir /"),
            "track a/b",
        )
    ),
]


@pytest.mark.parametrize("options", ACCEPTED)
def test_accepted_by_haproxy_too(options: str, tmp_path: Path) -> None:
    """What passes here passes ``haproxy -c``."""
    config = tmp_path / "haproxy.cfg"
    config.write_text(
        "listen s\n    bind 127.0.0.1:1\n    mode tcp\n    option httpchk\n"
        "    timeout client 1h\n    timeout server 1h\n    timeout connect 3s\n"
        f"    default-server {server_options(options)}\n    server a 127.0.0.1:6432 check port 8008\n"
    )
    checked = subprocess.run(["haproxy", "-c", "-f", config], check=False, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize(("options", "wrong"), REFUSED)
def test_refused(options: Any, wrong: Wrong) -> None:
    assert_refused(server_options, options, wrong)


def test_words_are_single_spaced() -> None:
    assert server_options("  inter  3s   weight 100 ") == "inter 3s weight 100"

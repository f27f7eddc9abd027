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
from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import ValueProblem, listed
from ansible_collections.pgsvc.access.plugins.plugin_utils._model.server_options import KNOWN, server_options

COUNT = "allowed: a whole number from"
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

REFUSED: list[tuple[Any, str]] = [
    ("inter", "'inter' needs an argument"),
    ("inter 0", f"inter '0' {TIME}"),
    ("inter fast", f"inter 'fast' {TIME}"),
    ("inter 25d", f"inter '25d' {TIME}"),
    ("rise 0", f"rise 0 is not a number; {COUNT} 1"),
    ("maxconn 2147483648", f"maxconn 2147483648 is not a number; {COUNT} 0"),
    ("weight 257", "weight 257 is not a weight; allowed: 0 to 256"),
    (
        "fastinterr 1s",
        f"'fastinterr' is not a server option, did you mean 'fastinter'?; allowed: {listed(sorted(KNOWN))}",
    ),
    ("zzz", f"'zzz' is not a server option; allowed: {listed(sorted(KNOWN))}"),
    ("on-error explode", "on-error 'explode' is unknown; allowed: fastinter, fail-check, sudden-death, mark-down"),
    ("verify nome", "verify 'nome' is unknown, did you mean 'none'?; allowed: none, required"),
    ("ssl", f"'ssl' {TLS}"),
    ("check-ssl verify none verify required", "'verify' is given twice; allowed: each option once"),
    (
        "sni req.hdr(host)",
        "sni 'req.hdr(host)' is not an expression for the server name; allowed: ssl_fc_sni or str(<name>)",
    ),
    (
        "init-addr x",
        "init-addr 'x' is not a way to find the first address; "
        "allowed: last, libc, none and one address, each once, separated by commas",
    ),
    (
        "resolve-net x",
        "resolve-net 'x' is not a list of networks; allowed: networks separated by commas, such as 10.0.0.0/8",
    ),
    (
        "source fd00::1",
        "source 'fd00::1' is not an address to connect from; "
        "allowed: an IPv4 address, or an IPv6 address in brackets, with or without a port",
    ),
    ("source 1.2.3.4:70000", "source 70000 is not a port; allowed: 0 to 65535"),
    (
        "ca-file pki/ca.crt",
        "ca-file 'pki/ca.crt' is not a path; allowed: an absolute path of up to 1024 letters, digits and -_.,:@%+=~/",
    ),
    (
        "inter 3s # fast",
        "'#' contains a character that is special to HAProxy; allowed: letters, digits and _.,:/%=@+*()[]-",
    ),
    ("inter $X", "inter '$X' is not an argument that HAProxy can read"),
    (
        "inter 3s\n    server evil 10.0.0.1:1",
        "'inter 3s\\n    server evil 10.0.0.1:1' contains a line break or another unprintable character; "
        "allowed: one line of printable text",
    ),
    (["inter 3s"], "['inter 3s'] is not server options; allowed: text"),
    ("ssl verify required", f"'ssl' {TLS}"),
    ("inter 3s rise 2 inter 3s", "'inter' is given twice; allowed: each option once"),
    *(
        (f"inter 3s {words}", f"{words.split()[0]!r} is not an option of a service's servers: {reason}")
        for words, reason in (
            ("no-check", "a server without health checks would get connections whatever its role; leave it out"),
            ("check", "every server of a service has it"),
            ("backup", "the field backup of the service selects them"),
            ("disabled", "pg_weight: 0 of a member keeps new connections away from it"),
            ("enabled", "every server of a service is"),
            ("port 8008", "checks use patroni_port of the member"),
            ("addr 10.0.0.1", "checks use pg_address of the member"),
            ("cookie a", "it needs HTTP"),
            ("redir /", "it needs HTTP"),
            ("track a/b", "roles: live has servers follow shared health checks"),
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


@pytest.mark.parametrize(("options", "message"), REFUSED)
def test_refused(options: Any, message: str) -> None:
    with pytest.raises(ValueProblem) as caught:
        server_options(options)
    assert str(caught.value) == message


def test_words_are_single_spaced() -> None:
    assert server_options("  inter  3s   weight 100 ") == "inter 3s weight 100"

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a diff of a service file shows, and what it hides."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.pgsvc.access.plugins.module_utils._blocks.service_secrets import holds_secret, masked, shown
from ansible_collections.pgsvc.access.plugins.module_utils._blocks.service_sections import section_lines
from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import PublishError


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("password=se cret", "password=********"),
        ("  password = s3cret", "  password = ********"),
        ("PASSWORD=s3cret", "PASSWORD=********"),
        ("#password=s3cret", "#password=********"),
        ("## password=s3cret", "## password=********"),
        ("password=s3cret\r", "password=********"),
        ("sslpassword=s3cret", "sslpassword=********"),
        ("oauth_client_secret=s3cret", "oauth_client_secret=********"),
        ("scram_client_key=s3cret", "scram_client_key=********"),
        ("scram_server_key=s3cret", "scram_server_key=********"),
        # What the next libpq may have.
        ("api_key=s3cret", "api_key=********"),
        # Lines of a password file, and others that libpq does not read.
        ("db.example.com:5432:*:app:s3cret", "********"),
        ("# db.example.com:5432:*:app:s3cret", "# db.example.com:5432:*:app:********"),
        ("s3cret", "********"),
        ("[a] password=s3cret", "********"),
        # Text and URLs.
        ("# the password: s3cret", "# the password: ********"),
        ("# postgresql://app:s3c@ret@db.example.com/shop", "# postgresql://app:********@db.example.com/shop"),
        ("dbname=postgresql://app:s3cret@h/shop", "dbname=postgresql://app:********@h/shop"),
        ("dbname=host=h password=s3cret", "dbname=host=h password=********"),
        ("ldap://app:s3cret@h/dc=x?y?one?(cn=z)", "ldap://app:********@h/dc=x?y?one?(cn=z)"),
    ],
)
def test_a_secret_is_hidden(line: str, expected: str) -> None:
    assert shown(f"[a]\n{line}\n", "") == (f"[a]\n{expected}\n", "")
    assert shown("", line)[1] == expected


@pytest.mark.parametrize(
    "line",
    [
        "",
        " \t",
        "[pg-test-primary]",
        "host=10.10.10.3,fd00::1",
        "port=5433",
        "passfile=/home/app/.pgpass",
        "sslkey=/home/app/key.pem",
        "options=-c statement_timeout=1min",
        "target_session_attrs=read-write\r",
        "# read-write on the primary, via pool",
        "# postgresql://app@db.example.com/shop",
        "# BEGIN pgsvc.access secret: changes made here are overwritten",
        "# END pgsvc.access secret",
        "ldap://ldap.example.com/dc=example,dc=com?uniqueMember?one?(cn=mydb)",
    ],
)
def test_everything_else_is_shown(line: str) -> None:
    assert shown(line, f"\n{line}\n") == (line, f"\n{line}\n")


def test_a_secret_that_changes_says_so() -> None:
    before = "[a]\npassword=one\n[b]\npassword=two\n"
    after = "[a]\npassword=two\n[b]\npassword=two\nsslpassword=new\n"
    assert shown(before, after) == (
        "[a]\npassword=********\n[b]\npassword=********\n",
        "[a]\npassword=******** (changed)\n[b]\npassword=********\nsslpassword=********\n",
    )


def clusters(**parameters: Any) -> list[dict[str, Any]]:
    return [{"name": "a", "sections": [{"name": "a-primary", "comment": None, "parameters": parameters}]}]


def test_arguments_are_logged_without_secrets() -> None:
    given = clusters(host="h", port=5433, sslpassword="s3cret")
    assert masked(given) == clusters(host="h", port=5433, sslpassword="********")
    assert given == clusters(host="h", port=5433, sslpassword="s3cret")


def test_which_new_file_is_for_its_owner_only() -> None:
    assert holds_secret(clusters(host="h", sslpassword="s3cret"))
    assert not holds_secret(clusters(host="h", passfile="/p", future_parameter="x"))


def test_a_secret_that_cannot_be_written_is_not_in_the_message() -> None:
    with pytest.raises(PublishError) as caught:
        section_lines([{"name": "a", "parameters": {"password": "s3\ncret"}}])
    assert str(caught.value) == (
        "the value cannot be used in a service file as password; allowed: one line without blanks around it"
    )
